"""The record of decisions and changes. Knows neither HTTP nor MCP."""
