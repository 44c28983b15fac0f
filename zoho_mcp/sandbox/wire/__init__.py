"""Requests and responses as they travel: JSON, forms, checked fields, routes and errors."""
