"""What this server tells others: events that wait in a table until they have arrived."""
