"""Sums over all pages of a list, exact and with definitions, so that no model has to add up money.

One request per 200 records, one page in memory at a time. Lists are read oldest first, so that records added meanwhile
come last and do not move others to another page.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import mcp_types as types

from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.results.result import MOST_ROWS
from zoho_mcp.server.results.totals import amount, balance_owed, currency_of, due_day, is_issued, money, required
from zoho_mcp.server.tools.filter_check import Findings
from zoho_mcp.server.tools.pagination import walk
from zoho_mcp.server.tools.payment_currency import PaymentCurrencies
from zoho_mcp.zoho.client import ZohoApi

Answer = tuple[dict[str, Any], tuple[types.ResourceLink, ...]]
Sums = dict[str, Decimal | int]
Owed = dict[str, Decimal | str]
OLDEST_FIRST = {"sort_column": "created_time", "sort_order": "A"}
_REVENUE = {
    "revenue": "total of the invoices dated in the month that are paid by now, tax included; credit notes and expenses "
    "are not taken off",
    "invoice_count": "how many these are",
    "invoiced": "total of all invoices dated in the month, without drafts and void ones, tax included",
    "invoiced_count": "how many these are",
    "outstanding": "what is still open on them",
    "received": "payments dated in the month, for whatever invoice, advances included",
    "payment_count": "how many these are",
}
_OTHERS = {"currencies": "one that is not named had none of all this"}
_NOTHING = "No invoice, drafts and void ones aside, and no payment is dated in this month."
BUCKETS = ("current", "1-30", "31-60", "61-90", "over 90")
_AGING = {
    "current": "balance of invoices not yet due on as_of",
    "1-30": "balance of invoices that many days past due on as_of; likewise 31-60, 61-90 and over 90",
    "overdue": "these added up; total: current as well",
    "oldest_due_date": "due date of the invoice that is overdue longest",
    "balance": "today's: payments made after as_of are already taken off; unused credits and advances are not",
}


async def rows(
    api: ZohoApi, operation: str, findings: Findings, *, under_way: bool = False, **filters: Any
) -> AsyncIterator[Mapping[str, Any]]:
    """Every row of a list, with one page in memory at a time; see `pagination.walk`.

    Payments get their currency. Anything unusual is added to `findings`.
    """
    listing = api.catalog.operations[operation]
    order = OLDEST_FIRST if "sort_column" in listing.input["properties"] else {}
    currencies = PaymentCurrencies(api)
    async for envelope in walk(api, operation, filters | order, under_way=under_way):
        findings.add(envelope["findings"])
        page: list[dict[str, Any]] = envelope[listing.answer.key]
        if listing.answer.currency_of_customer:
            await currencies.add(page)
        for row in page:
            yield row


def _no_revenue() -> Sums:
    return {name: 0 if name.endswith("count") else Decimal() for name in _REVENUE}


async def get_monthly_revenue(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """The amounts invoiced, paid and received in a month, per currency."""
    year, month = arguments["year"], arguments["month"]
    first, last = date(year, month, 1).isoformat(), date(year, month, monthrange(year, month)[1]).isoformat()
    sums: defaultdict[str, Sums] = defaultdict(_no_revenue)
    findings = Findings()
    async for row in rows(app.api, "list_invoices", findings, date_start=first, date_end=last):
        if not is_issued(row):
            continue
        found = sums[currency_of(row)]
        found["invoiced"] += amount(row, "total")
        found["invoiced_count"] += 1
        found["outstanding"] += balance_owed(row)
        if row.get("status") == "paid":
            found["revenue"] += amount(row, "total")
            found["invoice_count"] += 1
    async for row in rows(app.api, "list_payments", findings, under_way=True, date_start=first, date_end=last):
        found = sums[currency_of(row)]
        found["received"] += amount(row, "amount")
        found["payment_count"] += 1
    answer: dict[str, Any] = {"month": first[:7]}
    if sums:
        answer |= {"currencies": dict(sorted(sums.items())), "definitions": _REVENUE | _OTHERS}
    else:
        answer["message"] = _NOTHING
    return answer | findings.remarks, ()


async def get_receivables_aging(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """Who owes how much, by days past due, per currency."""
    today = date.fromisoformat(arguments["as_of"]) if "as_of" in arguments else await app.api.today()
    totals: defaultdict[str, Owed] = defaultdict(_nothing_owed)
    customers: defaultdict[tuple[str, str, str], Owed] = defaultdict(_nothing_owed)
    findings = Findings()
    async for row in rows(app.api, "list_invoices", findings, status="unpaid"):
        if not balance_owed(row):
            continue
        currency = currency_of(row)
        for owed in (
            totals[currency],
            customers[str(required(row, "customer_id")), str(row.get("customer_name", "")), currency],
        ):
            _add(owed, row, today)
    page, per_page = arguments.get("page", 1), arguments.get("per_page", MOST_ROWS)
    ordered = sorted(customers.items(), key=_by_currency_most_first)
    return {
        "as_of": today.isoformat(),
        "currencies": {currency: _filled(owed) for currency, owed in sorted(totals.items())},
        "definitions": _AGING,
        "customers": [
            {"customer_id": customer, "customer_name": name, "currency_code": currency, **_filled(owed)}
            for (customer, name, currency), owed in ordered[(page - 1) * per_page : page * per_page]
        ],
        "page_context": {"page": page, "per_page": per_page, "has_more_page": len(ordered) > page * per_page},
    } | findings.remarks, ()


def _add(owed: Owed, row: Mapping[str, Any], today: date) -> None:
    due = due_day(row)
    bucket = _bucket((today - due).days)
    for name in (bucket, "total", "overdue") if bucket != "current" else (bucket, "total"):
        owed[name] = money(owed[name]) + balance_owed(row)
    if bucket != "current":
        owed["oldest_due_date"] = min(str(owed["oldest_due_date"] or due), due.isoformat())


def _by_currency_most_first(entry: tuple[tuple[str, str, str], Owed]) -> tuple[str, Decimal, str]:
    (_, name, currency), owed = entry
    return currency, -money(owed["total"]), name


def _nothing_owed() -> Owed:
    return {bucket: Decimal() for bucket in (*BUCKETS, "overdue", "total")} | {"oldest_due_date": ""}


def _filled(owed: Owed) -> Owed:
    return {name: value for name, value in owed.items() if value}


def _bucket(days_past_due: int) -> str:
    if days_past_due <= 0:
        return "current"
    return BUCKETS[min(4, (days_past_due + 29) // 30)]
