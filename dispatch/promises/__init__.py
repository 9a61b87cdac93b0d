"""The ledger of arrival windows told to customers (R-309)."""
