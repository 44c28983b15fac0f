"""From Zoho's response to a tool result."""
