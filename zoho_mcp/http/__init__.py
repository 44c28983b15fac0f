"""MCP over HTTP: the app, the identities of callers, and the approval page at the server's own address."""
