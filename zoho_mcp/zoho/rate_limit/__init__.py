"""Zoho's limits: per minute, per day and at once, shared by all processes of a user."""
