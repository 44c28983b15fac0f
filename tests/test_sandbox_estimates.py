"""Estimates, called quotes in the messages: what they take, their statuses, and how they become invoices."""

from decimal import Decimal
from typing import Any

import pytest
from sandbox_support import NO_SUCH_ID, SALES_TAX, TODAY, Json, Sandbox, exact

pytestmark = pytest.mark.anyio
WORK = {"name": "Work", "rate": 100}


async def quote(sandbox: Sandbox, customer_id: str, *steps: str, **fields: Any) -> Json:
    """A new estimate of 100 that went through these statuses."""
    body = {"customer_id": customer_id, "line_items": [WORK], **fields}
    made = (await sandbox.ask("POST", "/estimates", body))["estimate"]
    for step in steps:
        await sandbox.ask("POST", f"/estimates/{made['estimate_id']}/status/{step}")
    return await sandbox.read(made)


async def from_estimates(sandbox: Sandbox, *estimates: Json) -> Json:
    ids = ",".join(estimate["estimate_id"] for estimate in estimates)
    response = await sandbox.send("POST", "/books/v3/invoices/fromestimates", estimate_ids=ids)
    assert response.status_code == 200
    return exact(response)


async def test_an_estimate_is_made_as_a_draft_with_totals(sandbox: Sandbox) -> None:
    lines = [{"name": "Prints", "rate": "19.99", "quantity": 3, "tax_id": SALES_TAX}]
    body = {
        "customer_id": await sandbox.customer(),
        "line_items": lines,
        "discount": "10%",
        "expiry_date": "2026-11-08",
    }
    response = await sandbox.send("POST", "/estimates", body)
    made = exact(response)["estimate"]
    assert (response.status_code, exact(response)["message"]) == (201, "The quote has been created.")
    assert response.headers["location"] == f"/api/v3/estimates/{made['estimate_id']}"
    assert (made["estimate_number"], made["status"]) == ("QT-000001", "draft")
    assert (made["date"], made["expiry_date"]) == ("2026-10-09", "2026-11-08")
    # 59.97 - 6.00 = 53.97; 8.875 % of 59.97 x (1 - 6.00 / 59.97) is 4.79
    assert (made["sub_total"], made["discount_total"], made["tax_total"]) == (
        Decimal("59.97"),
        Decimal("6.00"),
        Decimal("4.79"),
    )
    assert made["total"] == Decimal("58.76")
    assert made["invoice_ids"] == []
    assert made["template_name"] == "Standard Template"
    assert None not in made.values()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"customer_id": ""}, (400, 2)),
        ({"customer_id": NO_SUCH_ID}, (404, 1002)),
        ({"line_items": []}, (400, 2)),
        ({"line_items": [{"item_id": NO_SUCH_ID}]}, (400, 2007)),
        ({"expiry_date": "soon"}, (400, 2)),
        ({"expiry_date": "2026-10-08"}, (400, 2)),
        ({"reference_number": "x" * 101}, (400, 15)),
        ({"retainer_percentage": 0}, (400, 9526)),
        ({"retainer_percentage": "100.5"}, (400, 9526)),
        ({"template_id": "982000000000000201"}, (400, 2)),
    ],
)
async def test_a_wrong_estimate_is_refused_and_uses_up_no_number(
    sandbox: Sandbox, changed: Json, expected: tuple[int, int]
) -> None:
    body = {"customer_id": await sandbox.customer(), "line_items": [WORK], **changed}
    assert await sandbox.refusal("POST", "/estimates", body) == expected
    assert (await quote(sandbox, await sandbox.customer("Other")))["estimate_number"] == "QT-000001"


async def test_an_inactive_item_cannot_be_quoted(sandbox: Sandbox) -> None:
    item_id = (await sandbox.ask("POST", "/items", {"name": "Old", "rate": 5}))["item"]["item_id"]
    await sandbox.ask("POST", f"/items/{item_id}/inactive")
    body = {"customer_id": await sandbox.customer(), "line_items": [{"item_id": item_id}]}
    assert await sandbox.refusal("POST", "/estimates", body) == (400, 2007)


async def test_an_own_number_needs_auto_numbering_switched_off_and_is_used_once(sandbox: Sandbox) -> None:
    body: Json = {"customer_id": await sandbox.customer(), "line_items": [WORK], "estimate_number": "Q-7"}
    assert (await sandbox.refusal("POST", "/estimates", body))[0] == 400
    own = await sandbox.ask("POST", "/estimates", body, ignore_auto_number_generation="true")
    assert own["estimate"]["estimate_number"] == "Q-7"
    assert await sandbox.refusal("POST", "/estimates", body, ignore_auto_number_generation="true") == (400, 1001)
    other = await quote(sandbox, body["customer_id"])
    assert await sandbox.refusal("PUT", f"/estimates/{other['estimate_id']}", {"estimate_number": "q-7"}) == (400, 1001)


async def test_an_update_changes_what_is_sent_and_new_lines_replace_the_old_ones(sandbox: Sandbox) -> None:
    lines = [WORK, {"name": "More", "rate": 50}]
    made = await quote(sandbox, await sandbox.customer(), line_items=lines, notes="first")
    path = f"/estimates/{made['estimate_id']}"
    noted = (await sandbox.ask("PUT", path, {"notes": "second"}))["estimate"]
    assert (noted["notes"], noted["total"], len(noted["line_items"])) == ("second", 150, 2)
    assert noted["last_modified_time"] > made["last_modified_time"]
    kept = made["line_items"][1]["line_item_id"]
    changed = (await sandbox.ask("PUT", path, {"line_items": [{"line_item_id": kept, "quantity": 3}]}))["estimate"]
    assert [(line["name"], line["item_total"]) for line in changed["line_items"]] == [("More", 150)]


async def test_the_customer_answers_a_sent_quote_once(sandbox: Sandbox) -> None:
    made = await quote(sandbox, await sandbox.customer())
    path = f"/estimates/{made['estimate_id']}/status"
    for answer in ("accepted", "declined"):
        assert (await sandbox.refusal("POST", f"{path}/{answer}"))[0] == 400
    await sandbox.ask("POST", f"{path}/sent")
    assert (await sandbox.read(made))["status"] == "sent"
    await sandbox.ask("POST", f"{path}/accepted")
    [accepted] = (await sandbox.ask("GET", "/estimates"))["estimates"]
    assert (accepted["status"], accepted["accepted_date"], accepted["declined_date"]) == ("accepted", "2026-10-09", "")
    for answer in ("accepted", "declined"):
        assert (await sandbox.refusal("POST", f"{path}/{answer}"))[0] == 400
    await sandbox.ask("POST", f"{path}/sent")
    assert (await sandbox.read(made))["status"] == "accepted"


async def test_a_quote_cannot_go_back_to_draft(sandbox: Sandbox) -> None:
    declined = await quote(sandbox, await sandbox.customer(), "sent", "declined")
    assert declined["status"] == "declined"
    path = f"/estimates/{declined['estimate_id']}"
    assert await sandbox.refusal("PUT", path, {"status": "draft"}) == (400, 4041)
    assert await sandbox.refusal("POST", f"{path}/status/draft") == (404, 5)


async def test_only_a_sent_quote_expires_on_the_day_after_its_last(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    until = {"expiry_date": "2026-10-10"}
    draft, sent = await quote(sandbox, customer_id, **until), await quote(sandbox, customer_id, "sent", **until)
    accepted = await quote(sandbox, customer_id, "sent", "accepted", **until)
    sandbox.pass_time(days=1)
    sandbox.log_in_again()
    assert (await sandbox.read(sent))["status"] == "sent"
    sandbox.pass_time(days=1)
    sandbox.log_in_again()
    statuses = [(await sandbox.read(estimate))["status"] for estimate in (draft, sent, accepted)]
    assert statuses == ["draft", "expired", "accepted"]
    rows = (await sandbox.ask("GET", "/estimates", status="expired"))["estimates"]
    assert [row["estimate_id"] for row in rows] == [sent["estimate_id"]]
    assert (await sandbox.refusal("POST", f"/estimates/{sent['estimate_id']}/status/accepted"))[0] == 400
    await sandbox.ask("PUT", f"/estimates/{sent['estimate_id']}", {"expiry_date": "2026-12-31"})
    assert (await sandbox.read(sent))["status"] == "sent"


async def test_a_mail_goes_to_the_outbox_and_marks_the_quote_sent(sandbox: Sandbox) -> None:
    made = await quote(sandbox, await sandbox.customer())
    path = f"/estimates/{made['estimate_id']}/email"
    assert (await sandbox.ask("GET", path))["data"]["subject"] == "Quote - QT-000001 from Studio Linden"
    assert await sandbox.refusal("POST", path, {}) == (400, 2)
    assert (await sandbox.read(made))["status"] == "draft"
    await sandbox.ask("POST", path, {"to_mail_ids": ["ann@acme.example"]})
    [mail] = sandbox.store.outbox()
    assert (mail["to"], mail["record_id"]) == (["ann@acme.example"], made["estimate_id"])
    [sent] = (await sandbox.ask("GET", "/estimates"))["estimates"]
    assert (sent["status"], sent["is_emailed"]) == ("sent", True)


async def test_lists_filter_search_and_sort(sandbox: Sandbox) -> None:
    acme, other = await sandbox.customer(), await sandbox.customer("Other")
    small = await quote(sandbox, acme, "sent", date="2026-09-01", expiry_date="2026-12-01", reference_number="Spring")
    large = await quote(sandbox, other, line_items=[{"name": "Booklet", "rate": 900}])

    async def found(**query: str) -> list[str]:
        return [row["estimate_number"] for row in (await sandbox.ask("GET", "/estimates", **query))["estimates"]]

    assert await found(sort_column="total") == [small["estimate_number"], large["estimate_number"]]
    assert await found(sort_column="total", sort_order="D") == [large["estimate_number"], small["estimate_number"]]
    for query in (
        {"status": "sent"},
        {"filter_by": "Status.Sent"},
        {"customer_id": acme},
        {"date_end": "2026-09-30"},
        {"expiry_date_start": "2026-11-01"},
        {"total_less_than": "900"},
        {"search_text": "spring"},
        {"item_name_startswith": "wo"},
        {"estimate_number": "QT-000001"},
    ):
        assert await found(**query) == [small["estimate_number"]], query
    assert await found(status="viewed") == []
    assert await sandbox.refusal("GET", "/estimates", status="paid") == (400, 2)
    assert await sandbox.refusal("GET", "/estimates", sort_column="expiry_date") == (400, 2)


async def test_an_invoice_that_names_its_quote_makes_it_invoiced(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    accepted = await quote(sandbox, customer_id, "sent", "accepted")
    path = f"/estimates/{accepted['estimate_id']}"
    invoice = await sandbox.invoice(customer_id, invoiced_estimate_id=accepted["estimate_id"])
    invoiced = await sandbox.read(accepted)
    assert (invoiced["status"], invoiced["invoice_ids"]) == ("invoiced", [invoice["invoice_id"]])
    assert invoice["estimate_id"] == accepted["estimate_id"]
    assert invoiced["last_modified_time"] > accepted["last_modified_time"]
    assert (await sandbox.refusal("DELETE", path))[0] == 400
    await sandbox.ask("DELETE", f"/invoices/{invoice['invoice_id']}")
    assert (await sandbox.read(accepted))["status"] == "accepted"
    assert (await sandbox.ask("DELETE", path))["message"] == "The quote has been deleted."
    assert await sandbox.refusal("GET", path) == (404, 1002)


async def test_an_invoice_cannot_name_a_draft_or_another_customers_quote(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    draft = await quote(sandbox, customer_id)
    theirs = await quote(sandbox, await sandbox.customer("Other"), "sent")
    body = {"customer_id": customer_id, "line_items": [WORK]}
    for estimate_id, status in ((draft["estimate_id"], 400), (theirs["estimate_id"], 400), (NO_SUCH_ID, 404)):
        assert (await sandbox.refusal("POST", "/invoices", {**body, "invoiced_estimate_id": estimate_id}))[0] == status
    assert (await sandbox.ask("GET", "/invoices"))["invoices"] == []
    assert (await sandbox.read(theirs))["invoice_ids"] == []


async def test_books_makes_an_invoice_of_each_quote_and_says_nothing_of_them(sandbox: Sandbox) -> None:
    item = {"name": "Poster", "rate": "18.50", "tax_id": SALES_TAX}
    item_id = (await sandbox.ask("POST", "/items", item))["item"]["item_id"]
    lines = [{"item_id": item_id, "quantity": 2, "description": "A2"}]
    terms = {"discount": "10%", "notes": "As agreed", "shipping_charge": 5, "reference_number": "R-1"}
    customer_id = await sandbox.customer()
    first = await quote(sandbox, customer_id, "sent", line_items=lines, **terms)
    second = await quote(sandbox, customer_id, "sent", "declined")
    assert await from_estimates(sandbox, first, second) == {"code": 0, "data": {}}
    [invoice_id] = (await sandbox.read(first))["invoice_ids"]
    invoice = await sandbox.read({"invoice_id": invoice_id})
    # 37.00 - 3.70 + 8.875 % of 33.30 (2.96) + 5
    assert (invoice["total"], first["total"]) == (Decimal("41.26"), Decimal("41.26"))
    assert (invoice["invoice_number"], invoice["status"], invoice["date"]) == ("INV-000001", "draft", TODAY.isoformat())
    assert (invoice["notes"], invoice["reference_number"], invoice["discount"]) == ("As agreed", "R-1", "10%")
    assert invoice["line_items"][0]["description"] == "A2"
    assert (await sandbox.read(second))["status"] == "invoiced"


async def test_converting_again_makes_another_invoice(sandbox: Sandbox) -> None:
    made = await quote(sandbox, await sandbox.customer(), "sent")
    for _ in range(2):
        assert (await from_estimates(sandbox, made))["code"] == 0
    assert len((await sandbox.read(made))["invoice_ids"]) == 2


async def test_a_draft_is_refused_inside_a_success_and_nothing_is_made(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    sent, draft = await quote(sandbox, customer_id, "sent"), await quote(sandbox, customer_id)
    answer = await from_estimates(sandbox, sent, draft)
    assert answer["code"] == 0
    assert answer["data"]["code"] != 0
    assert answer["data"]["message"] == "Some of the quotes cannot be converted to Invoices"
    assert (await sandbox.ask("GET", "/invoices"))["invoices"] == []
    path = "/books/v3/invoices/fromestimates"
    assert await sandbox.refusal("POST", path) == (400, 2)
    assert await sandbox.refusal("POST", path, estimate_ids=NO_SUCH_ID) == (404, 1002)


async def test_the_calls_that_do_not_exist_are_not_there(sandbox: Sandbox) -> None:
    made = await quote(sandbox, await sandbox.customer(), "sent")
    for product in ("/invoice/v3", "/books/v3"):
        path = f"{product}/estimates/{made['estimate_id']}/converttoInvoice"
        assert await sandbox.refusal("POST", path) == (404, 5)
    path = "/invoice/v3/invoices/fromestimates"
    assert await sandbox.refusal("POST", path, estimate_ids=made["estimate_id"]) == (404, 5)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("estimates.READ", "GET", "/books/v3/estimates"),
        ("estimates.CREATE", "POST", "/books/v3/estimates/982000000000999999/status/sent"),
        ("estimates.UPDATE", "PUT", "/books/v3/estimates/982000000000999999"),
        ("estimates.DELETE", "DELETE", "/books/v3/estimates/982000000000999999"),
        ("invoices.CREATE", "POST", "/books/v3/invoices/fromestimates"),
    ],
)
async def test_each_call_needs_its_own_scope(sandbox: Sandbox, scope: str, method: str, path: str) -> None:
    async def code(*scopes: str) -> int:
        headers = {"Authorization": f"Zoho-oauthtoken {await sandbox.token(*scopes)}"}
        return exact(await sandbox.send(method, path, {}, headers=headers))["code"]

    assert await code(f"ZohoBooks.{scope}") != 57
    assert await code("ZohoBooks.contacts.ALL", f"ZohoInvoice.{scope}") == 57


async def test_the_studio_has_quotes_in_every_status() -> None:
    with Sandbox(demo=True) as studio:
        rows = (await studio.ask("GET", "/estimates"))["estimates"]
        assert {row["status"] for row in rows} == {"draft", "sent", "accepted", "declined", "invoiced", "expired"}
        [invoiced] = [row for row in rows if row["status"] == "invoiced"]
        estimate = await studio.read(invoiced)
        invoice = await studio.read({"invoice_id": estimate["invoice_ids"][0]})
        # 3200 + 3 x 800 - 250
        assert (estimate["total"], invoice["total"]) == (Decimal("5350.00"), Decimal("5350.00"))
        assert (estimate["date"], invoiced["accepted_date"], invoice["date"]) == (
            "2026-08-16",
            "2026-08-20",
            "2026-08-26",
        )
