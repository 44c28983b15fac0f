"""Spans, metrics and log lines, without private data."""
