"""Credit notes, their refunds and their application to invoices."""
