"""How MCP is spoken: tools, resources, questions. Knows nothing of HTTP to Zoho."""
