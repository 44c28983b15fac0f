"""MCP over HTTP: the way in, who may come in, and the approval page under the server's own address."""
