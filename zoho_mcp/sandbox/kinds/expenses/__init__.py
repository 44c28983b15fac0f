"""Expenses and their receipts."""
