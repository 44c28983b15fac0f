"""Lists: pages, sorting, filters."""

from typing import Any

import pytest
from sandbox_support import Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
async def five(sandbox: Sandbox) -> Sandbox:
    """Invoices 1 to 5 over 100 to 500, dated 1 to 5 October, a minute apart; the last two are sent."""
    acme, bolt = await sandbox.customer("Acme"), await sandbox.customer("Bolt")
    for n in range(1, 6):
        sandbox.pass_time(minutes=1)
        fields = {"date": f"2026-10-0{n}", "due_date": f"2026-10-{n + 5:02d}", "reference_number": f"PO-{n}"}
        await sandbox.invoice((acme, bolt)[n % 2], str(n * 100), sent=n > 3, **fields)
    return sandbox


async def numbers(sandbox: Sandbox, **query: Any) -> list[int]:
    rows = (await sandbox.ask("GET", "/invoices", **query))["invoices"]
    return [int(row["invoice_number"][4:]) for row in rows]


async def test_newest_come_first_and_the_context_says_what_was_asked(five: Sandbox) -> None:
    assert await numbers(five) == [5, 4, 3, 2, 1]
    assert (await five.ask("GET", "/invoices"))["page_context"] == {
        "page": 1, "per_page": 200, "has_more_page": False, "report_name": "Invoices", "applied_filter": "Status.All",
        "custom_fields": [], "seller_app_sales_channels": "", "sort_column": "created_time", "sort_order": "D",
    }  # fmt: skip


async def test_pages_cover_everything_once(five: Sandbox) -> None:
    assert await numbers(five, page=1, per_page=2) == [5, 4]
    assert await numbers(five, page=3, per_page=2) == [1]
    more = [(await five.ask("GET", "/invoices", page=page, per_page=2))["page_context"]["has_more_page"]
            for page in (1, 2, 3, 4)]  # fmt: skip
    assert more == [True, True, False, False]
    assert (await five.ask("GET", "/invoices", per_page=500))["page_context"]["per_page"] == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort_column": "total"}, [1, 2, 3, 4, 5]),
        ({"sort_column": "total", "sort_order": "D"}, [5, 4, 3, 2, 1]),
        ({"sort_column": "customer_name", "sort_order": "A"}, [2, 4, 1, 3, 5]),
        ({"status": "draft"}, [3, 2, 1]),
        ({"status": "overdue"}, []),
        ({"status": "unpaid"}, [5, 4]),
        ({"filter_by": "Status.Sent"}, [5, 4]),
        ({"filter_by": "Status.All"}, [5, 4, 3, 2, 1]),
        ({"invoice_number": "inv-000003"}, [3]),
        ({"invoice_number_startswith": "INV-00000"}, [5, 4, 3, 2, 1]),
        ({"invoice_number_contains": "4"}, [4]),
        ({"reference_number": "PO-2"}, [2]),
        ({"customer_name_contains": "olt"}, [5, 3, 1]),
        ({"search_text": "acme"}, [4, 2]),
        ({"total": "200"}, [2]),
        ({"total_less_than": "200"}, [1]),
        ({"total_less_equals": "200"}, [2, 1]),
        ({"total_greater_than": "400.00"}, [5]),
        ({"total_greater_equals": "400"}, [5, 4]),
        ({"date": "2026-10-03"}, [3]),
        ({"date_start": "2026-10-02", "date_end": "2026-10-04"}, [4, 3, 2]),
        ({"date_before": "2026-10-02"}, [1]),
        ({"date_after": "2026-10-04"}, [5]),
        ({"due_date_end": "2026-10-07"}, [2, 1]),
        ({"last_modified_time": "2026-10-09T12:04:00-0400"}, [5, 4]),
        ({"last_modified_time": "2026-10-09T16:05:00+0000"}, [5]),
        ({"nonsense": "1"}, [5, 4, 3, 2, 1]),
        ({"date": ""}, [5, 4, 3, 2, 1]),
    ],
)
async def test_a_list_can_be_narrowed_and_ordered(five: Sandbox, query: dict[str, str], expected: list[int]) -> None:
    assert await numbers(five, **query) == expected


async def test_a_list_can_be_narrowed_to_a_customer(five: Sandbox) -> None:
    [acme] = (await five.ask("GET", "/contacts", contact_name="Acme"))["contacts"]
    assert await numbers(five, customer_id=acme["contact_id"]) == [4, 2]


async def test_a_list_can_be_narrowed_to_an_item(five: Sandbox) -> None:
    item = (await five.ask("POST", "/items", {"name": "Poster", "rate": 5}))["item"]
    [acme] = (await five.ask("GET", "/contacts", contact_name="Acme"))["contacts"]
    lines = [{"item_id": item["item_id"]}]
    await five.ask("POST", "/invoices", {"customer_id": acme["contact_id"], "line_items": lines})
    assert await numbers(five, item_id=item["item_id"]) == [6]
    assert await numbers(five, item_name_contains="post") == [6]


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "x"},
        {"per_page": "-1"},
        {"sort_column": "secret"},
        {"sort_order": "up"},
        {"status": "lost"},
        {"filter_by": "Status.Lost"},
        {"date_start": "yesterday"},
        {"total_less_than": "much"},
        {"last_modified_time": "2026-10-09"},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(sandbox: Sandbox, query: dict[str, str]) -> None:
    assert await sandbox.refusal("GET", "/invoices", **query) == (400, 2)


async def test_payments_are_filtered_by_mode_and_amount(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    for amount, mode in ((10, "check"), (20, "banktransfer"), (30, "other")):
        body = {"customer_id": customer_id, "amount": amount, "payment_mode": mode}
        await sandbox.ask("POST", "/customerpayments", body)

    async def amounts(**query: str) -> list[int]:
        return [
            int(row["amount"]) for row in (await sandbox.ask("GET", "/customerpayments", **query))["customerpayments"]
        ]

    assert await amounts() == [30, 20, 10]
    assert await amounts(filter_by="PaymentMode.Check") == [10]
    assert await amounts(filter_by="PaymentMode.Others") == [30]
    assert await amounts(amount_greater_than="10", sort_column="amount") == [20, 30]
    assert await amounts(payment_mode_startswith="bank") == [20]
