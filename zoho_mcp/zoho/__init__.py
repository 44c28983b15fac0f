"""How Zoho is spoken to: requests, answers, OAuth, one shared client. Knows nothing of MCP."""
