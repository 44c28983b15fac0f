"""resources/*: customers, invoices and the organisation."""
