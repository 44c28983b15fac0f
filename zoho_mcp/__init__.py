"""An MCP server for invoicing on Zoho (Zoho Invoice v3 and Zoho Books v3)."""

__version__ = "0.1.0"
