"""Figures over all records: exact, per currency, and equal to what the lists add up to."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from conftest import Zoho, call

from zoho_mcp.server.tools import figures
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.oauth.scopes import usable, wanted

pytestmark = pytest.mark.anyio
NOT_ISSUED = ("draft", "void")


def everything(zoho: Zoho, **changes: Any) -> Any:
    return zoho.client(toolsets=("all",), repeat_window=0, max_answer=1_000_000, **changes)


def expected(rows: list[dict[str, Any]], group: str, amount: str) -> dict[tuple[str, str], Decimal]:
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.get("status") not in NOT_ISSUED:
            sums[row["currency_code"], row.get(group) or "none"] += Decimal(str(row[amount]))
    return dict(sums)


def found(answer: dict[str, Any]) -> dict[tuple[str, str], Decimal]:
    return {
        (currency, group["group"]): Decimal(str(group["amount"]))
        for currency, sums in answer["currencies"].items()
        for group in sums["groups"]
    }


@pytest.mark.parametrize(
    ("records", "tool", "key", "by", "column", "amount"),
    [
        ("invoices", "list_invoices", "invoices", "customer", "customer_name", "total"),
        ("payments", "list_payments", "customerpayments", "payment_mode", "payment_mode", "amount"),
        ("expenses", "list_expenses", "expenses", "category", "account_name", "total"),
        ("estimates", "list_estimates", "estimates", "customer", "customer_name", "total"),
        ("credit_notes", "list_credit_notes", "creditnotes", "currency", "currency_code", "total"),
    ],
)
async def test_groups_are_what_the_list_adds_up_to(
    zoho: Zoho, records: str, tool: str, key: str, by: str, column: str, amount: str
) -> None:
    async with everything(zoho) as client:
        rows = (await call(client, tool, max_records=1000))[key]
        answer = await call(client, "summarize_records", records=records, group_by=by)
    assert rows
    assert found(answer) == expected(rows, column, amount)


async def test_quarters_add_up_to_their_months_and_dates_narrow_them(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        months = await call(client, "summarize_records", records="invoices", group_by="month")
        quarters = await call(client, "summarize_records", records="invoices", group_by="quarter")
        may = await call(client, "summarize_records", records="invoices", group_by="month",
                         date_start="2026-05-01", date_end="2026-05-31")  # fmt: skip
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for (currency, month), value in found(months).items():
        sums[currency, f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}"] += value
    assert found(quarters) == dict(sums)
    assert found(may) == {group: value for group, value in found(months).items() if group[1] == "2026-05"}


async def test_tax_and_items_are_read_from_the_records(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        may = {"date_start": "2026-05-01", "date_end": "2026-05-31"}
        rows = (await call(client, "list_invoices", **may))["invoices"]
        tax = await call(client, "summarize_records", records="invoices", group_by="tax", **may)
        items = await call(client, "summarize_records", records="invoices", group_by="item", **may)
        issued = [row["invoice_id"] for row in rows if row["status"] not in NOT_ISSUED]
        read = [(await call(client, "get_invoice", invoice_id=one, all_fields=True))["invoice"] for one in issued]
    assert read
    for currency in tax["currencies"]:
        own = [one for one in read if one["currency_code"] == currency]
        charged = sum((Decimal(str(one["tax_total"])) for one in own), Decimal())
        lines = sum((Decimal(str(line["item_total"])) for one in own for line in one["line_items"]), Decimal())
        assert Decimal(str(tax["currencies"][currency]["amount"])) == charged
        assert Decimal(str(items["currencies"][currency]["amount"])) == lines


async def test_more_records_than_may_be_read_are_said(zoho: Zoho, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST_DETAILS", 2)
    async with everything(zoho) as client:
        answer = await call(client, "summarize_records", records="invoices", group_by="tax")
    assert sum(sums["count"] for sums in answer["currencies"].values()) == 2
    assert answer["cut_off"]


async def test_the_rest_beyond_the_top_is_added_up(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        first = await call(client, "summarize_records", records="invoices", group_by="customer", top=1)
        whole = await call(client, "summarize_records", records="invoices", group_by="customer")
    for currency, sums in first["currencies"].items():
        every = whole["currencies"][currency]
        assert sums["groups"] == every["groups"][:1]
        rest = Decimal(str(sums.get("other_groups", {}).get("amount", 0)))
        assert Decimal(str(sums["groups"][0]["amount"])) + rest == Decimal(str(every["amount"]))


@pytest.mark.parametrize(
    "arguments",
    [
        {"records": "payments", "group_by": "tax"},
        {"records": "invoices", "group_by": "category"},
        {"records": "payments", "group_by": "month", "status": "paid"},
        {"records": "invoices", "group_by": "month", "status": "open"},
    ],
)
async def test_what_does_not_fit_the_kind_is_refused(zoho: Zoho, arguments: dict[str, str]) -> None:
    async with everything(zoho) as client:
        answer = await client.call_tool("summarize_records", arguments)
    assert answer.is_error
    assert answer.structured_content is not None
    assert answer.structured_content["error"]["kind"] == "arguments"


async def test_days_to_pay_are_those_of_the_invoices_and_their_payment(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        made = await call(client, "create_customer", contact_name="Harbour")
        customer = made["customer"]["customer_id"]
        for rate, paid in ((100, "2026-05-11"), (50, "2026-05-06")):
            invoice = await call(client, "create_invoice", customer_id=customer, date="2026-05-01",
                                 due_date="2026-05-08", line_items=[{"name": "Work", "rate": rate}])  # fmt: skip
            own = invoice["invoice"]["invoice_id"]
            await call(client, "mark_invoice_sent", invoice_id=own)
            await call(client, "record_invoice_payment", invoice_id=own, date=paid, payment_mode="cash")
        answer = await call(client, "get_payment_performance", customer_id=customer)
    [row] = answer["customers"]
    assert (row["invoices"], row["days_to_pay"], row["days_past_due"], row["paid_late"]) == (2, 7.5, 0.5, 1)


async def test_a_statement_adds_up_what_the_lists_say(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        unpaid = (await call(client, "list_invoices", status="unpaid"))["invoices"]
        customer = unpaid[0]["customer_id"]
        answer = await call(client, "get_customer_statement", customer_id=customer)
    owed = sum(Decimal(str(row["balance"])) for row in unpaid if row["customer_id"] == customer)
    assert Decimal(str(answer["currencies"][unpaid[0]["currency_code"]]["owed"])) == owed
    assert len(answer["open_invoices"]) == sum(row["customer_id"] == customer for row in unpaid)


async def test_a_summary_is_offered_where_only_invoices_may_be_read_and_login_asks_for_the_rest() -> None:
    catalog = load()
    summary = catalog.operations["summarize_records"]
    assert usable(summary, catalog, "ZohoInvoice.", frozenset({"ZohoInvoice.invoices.READ"}))
    assert wanted([summary], catalog) == {
        f"{module}.READ" for module in ("invoices", "customerpayments", "expenses", "estimates", "creditnotes")
    }


async def test_months_and_quarters_come_in_their_order(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        for by in ("month", "quarter"):
            answer = await call(client, "summarize_records", records="payments", group_by=by)
            for found in answer["currencies"].values():
                names = [group["group"] for group in found["groups"]]
                assert names == sorted(names)
