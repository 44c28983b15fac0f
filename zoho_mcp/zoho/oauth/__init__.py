"""The shared OAuth client: the access token, its cache, login and scopes."""
