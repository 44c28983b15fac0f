"""The shared OAuth client: the access token, its cache, log-in and scopes."""
