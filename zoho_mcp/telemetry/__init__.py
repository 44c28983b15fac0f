"""What can be seen of the server from outside: spans, measures and log lines. Nothing in here holds private data."""
