"""Money: accounts, transfers and the ledger that is their only writer."""
