"""Arguments as clients write them, read as they were meant."""

from typing import Any

import pytest

from zoho_mcp.specs.arguments import normalize
from zoho_mcp.specs.load import load

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
    # null and "", wherever they are; empty lists; 0 only where it cannot be meant.
    ("list_payments", {"customer_id": "", "filter_by": "", "date": "", "amount": "", "fields": None, "page": 0}, {}),
    ("list_payments", {"amount": 0, "max_records": 0, "search_text": ""}, {}),
    ("create_invoice", {"due_date": "", "payment_terms": "", "discount": None, "shipping_charge": "", "currency_id": "",
                        "is_inclusive_tax": "", "invoice_number": "", "exchange_rate": 0, "contact_persons": [""]}, {}),
    ("create_invoice", {"payment_terms": 0, "discount": 0, "adjustment": 0.0},
     {"payment_terms": 0, "discount": "0", "adjustment": 0.0}),
    ("create_invoice", {"line_items": [{"name": "A", "item_id": "", "discount": "", "tax_id": None}, {}, "", None]},
     {"line_items": [{"name": "A"}]}),
    ("create_invoice", {"line_items": ['{"name": "A", "rate": "5"}']}, {"line_items": [{"name": "A", "rate": 5}]}),
    ("create_customer", {"contact_persons": [{"email": "", "first_name": None}], "billing_address": {"city": ""}}, {}),
    ("create_recurring_invoice", {"repeat_every": 0, "end_date": ""}, {}),
    ("update_customer", {"contact_persons": [], "custom_fields": [{"customfield_id": "", "value": ""}]}, {}),
    ("update_customer", {"billing_address": {"attention": "", "city": "Bath"}}, {"billing_address": {"city": "Bath"}}),
    ("update_invoice", {"line_items": [{"line_item_id": "1", "tax_id": "", "description": ""}], "clear": [""]},
     {"line_items": [{"line_item_id": "1"}]}),
    ("update_payment", {"invoices": []}, {"invoices": []}),
    ("update_expense", {"customer_id": "", "tax_id": None, "amount": 0}, {"amount": 0}),
    ("record_invoice_payment", {"amount": 0, "exchange_rate": 0, "bank_charges": 0}, {"amount": 0, "bank_charges": 0}),
    # Text for what is none, only where it has one meaning; text stays text.
    ("create_invoice", {"payment_terms": "15", "is_inclusive_tax": "True", "shipping_charge": "4.50"},
     {"payment_terms": 15, "is_inclusive_tax": True, "shipping_charge": 4.5}),
    ("create_invoice", {"payment_terms": "15.0", "adjustment": " 5.00 "}, {"payment_terms": 15, "adjustment": 5}),
    ("create_invoice", {"payment_terms": 15.5, "shipping_charge": "1,000.50", "is_inclusive_tax": "yes"},
     {"payment_terms": 15.5, "shipping_charge": "1,000.50", "is_inclusive_tax": "yes"}),
    ("create_invoice", {"reference_number": "1.0", "notes": "true", "terms": "[1]"},
     {"reference_number": "1.0", "notes": "true", "terms": "[1]"}),
    ("create_invoice", {"reference_number": 47, "customer_id": 47}, {"reference_number": "47", "customer_id": 47}),
    ("create_customer", {"contact_persons": [{"phone": 5551234}]}, {"contact_persons": [{"phone": "5551234"}]}),
    ("email_invoice", {"to_mail_ids": "a@b.example, c@d.example", "send_attachment": "false"},
     {"to_mail_ids": ["a@b.example", "c@d.example"], "send_attachment": False}),
    ("email_invoice", {"to_mail_ids": '["a@b.example"]'}, {"to_mail_ids": ["a@b.example"]}),
    ("list_invoices", {"fields": "created_time", "status": "Overdue", "sort_order": "d", "date_start": " 2026-01-01"},
     {"fields": ["created_time"], "status": "overdue", "sort_order": "D", "date_start": "2026-01-01"}),
    ("create_customer", {"billing_address": '{"city": "Bath"}', "contact_persons": "[not JSON"},
     {"billing_address": {"city": "Bath"}, "contact_persons": "[not JSON"}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "given", "meant"), READINGS)
def test_arguments_are_read_as_they_were_meant(tool: str, given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert normalize(OPERATIONS[tool], given) == meant
