"""What replicas of one server share, kept in Redis or Valkey."""
