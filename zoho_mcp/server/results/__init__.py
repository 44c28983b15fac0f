"""Converts Zoho's responses to tool results."""
