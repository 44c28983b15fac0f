"""Adding this server to chat apps: where each keeps its configuration, and how an entry looks there."""
