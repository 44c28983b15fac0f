"""What is wrong with the arguments of a call is said all at once, and so that it can be put right."""

import json
from pathlib import Path
from typing import Any

import pytest

from zoho_mcp.errors import ArgumentsError
from zoho_mcp.specs.arguments import ArgumentChecker
from zoho_mcp.specs.load import load

CATALOG = load()
CHECKER = ArgumentChecker(CATALOG)


def problems(tool: str, **arguments: Any) -> list[str]:
    try:
        CHECKER.check(CATALOG.operations[tool], arguments)
    except ArgumentsError as error:
        return error.problems
    return []


def test_all_problems_come_at_once_with_their_paths() -> None:
    found = problems("create_invoice", line_items=[{"rate": "800"}, {"name": "Logo", "price": 3}], date="15.6.2026")
    assert len(found) == 6


@pytest.mark.parametrize(
    "value",
    [
        "12\n",
        "1/../../contacts/2",
        "",
        " 12",
        "\uff11\uff12",
        "-1",
        "1?send=true",
        "1%2F2",
        "INV-000001",
        "1 2",
        "12/email",
    ],
)
def test_an_id_is_digits_and_nothing_else(value: str) -> None:
    assert len(problems("get_invoice", invoice_id=value)) == 1


def test_a_text_that_cannot_be_written_down_is_refused_before_anything_is_sent() -> None:
    lines = [{"name": "Logo", "rate": 1, "description": "\ud83d"}]
    assert len(problems("create_invoice", customer_id="1", line_items=lines, notes="caf\xe9 \U0001f600")) == 1


def test_an_id_given_as_a_number_is_refused_because_numbers_lose_digits() -> None:
    assert len(problems("get_invoice", invoice_id=460000000017001)) == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), True])
def test_an_amount_is_a_finite_number(number: float) -> None:
    assert len(problems("record_payment", customer_id="1", amount=number)) == 1


@pytest.mark.parametrize("date", ["2026-02-30", "20260215", "2026-W07-1", "2026-2-5", "2026-02-15\n", "tomorrow"])
def test_a_date_exists_and_is_written_with_dashes(date: str) -> None:
    assert len(problems("list_invoices", date_start=date)) == 1
    assert problems("list_invoices", date_start="2026-02-15") == []


MISTAKES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "cases" / "mistakes.json").read_text("utf-8"))


@pytest.mark.parametrize("case", MISTAKES)
def test_a_common_mistake_is_found(case: dict[str, Any]) -> None:
    # What each is answered with stands in snapshots/messages.md.
    assert problems(case["tool"], **case["arguments"])


def test_a_field_of_another_edition_names_the_setting_that_shows_it() -> None:
    [said] = problems("create_customer", contact_name="A", gst_no="22AAAAA0000A1Z5")
    assert "ZOHO_EDITION=in" in said
    indian = load(edition="in")
    ArgumentChecker(indian).check(
        indian.operations["create_customer"], {"contact_name": "A", "gst_no": "22AAAAA0000A1Z5"}
    )


def test_a_long_value_is_not_repeated_in_full() -> None:
    [said] = problems("get_invoice", invoice_id="x" * 10_000)
    assert len(said) < 200


LINE = {"name": "A", "rate": 50}


def test_discounts_on_the_whole_and_on_a_line_are_refused_together() -> None:
    lines = [{**LINE, "discount": "10%"}]
    assert len(problems("create_invoice", customer_id="1", line_items=lines, discount="5%")) == 1
    assert len(problems("create_invoice", customer_id="1", line_items=lines, discount_type="entity_level")) == 1
    assert problems("create_invoice", customer_id="1", line_items=lines, discount="0", discount_type="item_level") == []


def test_only_what_can_be_emptied_is_emptied() -> None:
    assert problems("update_estimate", estimate_id="1", clear=["notes", "expiry_date"]) == []
    assert len(problems("update_estimate", estimate_id="1", clear=["customer_id"])) == 1
    assert len(problems("update_estimate", estimate_id="1", clear=["notes"], notes="A")) == 1
    assert len(problems("update_estimate", estimate_id="1", clear=["line_items[0].tax_id"])) == 1
    assert problems("update_customer", customer_id="1", clear=["billing_address.attention", "website"]) == []
    assert len(problems("update_customer", customer_id="1", clear=["billing_address.planet"])) == 1
    address = {"attention": "Ada"}
    found = problems("update_customer", customer_id="1", clear=["billing_address.attention"], billing_address=address)
    assert len(found) == 1
    lines = [{"line_item_id": "1"}]
    for field, count in (
        ("line_items[].tax_id", 0), ("line_items[0].unit", 0), ("line_items[1].tax_id", 1), ("line_items[0].rate", 1),
        ("line_items.tax_id", 1), ("line_items[x].tax_id", 1), ("line_items[", 1), ("", 1),
    ):  # fmt: skip
        assert len(problems("update_estimate", estimate_id="1", line_items=lines, clear=[field])) == count, field
    assert problems("update_estimate", estimate_id="1", line_items=lines, clear=["line_items[0].tax_id"]) == []


CHOICES: list[tuple[str, str, str, str]] = [
    ("record_invoice_payment", "payment_mode", "cheque", "check"),
    ("record_invoice_payment", "payment_mode", "bank transfer", "banktransfer"),
    ("record_invoice_payment", "payment_mode", "wire", "banktransfer"),
    ("record_invoice_payment", "payment_mode", "card", "creditcard"),
    ("record_invoice_payment", "payment_mode", "paypal", "others"),
    ("refund_credit_note", "refund_mode", "cheque", "check"),
    ("list_invoices", "sort_order", "desc", "D"),
    ("list_invoices", "sort_order", "ascending", "A"),
    ("list_invoices", "sort_column", "created", "created_time"),
    ("list_invoices", "sort_column", "due", "due_date"),
    ("list_invoices", "status", "overdeu", "overdue"),
    ("list_invoices", "status", "partially paid", "partially_paid"),
    ("list_invoices", "status", "late", "overdue"),
    ("list_invoices", "status", "cancelled", "void"),
    ("list_estimates", "status", "rejected", "declined"),
    ("list_expenses", "status", "billed", "invoiced"),
    ("list_customers", "filter_by", "active", "Status.Active"),
    ("list_customers", "filter_by", "overdue", "Invoice.OverDue"),
    ("list_payments", "filter_by", "cheque", "PaymentMode.Check"),
    ("list_recurring_invoices", "status", "paused", "stopped"),
    ("update_recurring_invoice", "recurrence_frequency", "monthly", "months"),
    ("create_customer", "language_code", "german", "de"),
    ("create_item", "product_type", "services", "service"),
]


@pytest.mark.parametrize(("tool", "argument", "value", "meant"), CHOICES)
def test_a_closed_choice_gets_a_suggestion(tool: str, argument: str, value: str, meant: str) -> None:
    [said] = [one for one in problems(tool, **{argument: value}) if one.startswith(argument)]
    assert f" {meant}?" in said


@pytest.mark.parametrize("value", ["xyz", "en-us", "deutsch"])
def test_a_word_that_is_like_none_gets_no_suggestion(value: str) -> None:
    [said] = problems("create_customer", contact_name="A", language_code=value)
    assert "?" not in said
