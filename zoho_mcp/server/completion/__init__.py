"""completion/complete."""
