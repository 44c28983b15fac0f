"""What surrounds every request: tracing, grants, progress."""
