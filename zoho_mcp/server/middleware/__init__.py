"""What stands around the handlers of MCP requests."""
