"""Resources: customers, invoices, files and the organisation."""
