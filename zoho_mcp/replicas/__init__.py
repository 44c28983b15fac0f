"""The state that replicas of one server share in Redis or Valkey."""
