"""Lists come with the sums of their money, so that no model adds up rows."""

from decimal import Decimal
from typing import Any

import pytest
from conftest import Zoho, call
from large_books import fill
from rewriting import Json, Rewriting

pytestmark = pytest.mark.anyio


def added(rows: list[dict[str, Any]], name: str, currency: str) -> Decimal:
    return sum((Decimal(str(row[name])) for row in rows if row["currency_code"] == currency), Decimal())


async def test_a_whole_list_is_added_up_by_currency_without_drafts_and_void_ones(zoho: Zoho) -> None:
    async with zoho.client() as client:
        answer = await call(client, "list_invoices")
    counted = [row for row in answer["invoices"] if row["status"] not in ("draft", "void")]
    assert set(answer["sums"]) == {"USD", "EUR"}
    for currency, found in answer["sums"].items():
        assert found["count"] == len([row for row in counted if row["currency_code"] == currency])
        for name in ("total", "balance"):
            assert Decimal(str(found[name])) == added(counted, name, currency)
    left_out = [row["status"] for row in answer["invoices"] if row not in counted]
    assert answer["not_in_sums"] == f"{left_out.count('draft')} draft, {left_out.count('void')} void"


async def test_what_customers_owe_is_added_up(zoho: Zoho) -> None:
    async with zoho.client() as client:
        answer = await call(client, "list_customers")
    for currency, found in answer["sums"].items():
        for name in ("outstanding_receivable_amount", "unused_credits_receivable_amount"):
            assert Decimal(str(found[name])) == added(answer["customers"], name, currency)


async def test_a_list_of_drafts_is_added_up_as_one(zoho: Zoho) -> None:
    async with zoho.client() as client:
        answer = await call(client, "list_invoices", status="draft")
    assert answer["sums"]["USD"]["count"] == len(answer["invoices"])
    assert "not_in_sums" not in answer


async def test_what_nobody_owes_is_in_no_sum_even_where_there_is_nothing_else(zoho: Zoho) -> None:
    async with zoho.client() as client:
        void = await call(client, "list_invoices", status="void")
        draft = next(row for row in (await call(client, "list_invoices", status="draft"))["invoices"])
        own = await call(client, "list_invoices", search_text=draft["invoice_number"])
    for answer, status in ((void, "void"), (own, "draft")):
        assert not {"sums", "sums_of_these_rows"} & set(answer)
        assert answer["not_in_sums"] == f"{len(answer['invoices'])} {status}"


async def test_the_sums_of_a_part_are_named_so(zoho: Zoho) -> None:
    async with zoho.client() as client:
        first = await call(client, "list_payments", per_page=20)
        rest = await call(client, "list_payments", **first["next"])
    for answer in (first, rest):
        assert "sums" not in answer
        for currency, found in answer["sums_of_these_rows"].items():
            assert Decimal(str(found["amount"])) == added(answer["customerpayments"], "amount", currency)


async def test_rows_that_were_left_out_are_not_in_the_sums(zoho: Zoho) -> None:
    fill(zoho.store, 150, "2026-05")
    async with zoho.client(max_answer=5_000) as client:
        answer = await call(client, "list_invoices", status="paid")
    assert answer["left_out"]
    for currency, found in answer["sums_of_these_rows"].items():
        assert Decimal(str(found["total"])) == added(answer["invoices"], "total", currency)


async def test_the_sums_are_those_of_all_pages_of_one_call(zoho: Zoho) -> None:
    fill(zoho.store, 300, "2026-05")
    async with zoho.client(max_answer=1_000_000) as client:
        answer = await call(client, "list_invoices", status="paid", date_start="2026-05-01", date_end="2026-05-31",
                            max_records=1000)  # fmt: skip
        report = await call(client, "get_monthly_revenue", year=2026, month=5)
    assert {code: found["total"] for code, found in answer["sums"].items()} == {
        code: found["revenue"] for code, found in report["currencies"].items()
    }


async def test_what_has_no_money_has_no_sums(zoho: Zoho) -> None:
    async with zoho.client() as client:
        for tool in ("list_items", "list_taxes"):
            assert not {"sums", "sums_of_these_rows"} & set(await call(client, tool))
        assert "sums" not in await call(client, "list_invoices", customer_name="nobody")


async def test_payments_are_added_up_in_the_currency_of_their_customers(zoho: Zoho) -> None:
    async with zoho.client() as client:
        customers = (await call(client, "list_customers"))["customers"]
        answer = await call(client, "list_payments")
        euro = next(row for row in answer["customerpayments"] if row["currency_code"] == "EUR")
        own = await call(client, "list_payments", customer_id=euro["customer_id"])
    currency = {row["customer_id"]: row["currency_code"] for row in customers}
    assert all(row["currency_code"] == currency[row["customer_id"]] for row in answer["customerpayments"])
    assert set(answer["sums"]) == {"EUR", "USD"}
    assert set(own["sums"]) == {"EUR"}


async def test_payments_of_unknown_currency_are_in_no_sum(zoho: Zoho) -> None:
    zoho.app.state.faults.add("GET /contacts:revoke:*", "GET /customerpayments/*:revoke:*")
    async with zoho.client() as client:
        answer = await call(client, "list_payments")
    assert "sums" not in answer
    assert answer["not_in_sums"].startswith(str(len(answer["customerpayments"])))


async def test_payments_of_a_customer_with_several_currencies_are_added_up_by_their_own(zoho: Zoho) -> None:
    async with zoho.client() as client:
        rows = (await call(client, "list_payments"))["customerpayments"]
    own = [row for row in rows if row["currency_code"] == "EUR"]
    own = [row for row in own if row["customer_id"] == own[0]["customer_id"]]
    assert len(own) > 1

    def several(method: str, path: str, envelope: Json) -> Json:
        if path == f"/contacts/{own[0]['customer_id']}":
            envelope["contact"]["customer_currency_summaries"] = [{"currency_code": "EUR"}, {"currency_code": "USD"}]
        if path == f"/customerpayments/{own[0]['payment_id']}":
            envelope["payment"]["currency_code"] = "USD"
        return envelope

    zoho.app = Rewriting(zoho.app, several)
    async with zoho.client(toolsets=("all",)) as client:
        answer = await call(client, "get_customer_statement", customer_id=own[0]["customer_id"])
        listed = await call(client, "list_payments", customer_id=own[0]["customer_id"])
    dollars, euros = Decimal(str(own[0]["amount"])), added(own[1:], "amount", "EUR")
    for found, name in ((answer["currencies"], "paid"), (listed["sums"], "amount")):
        assert {code: Decimal(str(part[name])) for code, part in found.items()} == {"USD": dollars, "EUR": euros}
