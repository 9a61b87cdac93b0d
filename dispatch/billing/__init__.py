"""Settlement, invoices and payments."""
