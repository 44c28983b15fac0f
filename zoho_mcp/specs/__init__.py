"""The entries of tool_specs as typed values. Knows neither HTTP nor MCP."""
