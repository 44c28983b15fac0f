"""The demo organisation and its books, written as if over HTTP."""
