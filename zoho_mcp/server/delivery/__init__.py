"""Carries a change out exactly once and finds out what became of it."""
