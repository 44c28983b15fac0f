"""The report on the setup."""
