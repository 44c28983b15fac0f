"""Figures on all records of a kind, grouped and added up exactly, so that no model adds up money."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import mcp_types as types

from zoho_mcp.errors import ArgumentsError
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.resources.statement import statement
from zoho_mcp.server.results.totals import amount, currency_of, day, due_day, is_issued, objects, required
from zoho_mcp.server.tools.filter_check import Findings
from zoho_mcp.server.tools.reports import rows

Answer = tuple[dict[str, Any], tuple[types.ResourceLink, ...]]
Row = Mapping[str, Any]
MOST_DETAILS = 100
"""Records read one by one for a summary by item or tax, at a request each: as many as Zoho allows per minute."""
MOST_GROUPS = 50
"""Groups shown per currency, unless `top` is given; all of them are added up."""
_TOOL = "summarize_records"
_UNNAMED = "none"
_PERFORMANCE = {
    "invoices": "fully paid invoices; those paid in part or not at all are not in these figures",
    "days_to_pay": "average days from the invoice's date to its last payment",
    "days_past_due": "the same from the due date; below zero is early",
    "paid_late": "invoices whose last payment came after the due date",
}
_DETAILED = ("item", "tax")
_IN_TIME = ("month", "quarter")
_DOCUMENT = ("customer", "month", "quarter", "item", "tax", "status", "currency")


@dataclass(frozen=True)
class _Kind:
    """How one kind of record is listed, read and grouped."""

    list_tool: str
    get_tool: str
    amount: str
    groups: tuple[str, ...]


_KINDS = {
    "invoices": _Kind("list_invoices", "get_invoice", "total", _DOCUMENT),
    "estimates": _Kind("list_estimates", "get_estimate", "total", _DOCUMENT),
    "credit_notes": _Kind("list_credit_notes", "get_credit_note", "total", _DOCUMENT),
    "payments": _Kind(
        "list_payments", "get_payment", "amount", ("customer", "month", "quarter", "payment_mode", "currency")
    ),
    "expenses": _Kind(
        "list_expenses", "get_expense", "total", ("customer", "month", "quarter", "category", "status", "currency")
    ),
}
_COLUMNS = {"customer": "customer_name", "category": "account_name", "status": "status",
            "payment_mode": "payment_mode", "currency": "currency_code"}  # fmt: skip


@dataclass
class _Sums:
    """The sums in one currency. The key of a group is an id if names may not be unique."""

    count: int = 0
    total: Decimal = Decimal()
    groups: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def add(self, parts: list[tuple[str, dict[str, Any], Decimal]]) -> None:
        """Add a record, given its parts: group key, label and amount."""
        self.count += 1
        for key in {key for key, _, _ in parts}:
            self.groups.setdefault(key, {"count": 0, "amount": Decimal()})["count"] += 1
        for key, named, value in parts:
            group = self.groups[key]
            group |= named
            group["amount"] += value
            self.total += value

    def shown(self, top: int, *, in_time: bool) -> dict[str, Any]:
        """The largest groups, by amount or by time, and the sum of the others."""
        ordered = sorted(self.groups.values(), key=lambda group: (-group["amount"], str(group["group"])))
        shown, rest = ordered[:top], ordered[top:]
        if in_time:
            shown.sort(key=lambda group: str(group["group"]))
        answer: dict[str, Any] = {"count": self.count, "amount": self.total, "groups": shown}
        if rest:
            answer["other_groups"] = {"groups": len(rest), "amount": sum((one["amount"] for one in rest), Decimal())}
        return answer


async def summarize_records(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """Records counted and added up by group, per currency. Raises ArgumentsError if the kind has no such group."""
    records, by = arguments["records"], arguments["group_by"]
    kind = _KINDS[records]
    _check_arguments(app, kind, arguments)
    filters = {name: arguments[name] for name in ("date_start", "date_end", "customer_id", "status")
              if name in arguments}  # fmt: skip
    everything = "status" in filters or by == "status"
    sums: defaultdict[str, _Sums] = defaultdict(_Sums)
    not_counted, unread, detailed = 0, 0, 0
    findings = Findings()
    async for row in rows(app.api, kind.list_tool, findings, **filters):
        if not everything and not is_issued(row):
            not_counted += 1
            continue
        record = row
        if by in _DETAILED:
            if detailed == MOST_DETAILS:
                unread += 1
                continue
            detailed += 1
            own_id = app.catalog.operations[kind.list_tool].answer.columns[0]
            record = await app.api.record(kind.get_tool, {own_id: str(required(row, own_id))})
        sums[currency_of(row)].add(list(_parts(record, by, kind)))
    top = arguments.get("top", MOST_GROUPS)
    answer: dict[str, Any] = {
        "records": records,
        "group_by": by,
        "currencies": {currency: found.shown(top, in_time=by in _IN_TIME) for currency, found in sorted(sums.items())},
        "definitions": _definitions(kind, by, everything=everything),
    }
    if not_counted:
        answer["not_counted"] = f"{not_counted} drafts, void and otherwise not issued"
    if unread:
        answer["cut_off"] = (
            f"{unread} further records were not read: these figures are of the {MOST_DETAILS} oldest records. "
            "Ask for shorter spans of dates."
        )
    return answer | findings.remarks, ()


def _check_arguments(app: ServerContext, kind: _Kind, arguments: Mapping[str, Any]) -> None:
    problems: list[str] = []
    records, by = arguments["records"], arguments["group_by"]
    if by not in kind.groups:
        problems.append(f"group_by {by} does not apply to {records}. Use one of: {', '.join(kind.groups)}.")
    if "status" in arguments:
        schema = app.catalog.operations[kind.list_tool].input["properties"].get("status", {})
        statuses = schema.get("enum", ())
        if not statuses:
            problems.append(f"{records} have no status.")
        elif arguments["status"] not in statuses:
            problems.append(f"status of {records} is one of: {', '.join(statuses)}.")
    if problems:
        raise ArgumentsError(_TOOL, problems)


def _parts(record: Row, by: str, kind: _Kind) -> Iterator[tuple[str, dict[str, Any], Decimal]]:
    """The key, label and amount of each group that a record belongs to."""
    if by == "tax":
        for tax in objects(record, "taxes") or [{"tax_name": "no tax", "tax_amount": 0}]:
            name = str(tax.get("tax_name") or _UNNAMED)
            yield name, {"group": name}, amount(tax, "tax_amount")
    elif by == "item":
        for line in objects(record, "line_items"):
            name = str(line.get("name") or line.get("description") or _UNNAMED)
            item = str(line.get("item_id") or "")
            yield item or name, {"group": name} | ({"item_id": item} if item else {}), amount(line, "item_total")
    else:
        key, named = _group(record, by)
        yield key, named, amount(record, kind.amount)


def _group(record: Row, by: str) -> tuple[str, dict[str, Any]]:
    if by in ("month", "quarter"):
        when = day(record, "date")
        name = f"{when:%Y-%m}" if by == "month" else f"{when.year}-Q{(when.month + 2) // 3}"
        return name, {"group": name}
    name = str(record.get(_COLUMNS[by]) or _UNNAMED)
    if by == "customer" and record.get("customer_id"):
        own = str(record["customer_id"])
        return own, {"group": name, "customer_id": own}
    return name, {"group": name}


def _definitions(kind: _Kind, by: str, *, everything: bool) -> dict[str, str]:
    meaning = {
        "item": "line totals before tax, and before a discount or charge on the whole document",
        "tax": "tax charged on the documents",
    }
    if kind.list_tool == "list_payments":
        meaning = {by: "amount received, applied to invoices or not; refunds are not taken off"}
    counted = "all of them"
    if kind.groups == _DOCUMENT:
        counted = "issued records only: no drafts, void or cancelled ones, and none waiting for approval"
    return {
        "counted": "every status that was asked for, drafts and void ones included" if everything else counted,
        "amount": meaning.get(by, f"{kind.amount} of each record, tax included"),
        "date": "the record's own date, first and last day included",
        "count": "records; one with several items or taxes counts once in each of their groups",
    }  # fmt: skip


async def get_customer_statement(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """The statement of today, as in the resource: open invoices, payments, credits and the balance."""
    return await statement(app.api, arguments["customer_id"]), ()


async def get_payment_performance(app: ServerContext, arguments: Mapping[str, Any]) -> Answer:
    """Per customer, average days from invoice date and due date to the last payment of paid invoices; slowest first."""
    filters = {name: value for name, value in arguments.items() if name in ("customer_id", "date_start", "date_end")}
    days_by_customer: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    undated = 0
    findings = Findings()
    async for row in rows(app.api, "list_invoices", findings, **filters, status="paid"):
        if not row.get("last_payment_date"):
            undated += 1
            continue
        paid = day(row, "last_payment_date")
        days = (paid - day(row, "date")).days, (paid - due_day(row)).days
        days_by_customer[str(required(row, "customer_id")), str(row.get("customer_name", ""))].append(days)
    customers: list[dict[str, Any]] = [
        {
            "customer_id": customer,
            "customer_name": name,
            "invoices": len(days),
            "days_to_pay": _average([one for one, _ in days]),
            "days_past_due": _average([late for _, late in days]),
            "paid_late": sum(late > 0 for _, late in days),
        }
        for (customer, name), days in days_by_customer.items()
    ]
    customers.sort(key=lambda one: (-one["days_past_due"], one["customer_name"]))
    answer: dict[str, Any] = {"customers": customers[: arguments.get("top", MOST_GROUPS)]}
    answer |= {"customers_in_all": len(customers), "definitions": _PERFORMANCE}
    return answer | ({"without_payment_date": undated} if undated else {}) | findings.remarks, ()


def _average(days: list[int]) -> Decimal:
    return (Decimal(sum(days)) / len(days)).quantize(Decimal("0.1"))
