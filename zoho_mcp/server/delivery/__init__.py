"""Makes each change exactly once and finds out its outcome."""
