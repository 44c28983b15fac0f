"""Arguments as clients write them, read as they were meant."""

from typing import Any

import pytest

from zoho_mcp.specs.load import load
from zoho_mcp.specs.normalize import normalize

OPERATIONS = load().operations

READINGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("list_invoices", {"status": None, "customer_id": "", "date_start": "", "page": 1.0}, {"page": 1}),
    ("list_invoices", {"page": 0, "per_page": "50"}, {"per_page": 50}),
    ("create_invoice", {"line_items": [{"name": "A", "rate": "10.50", "tax_id": None}, None], "notes": ""},
     {"line_items": [{"name": "A", "rate": 10.5}]}),
    ("create_invoice", {"line_items": '[{"name": "A", "rate": 1}]', "send": "true"},
     {"line_items": [{"name": "A", "rate": 1}], "send": True}),
    ("create_invoice", {"discount": 5, "notes": "10"}, {"discount": "5", "notes": "10"}),
    ("update_invoice", {"invoice_id": "1", "notes": "", "clear": ["terms"]}, {"invoice_id": "1", "clear": ["terms"]}),
    ("record_payment", {"amount": "ten", "customer_id": 1}, {"amount": "ten", "customer_id": 1}),
    ("record_payment", {"amount": 0}, {"amount": 0}),
    ("create_customer", {"billing_address": '{"city": "Bath"}', "contact_persons": "[not JSON"},
     {"billing_address": {"city": "Bath"}, "contact_persons": "[not JSON"}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "given", "meant"), READINGS)
def test_arguments_are_read_as_they_were_meant(tool: str, given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert normalize(OPERATIONS[tool], given) == meant
