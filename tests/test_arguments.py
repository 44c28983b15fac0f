"""What is wrong with the arguments of a call is said all at once, and so that it can be put right."""

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
    text = "\n".join(found)
    assert "customer_id is missing: From list_customers." in text
    assert "line_items[0] needs item_id or name." in text
    assert "line_items[0].rate must be a number, not '800': write 800 without quotes." in text
    assert "line_items[1].price is not read here: use rate." in text
    assert "line_items[1] needs item_id or rate." in text
    assert "date must be a date that exists, written yyyy-mm-dd, not '15.6.2026'." in text


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
    assert problems("get_invoice", invoice_id=value) == [
        f"invoice_id must be an id as Zoho gives it, digits only, not {value!r}: look it up first."
    ]


def test_a_text_that_cannot_be_written_down_is_refused_before_anything_is_sent() -> None:
    lines = [{"name": "Logo", "rate": 1, "description": "\ud83d"}]
    found = problems("create_invoice", customer_id="1", line_items=lines, notes="caf\xe9 \U0001f600")
    assert found == ["line_items[0].description holds half of a character: write it again."]


def test_an_id_given_as_a_number_is_refused_because_numbers_lose_digits() -> None:
    assert problems("get_invoice", invoice_id=460000000017001) == [
        'invoice_id must be text, not 460000000017001: put it in quotes, "460000000017001".'
    ]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), True])
def test_an_amount_is_a_finite_number(number: float) -> None:
    assert len(problems("record_payment", customer_id="1", amount=number)) == 1


@pytest.mark.parametrize("date", ["2026-02-30", "20260215", "2026-W07-1", "2026-2-5", "2026-02-15\n", "tomorrow"])
def test_a_date_exists_and_is_written_with_dashes(date: str) -> None:
    assert len(problems("list_invoices", date_start=date)) == 1
    assert problems("list_invoices", date_start="2026-02-15") == []


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("create_customer", {"contact_name": "A", "email": "a@b.c"},
     "email is not read here: put it in contact_persons[].email."),
    ("create_invoice", {"customer_id": "1", "line_items": [{"name": "x", "rate": 5, "qty": 2}]},
     "line_items[0].qty is not read here: use quantity."),
    ("list_customers", {"name": "Acme"}, "name is not read here: use contact_name_contains."),
    ("get_invoice", {"invoice_id": "1", "foo": 1}, "foo is not read here: there is invoice_id, fields, all_fields."),
    ("list_organizations", {"page": 1}, "page is not read here: there is fields."),
    ("list_invoices", {"status": "overdeu"}, "Did you mean overdue?"),
    ("create_customer", {"contact_nam": "A", "contact_name": "A"},
     "contact_nam is not read here: did you mean contact_name?"),
    ("record_payment", {"customer_id": "1", "amount": 1, "invoices": [{"invoice_id": "1", "amount_applied": 0}]},
     "invoices[0].amount_applied must be more than 0, not 0."),
    ("create_customer", {"contact_name": "A", "contact_persons": [{"email": "nobody"}]},
     "contact_persons[0].email must be one e-mail address, not 'nobody'."),
    ("create_invoice", {"customer_id": "1", "line_items": []}, "line_items needs at least 1 entry."),
    ("create_invoice", {"customer_id": "1", "line_items": {"name": "x"}},
     "line_items must be a list, not an object: put it in [ ]."),
    ("update_customer", {"customer_id": "1"}, "the arguments change nothing: give at least one field to change."),
    ("list_invoices", {"per_page": 500}, "per_page must be 200 or less, not 500."),
    ("create_customer", {"contact_name": ""}, "contact_name must not be empty."),
    ("list_payments", {"date": "2026-01-01", "date_start": "2026-01-01"},
     "date and date_start exclude each other: give only one of date, date_start."),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments", "said"), MISTAKES)
def test_a_common_mistake_is_answered_with_what_is_right(tool: str, arguments: dict[str, Any], said: str) -> None:
    found = problems(tool, **arguments)
    assert len(found) == 1
    assert said in found[0]


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
    assert f"Did you mean {meant}?" in said


@pytest.mark.parametrize("value", ["xyz", "en-us", "deutsch"])
def test_a_word_that_is_like_none_gets_no_suggestion(value: str) -> None:
    [said] = problems("create_customer", contact_name="A", language_code=value)
    assert "Did you mean" not in said
