"""What one customer owes, as a resource: open invoices, payments, credits and the balance, added up exactly."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from zoho_mcp.server.results.projection import field_tree, project
from zoho_mcp.server.results.totals import balance_owed, money
from zoho_mcp.server.tools.reports import rows
from zoho_mcp.zoho.api import ZohoApi

MOST_PAYMENTS = 100
"""Payments shown, the latest; all of them are added up."""
_CUSTOMER = ("customer_id", "contact_name", "company_name", "currency_code", "email")
_INVOICE = ("invoice_id", "invoice_number", "date", "due_date", "status", "total", "balance")
_PAYMENT = ("payment_id", "payment_number", "date", "amount", "unused_amount?", "payment_mode", "invoice_numbers",
            "reference_number")  # fmt: skip
_CREDIT = ("creditnote_id", "creditnote_number", "date", "total", "balance")
_MEANING = {
    "owed": "what is open on the invoices; `overdue` is the part past its due date",
    "unused": "payments and credit notes that were not applied to an invoice yet",
    "balance": "owed less unused; below zero the business owes the customer",
}
Json = dict[str, Any]


async def statement(api: ZohoApi, customer_id: str) -> Json:
    """The statement of today, by the organisation's date."""
    today = (await api.today()).isoformat()
    customer = await api.record("get_customer", {"customer_id": customer_id})
    unpaid = rows(api, "list_invoices", customer_id=customer_id, status="unpaid")
    invoices = [row async for row in unpaid if balance_owed(row)]
    payments = [
        _shown(row, _PAYMENT) | {"unused": money(row.get("unused_amount"))}
        async for row in rows(api, "list_payments", under_way=True, customer_id=customer_id)
    ]
    credits = [
        row async for row in rows(api, "list_credit_notes", under_way=True, customer_id=customer_id, status="open")
    ]
    unused = [payment.pop("unused") for payment in payments]
    owed = _sum(map(balance_owed, invoices))
    spare = _sum([*unused, *map(balance_owed, credits)])
    overdue = _sum(balance_owed(row) for row in invoices if (row.get("due_date") or row["date"]) < today)
    latest = sorted(payments, key=lambda payment: payment.get("date", ""), reverse=True)
    return {
        "as_of": today,
        "customer": _shown(customer, _CUSTOMER, api.catalog.operations["get_customer"].renames),
        "totals": {"owed": owed, "overdue": overdue, "unused": spare, "balance": owed - spare,
                   "paid": _sum(money(payment.get("amount")) for payment in payments)},
        "open_invoices": [_shown(row, _INVOICE) for row in sorted(invoices, key=lambda row: row.get("due_date", ""))],
        "credit_notes": [_shown(row, _CREDIT) for row in credits],
        "payments": latest[:MOST_PAYMENTS],
        "payment_count": len(payments),
        "definitions": _MEANING,
    }  # fmt: skip


def _shown(row: Mapping[str, Any], names: tuple[str, ...], renames: Mapping[str, str] | None = None) -> Json:
    return project(row, field_tree(names), renames or {})


def _sum(amounts: Any) -> Decimal:
    return sum(amounts, Decimal())
