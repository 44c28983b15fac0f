"""Starting the server, over stdio and over HTTP, and the container's check that it answers."""
