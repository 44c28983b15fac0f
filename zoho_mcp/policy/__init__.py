"""Who has to say yes before a call runs, and what they are shown. Knows neither HTTP nor MCP."""
