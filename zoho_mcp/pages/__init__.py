"""What all pages in the browser share: the shell around their content, the checks of requests, the server."""
