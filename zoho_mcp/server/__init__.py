"""The MCP side: tools, resources, prompts and questions. Knows nothing of HTTP to Zoho."""
