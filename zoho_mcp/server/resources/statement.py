"""A customer's statement: open invoices, payments, credits and the balance, summed exactly."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from zoho_mcp.server.results.projection import field_tree, project, table
from zoho_mcp.server.results.totals import amount, balance_owed, currency_of, due_day, money
from zoho_mcp.server.tools.filter_check import Findings
from zoho_mcp.server.tools.reports import rows
from zoho_mcp.zoho.client import ZohoApi

MOST_PAYMENTS = 100
"""The number of payments shown, the latest; the sums include all."""
_CUSTOMER = ("customer_id", "contact_name", "company_name", "currency_code", "email")
_INVOICE = ("invoice_id", "invoice_number", "date", "due_date", "status", "total", "balance",
            "currency_code")  # fmt: skip
_PAYMENT = ("payment_id", "payment_number", "date", "amount", "currency_code", "unused_amount?", "payment_mode",
            "invoice_numbers", "reference_number")  # fmt: skip
_CREDIT = ("creditnote_id", "creditnote_number", "date", "total", "balance", "currency_code")
_SUMS = ("owed", "overdue", "unused", "balance", "paid")
_MEANING = {
    "owed": "what is open on the invoices; `overdue` is the part past its due date",
    "unused": "payments and credit notes that were not applied to an invoice yet",
    "balance": "owed less unused; below zero the business owes the customer",
    "paid": "all payments, refunds not taken off",
}
Json = dict[str, Any]


async def statement(api: ZohoApi, customer_id: str) -> Json:
    """The statement of today in the organisation's time zone. Amounts are per currency."""
    today, findings = await api.today(), Findings()
    customer = await api.record("get_customer", {"customer_id": customer_id})
    unpaid = rows(api, "list_invoices", findings, customer_id=customer_id, status="unpaid")
    invoices = [row async for row in unpaid if balance_owed(row)]
    payments = [row async for row in rows(api, "list_payments", findings, under_way=True, customer_id=customer_id)]
    open_notes = {"customer_id": customer_id, "status": "open"}
    credits = [row async for row in rows(api, "list_credit_notes", findings, under_way=True, **open_notes)]
    sums: defaultdict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(_SUMS, Decimal()))
    sums[currency_of(customer)] = dict.fromkeys(_SUMS, Decimal())
    for row in invoices:
        sums[currency_of(row)]["owed"] += balance_owed(row)
        sums[currency_of(row)]["overdue"] += balance_owed(row) if due_day(row) < today else 0
    for row in payments:
        sums[currency_of(row)]["paid"] += amount(row, "amount")
        sums[currency_of(row)]["unused"] += money(row.get("unused_amount"))
    for row in credits:
        sums[currency_of(row)]["unused"] += balance_owed(row)
    for found in sums.values():
        found["balance"] = found["owed"] - found["unused"]
    return {
        "as_of": today.isoformat(),
        "customer": _shown(customer, _CUSTOMER, api.catalog.operations["get_customer"].renames),
        "currencies": dict(sorted(sums.items())),
        "open_invoices": _table(sorted(invoices, key=due_day), _INVOICE),
        "credit_notes": _table(credits, _CREDIT),
        "payments": _table(sorted(payments, key=_date, reverse=True)[:MOST_PAYMENTS], _PAYMENT),
        "payment_count": len(payments),
        "definitions": _MEANING,
    } | findings.remarks


def _table(found: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> Json | None:
    return table([_shown(row, names) for row in found]) if found else None


def _date(row: Mapping[str, Any]) -> str:
    return str(row.get("date", ""))


def _shown(row: Mapping[str, Any], names: tuple[str, ...], renames: Mapping[str, str] | None = None) -> Json:
    return project(row, field_tree(names), renames or {})
