"""Customers, their contact persons and addresses."""
