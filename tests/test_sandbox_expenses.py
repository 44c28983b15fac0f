"""Expenses: what they need, what they come to, whether they are billed, and their receipts."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from sandbox_support import EURO, NO_SUCH_ID, REDUCED_TAX, SALES_TAX, TODAY, Json, Sandbox, exact

from zoho_mcp.sandbox.demo.organization import CREDENTIALS

pytestmark = pytest.mark.anyio
MEALS, TRAVEL = "982000000000000301", "982000000000000305"
PETTY_CASH, CHECKING, SALES = "982000000000000311", "982000000000000313", "982000000000000315"
PNG = bytes(range(256)) + b"\r\n--\r\n"


async def spend(sandbox: Sandbox, amount: str = "100", **fields: Any) -> Json:
    """A new expense."""
    body = {"account_id": MEALS, "date": "2026-10-01", "amount": amount, **fields}
    return (await sandbox.ask("POST", "/expenses", body))["expense"]


async def bill(sandbox: Sandbox, expense: Json, customer_id: str) -> Json:
    """A sent invoice whose line names the expense."""
    line = {"name": "Lunch", "rate": expense["total"], "quantity": 1, "expense_id": expense["expense_id"]}
    body = {"customer_id": customer_id, "line_items": [line]}
    made = (await sandbox.ask("POST", "/invoices", body))["invoice"]
    await sandbox.ask("POST", f"/invoices/{made['invoice_id']}/status/sent")
    return await sandbox.read(made)


async def upload(sandbox: Sandbox, method: str, path: str, name: str, content: bytes, **form: Any) -> httpx.Response:
    """A multipart request with the file as `receipt`."""
    return await sandbox.http.request(
        method,
        f"/invoice/v3{path}",
        params={"organization_id": CREDENTIALS.organization_id},
        headers={"Authorization": f"Zoho-oauthtoken {await sandbox.token()}"},
        files={form.pop("field", "receipt"): (name, content)},
        data=form,
    )


async def attach(sandbox: Sandbox, expense: Json, name: str, content: bytes = PNG, **form: Any) -> Json:
    """The answer to a receipt's upload."""
    return exact(await upload(sandbox, "POST", f"/expenses/{expense['expense_id']}/receipt", name, content, **form))


async def test_an_expense_is_recorded_under_its_category(sandbox: Sandbox) -> None:
    body = {"account_id": MEALS, "date": "2026-10-01", "amount": 12.5, "expense_category": "Travel"}
    response = await sandbox.send("POST", "/expenses", body)
    answer = exact(response)
    made = answer["expense"]
    assert (response.status_code, answer["message"]) == (201, "The expense has been recorded.")
    assert response.headers["location"] == f"/api/v3/expenses/{made['expense_id']}"
    assert (made["account_name"], made["total"], made["status"]) == (
        "Meals and Entertainment",
        Decimal("12.50"),
        "nonbillable",
    )
    assert (made["customer_name"], made["expense_receipt_name"], made["invoice_id"]) == ("", "", "")
    assert "expense_category" not in made
    assert await sandbox.read(made) == made


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account_id": None}, 2),
        ({"account_id": NO_SUCH_ID}, 2),
        ({"account_id": SALES}, 2),
        ({"account_id": CHECKING}, 2),
        ({"date": None}, 2),
        ({"date": "01/10/2026"}, 2),
        ({"amount": None}, 5015),
        ({"amount": 0}, 5015),
        ({"amount": -5}, 5015),
        ({"amount": "x"}, 5015),
        ({"amount": "1.005"}, 5015),
        ({"tax_id": NO_SUCH_ID}, 2),
        ({"paid_through_account_id": MEALS}, 2),
        ({"is_billable": True}, 2),
        ({"exchange_rate": 0}, 2),
        ({"description": "x" * 101}, 15),
        ({"reference_number": "x" * 101}, 15),
        ({"line_items": [{"account_id": MEALS}]}, 5015),
        ({"line_items": [{"amount": 5}]}, 2),
        ({"line_items": [{"account_id": MEALS, "amount": 5, "line_item_id": NO_SUCH_ID}]}, 2),
    ],
)
async def test_a_wrong_expense_is_refused(sandbox: Sandbox, change: Json, code: int) -> None:
    body = {"account_id": MEALS, "date": "2026-10-01", "amount": 10, **change}
    assert await sandbox.refusal("POST", "/expenses", body) == (400, code)
    assert (await sandbox.ask("GET", "/expenses"))["expenses"] == []


@pytest.mark.parametrize("key", ["customer_id", "vendor_id"])
async def test_people_must_be_there_and_of_the_right_kind(sandbox: Sandbox, key: str) -> None:
    people = {
        "customer_id": await sandbox.customer("Shop", contact_type="vendor"),
        "vendor_id": await sandbox.customer(),
    }
    body = {"account_id": MEALS, "date": "2026-10-01", "amount": 10}
    assert await sandbox.refusal("POST", "/expenses", {**body, key: people[key]}) == (404, 1002)
    assert await sandbox.refusal("POST", "/expenses", {**body, key: NO_SUCH_ID}) == (404, 1002)


async def test_books_also_wants_the_account_that_paid(sandbox: Sandbox) -> None:
    body = {"account_id": MEALS, "date": "2026-10-01", "amount": 10}
    assert await sandbox.refusal("POST", "/books/v3/expenses", body) == (400, 2)
    answer = await sandbox.ask("POST", "/books/v3/expenses", {**body, "paid_through_account_id": PETTY_CASH})
    made = answer["expense"]
    assert made["paid_through_account_name"] == "Petty Cash"
    path = f"/books/v3/expenses/{made['expense_id']}"
    assert await sandbox.refusal("PUT", path, {"paid_through_account_id": ""}) == (400, 2)
    # One that was recorded without it in Zoho Invoice can still be changed in Zoho Books.
    other = await spend(sandbox)
    await sandbox.ask("PUT", f"/books/v3/expenses/{other['expense_id']}", {"description": "Lunch"})


async def test_tax_comes_on_top_or_is_contained(sandbox: Sandbox) -> None:
    on_top = await spend(sandbox, "100", tax_id=SALES_TAX)
    assert [on_top[key] for key in ("amount", "sub_total", "tax_amount", "total")] == [
        Decimal("100.00"),
        Decimal("100.00"),
        Decimal("8.88"),
        Decimal("108.88"),
    ]
    contained = await spend(sandbox, "108.88", tax_id=SALES_TAX, is_inclusive_tax=True)
    assert [contained[key] for key in ("amount", "sub_total", "tax_amount", "total")] == [
        Decimal("108.88"),
        Decimal("100.00"),
        Decimal("8.88"),
        Decimal("108.88"),
    ]
    assert (contained["tax_name"], contained["tax_percentage"]) == ("Sales Tax", Decimal("8.875"))
    path = f"/expenses/{contained['expense_id']}"
    plain = (await sandbox.ask("PUT", path, {"tax_id": ""}))["expense"]
    assert (plain["tax_amount"], plain["total"], plain["tax_name"]) == (0, Decimal("108.88"), "")


async def test_another_currency_is_converted(sandbox: Sandbox) -> None:
    made = await spend(sandbox, "50", currency_id=EURO)
    assert (made["currency_code"], made["total"], made["bcy_total"]) == ("EUR", 50, Decimal("55.00"))
    dearer = (await sandbox.ask("PUT", f"/expenses/{made['expense_id']}", {"exchange_rate": "1.2"}))["expense"]
    assert dearer["bcy_total"] == 60


async def test_an_itemised_expense_adds_its_lines_up(sandbox: Sandbox) -> None:
    lines = [
        {"account_id": MEALS, "amount": 40, "tax_id": REDUCED_TAX, "description": "Dinner"},
        {"account_id": TRAVEL, "amount": 60, "tax_id": SALES_TAX},
    ]
    made = (await sandbox.ask("POST", "/expenses", {"date": "2026-10-01", "line_items": lines}))["expense"]
    assert made["account_name"] == "Itemized"
    assert (made["amount"], made["tax_amount"], made["total"]) == (100, Decimal("6.93"), Decimal("106.93"))
    assert [line["tax_amount"] for line in made["line_items"]] == [Decimal("1.60"), Decimal("5.33")]
    path = f"/expenses/{made['expense_id']}"
    assert await sandbox.refusal("PUT", path, {"amount": 5}) == (400, 2)
    kept = {"line_item_id": made["line_items"][0]["line_item_id"], "amount": 50}
    single = (await sandbox.ask("PUT", path, {"line_items": [kept]}))["expense"]
    assert (single["total"], single["account_name"]) == (52, "Meals and Entertainment")


async def test_a_change_leaves_the_rest_alone(sandbox: Sandbox) -> None:
    made = await spend(sandbox, "80", reference_number="R-1", paid_through_account_id=CHECKING, tax_id=REDUCED_TAX)
    sandbox.pass_time(minutes=1)
    answer = await sandbox.ask("PUT", f"/expenses/{made['expense_id']}", {"description": "Team lunch"})
    changed = answer["expense"]
    assert answer["message"] == "Expense information has been updated."
    # The description is shown on the single line as well.
    assert {key for key in changed if changed[key] != made[key]} == {"description", "line_items", "last_modified_time"}
    assert changed["line_items"][0]["line_item_id"] == made["line_items"][0]["line_item_id"]
    moved = (await sandbox.ask("PUT", f"/expenses/{made['expense_id']}", {"account_id": TRAVEL, "amount": 90}))[
        "expense"
    ]
    assert (moved["account_name"], moved["total"]) == ("Travel Expense", Decimal("93.60"))


async def test_a_billable_expense_is_unbilled_then_invoiced_then_reimbursed(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    made = await spend(sandbox, "30", is_billable=True, customer_id=customer_id)
    assert (made["status"], made["customer_name"]) == ("unbilled", "Acme")
    invoice = await bill(sandbox, made, customer_id)
    billed = await sandbox.read(made)
    assert (billed["status"], billed["invoice_number"]) == ("invoiced", invoice["invoice_number"])
    await sandbox.pay(invoice, "30")
    assert (await sandbox.read(made))["status"] == "reimbursed"


async def test_an_invoiced_expense_keeps_its_customer_and_cannot_be_deleted(sandbox: Sandbox) -> None:
    customer_id, other = await sandbox.customer(), await sandbox.customer("Bolt")
    made = await spend(sandbox, "30", is_billable=True, customer_id=customer_id)
    invoice = await bill(sandbox, made, customer_id)
    path = f"/expenses/{made['expense_id']}"
    assert await sandbox.refusal("PUT", path, {"customer_id": other}) == (400, 5019)
    assert await sandbox.refusal("PUT", path, {"is_billable": False}) == (400, 5032)
    assert await sandbox.refusal("DELETE", path) == (400, 5001)
    await sandbox.ask("POST", f"/invoices/{invoice['invoice_id']}/status/void")
    assert (await sandbox.read(made))["status"] == "unbilled"
    assert (await sandbox.ask("DELETE", path))["message"] == "The expense has been deleted."
    assert await sandbox.refusal("GET", path) == (404, 1002)


async def test_people_with_expenses_cannot_be_deleted(sandbox: Sandbox) -> None:
    customer_id, vendor_id = await sandbox.customer(), await sandbox.customer("Shop", contact_type="vendor")
    made = await spend(sandbox, customer_id=customer_id, vendor_id=vendor_id)
    seen = (await sandbox.ask("GET", f"/books/v3/expenses/{made['expense_id']}"))["expense"]
    assert (seen["vendor_name"], seen["status"]) == ("Shop", "nonbillable")
    for contact_id in (customer_id, vendor_id):
        assert await sandbox.refusal("DELETE", f"/contacts/{contact_id}") == (400, 3000)


@pytest.fixture
async def four(sandbox: Sandbox) -> Sandbox:
    """Expenses of 10 to 40, dated 1 to 4 October, a minute apart; 3 and 4 are billable to Bolt, 4 is invoiced."""
    bolt, shop = await sandbox.customer("Bolt"), await sandbox.customer("Shop", contact_type="vendor")
    for n in range(1, 5):
        sandbox.pass_time(minutes=1)
        fields: Json = {"date": f"2026-10-0{n}", "reference_number": f"R-{n}", "description": f"Trip {n}"}
        fields |= {"customer_id": bolt, "is_billable": True} if n > 2 else {"vendor_id": shop}
        made = await spend(
            sandbox, str(n * 10), account_id=(MEALS, TRAVEL)[n % 2], paid_through_account_id=PETTY_CASH, **fields
        )
        if n == 4:
            await bill(sandbox, made, bolt)
    return sandbox


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"status": "unbilled"}, [3]),
        ({"status": "invoiced"}, [4]),
        ({"status": "reimbursed"}, []),
        ({"status": "non-billable"}, [2, 1]),
        ({"status": "billable"}, [4, 3]),
        ({"filter_by": "Status.Nonbillable"}, [2, 1]),
        ({"filter_by": "Status.Billable"}, [4, 3]),
        ({"filter_by": "Status.Invoiced"}, [4]),
        ({"filter_by": "Status.All"}, [4, 3, 2, 1]),
        ({"account_name": "Travel Expense"}, [3, 1]),
        ({"account_name_startswith": "Meals"}, [4, 2]),
        ({"description_contains": "trip 2"}, [2]),
        ({"reference_number": "R-3"}, [3]),
        ({"customer_name": "Bolt"}, [4, 3]),
        ({"vendor_name_contains": "ho"}, [2, 1]),
        ({"search_text": "bolt"}, [4, 3]),
        ({"search_text": "trip"}, []),
        ({"paid_through_account_id": CHECKING}, []),
        ({"date_start": "2026-10-02", "date_end": "2026-10-03"}, [3, 2]),
        ({"date_before": "2026-10-02"}, [1]),
        ({"amount_less_than": "20"}, [1]),
        ({"amount_greater_equals": "30"}, [4, 3]),
        ({"sort_column": "total"}, [1, 2, 3, 4]),
        ({"sort_column": "account_name", "sort_order": "D"}, [3, 1, 4, 2]),
        ({"sort_column": "date", "sort_order": "D", "per_page": "1", "page": "2"}, [3]),
    ],
)
async def test_expenses_can_be_narrowed_and_ordered(four: Sandbox, query: dict[str, str], expected: list[int]) -> None:
    rows = (await four.ask("GET", "/expenses", **query))["expenses"]
    assert [int(row["reference_number"][2:]) for row in rows] == expected


async def test_expenses_refuse_words_that_no_status_or_column_has(four: Sandbox) -> None:
    for query in ({"status": "paid"}, {"filter_by": "Status.Paid"}, {"sort_column": "amount"}):
        assert await four.refusal("GET", "/expenses", **query) == (400, 2)
    context = (await four.ask("GET", "/expenses", per_page=3))["page_context"]
    assert (context["report_name"], context["applied_filter"], context["has_more_page"]) == (
        "Expenses",
        "Status.All",
        True,
    )


async def test_a_receipt_comes_back_as_it_went_in(sandbox: Sandbox) -> None:
    made = await spend(sandbox)
    path = f"/expenses/{made['expense_id']}/receipt"
    assert await attach(sandbox, made, "C:\\scans\\Beleg Zürich.PNG") == {
        "code": 0,
        "message": "The expense receipt has been attached.",
    }
    shown = await sandbox.read(made)
    assert shown["expense_receipt_name"] == "Beleg Zürich.PNG"
    [row] = (await sandbox.ask("GET", "/expenses"))["expenses"]
    assert (row["expense_receipt_name"], row["has_attachment"]) == ("Beleg Zürich.PNG", True)
    file = await sandbox.send("GET", path)
    assert (file.status_code, file.content, file.headers["content-type"]) == (200, PNG, "image/png")
    assert file.headers["content-disposition"] == 'attachment; filename="Beleg Z%C3%BCrich.PNG"'
    await attach(sandbox, made, "other.pdf", b"%PDF")
    assert (await sandbox.send("GET", path, preview="true")).content == b"%PDF"


async def test_a_receipt_can_be_taken_off_again(sandbox: Sandbox) -> None:
    made = await spend(sandbox)
    path = f"/expenses/{made['expense_id']}/receipt"
    assert await sandbox.refusal("GET", path) == (404, 1002)
    await attach(sandbox, made, "taxi.jpg")
    assert (await sandbox.ask("DELETE", path))["message"] == "The attached expense receipt has been deleted."
    assert (await sandbox.read(made))["expense_receipt_name"] == ""
    assert await sandbox.refusal("DELETE", path) == (404, 1002)
    assert await sandbox.refusal("POST", path, {"receipt": "taxi.jpg"}) == (400, 2)


async def test_files_that_are_no_receipt_are_refused(sandbox: Sandbox) -> None:
    made = await spend(sandbox)
    largest = b"x" * (10 * 1024 * 1024)
    refused = [
        await attach(sandbox, made, "setup.exe"),
        await attach(sandbox, made, "pdf"),
        await attach(sandbox, made, "empty.pdf", b""),
        await attach(sandbox, made, "huge.pdf", largest + b"x"),
        await attach(sandbox, made, "taxi.pdf", field="file"),
    ]
    assert [answer["code"] for answer in refused] == [2, 2, 2, 2, 2]
    assert (await sandbox.read(made))["expense_receipt_name"] == ""
    assert (await attach(sandbox, made, "large.pdf", largest))["code"] == 0


async def test_a_receipt_can_come_with_the_expense(sandbox: Sandbox) -> None:
    form = '{"account_id": "982000000000000301", "date": "2026-10-01", "amount": 7}'
    response = await upload(sandbox, "POST", "/expenses", "cafe.gif", PNG, JSONString=form)
    assert response.status_code == 201
    made = exact(response)["expense"]
    assert (made["expense_receipt_name"], made["total"]) == ("cafe.gif", 7)
    await sandbox.ask("DELETE", f"/expenses/{made['expense_id']}")
    assert sandbox.store.books(CREDENTIALS.organization_id).all("receipt") == []


async def test_each_call_wants_the_scope_of_expenses(sandbox: Sandbox) -> None:
    token = await sandbox.token("ZohoInvoice.expenses.READ", "ZohoInvoice.settings.ALL")
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    assert (await sandbox.send("GET", "/expenses", headers=headers)).status_code == 200
    assert (await sandbox.send("POST", "/expenses", {}, headers=headers)).status_code == 401


async def test_the_demo_studio_spent_in_every_status() -> None:
    with Sandbox(demo=True) as studio:
        rows = (await studio.ask("GET", "/expenses"))["expenses"]
        assert len(rows) == 12
        assert {row["status"] for row in rows} == {"unbilled", "invoiced", "reimbursed", "nonbillable"}
        assert all(row["date"] < TODAY.isoformat() for row in rows)
        [taxi] = [row for row in rows if row["expense_receipt_name"] == "taxi.pdf"]
        file = await studio.send("GET", f"/expenses/{taxi['expense_id']}/receipt")
        assert file.content.startswith(b"%PDF-")
        [ink] = [row for row in rows if row["description"] == "Printer ink"]
        assert (ink["total"], ink["total_without_tax"]) == (Decimal("87.10"), Decimal("80.00"))
