"""Zoho Invoice and Zoho Books on this machine: a Starlette app over SQLite. Imports nothing else of the product."""
