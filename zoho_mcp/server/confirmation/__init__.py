"""Asks a person before a call may run."""
