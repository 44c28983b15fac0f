"""tools/list and tools/call."""
