"""What can be seen of the server from outside: spans, metrics and log lines, without private data."""
