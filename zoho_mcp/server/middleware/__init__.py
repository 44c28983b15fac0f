"""Middleware around the handlers of MCP requests."""
