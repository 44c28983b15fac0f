"""The client of Zoho: requests, responses, OAuth, rate limits. Knows nothing of MCP."""
