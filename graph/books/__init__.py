"""The books of parks, enterprises and regions: inventories, accounts, targets, over time."""
