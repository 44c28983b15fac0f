"""The report on what works and what does not."""
