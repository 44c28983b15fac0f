"""Stored logins: logging in and out, profiles, organisations."""
