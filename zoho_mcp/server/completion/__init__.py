"""Completion of arguments while a person types."""
