"""What all documents with lines have in common."""
