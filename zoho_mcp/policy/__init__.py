"""Decides which calls need approval, and what a person is shown. Knows neither HTTP nor MCP."""
