"""Who wants to hear of which change: subscriptions, what they are told, and how it is signed."""
