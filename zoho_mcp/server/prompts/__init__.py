"""prompts/* and the instructions."""
