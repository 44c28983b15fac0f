"""Where Zoho is strict, and where it is not: refusals, limits, filters that are ignored, and unusual currencies."""

from decimal import Decimal
from typing import Any

import pytest
from sandbox_support import Json, Sandbox

from zoho_mcp.sandbox.app import MODULES
from zoho_mcp.sandbox.limits import Limits
from zoho_mcp.sandbox.wire.key_tables import GRADES, specimen, table
from zoho_mcp.sandbox.wire.routing import BOTH, Route

pytestmark = pytest.mark.anyio
ROUTES = [route for routes in MODULES for route in routes]
KINDS = sorted({route.keys.partition(".")[0] for route in ROUTES if route.keys})


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_every_route_names_a_shape_that_a_table_has(route: Route) -> None:
    for product in route.products:
        assert not route.keys or specimen(route.keys, product)


@pytest.mark.parametrize("kind", KINDS)
def test_a_shape_is_recorded_or_documented_and_sent_by_a_route(kind: str) -> None:
    recorded, documented = [{name.partition("@")[0] for name in table(grade, kind)} for grade in GRADES]
    assert recorded & documented == set()
    sent = {route.keys.partition(".")[2] for route in ROUTES if route.keys.startswith(f"{kind}.")}
    assert recorded | documented == sent
    assert {name.partition("@")[2] for grade in GRADES for name in table(grade, kind)} <= {"", *BOTH}


@pytest.mark.parametrize("mode", ["bitcoin", "Cash", "paypal"])
async def test_an_unknown_mode_of_payment_is_refused(sandbox: Sandbox, mode: str) -> None:
    body = {"customer_id": await sandbox.customer(), "amount": 5, "payment_mode": mode}
    assert await sandbox.refusal("POST", "/customerpayments", body) == (400, 2)


async def test_a_cheque_comes_back_as_a_check(sandbox: Sandbox) -> None:
    body = {"customer_id": await sandbox.customer(), "amount": 5, "payment_mode": "cheque"}
    assert (await sandbox.ask("POST", "/customerpayments", body))["payment"]["payment_mode"] == "check"


async def test_a_sku_is_given_once(sandbox: Sandbox) -> None:
    body = {"name": "Poster", "rate": 5, "sku": "P-1"}
    made = (await sandbox.ask("POST", "/items", body))["item"]
    assert (await sandbox.refusal("POST", "/items", {**body, "name": "Print", "sku": "p-1"}))[0] == 400
    await sandbox.ask("PUT", f"/items/{made['item_id']}", {"sku": "P-1", "rate": 6})


async def test_a_deleted_item_is_on_no_new_document(sandbox: Sandbox) -> None:
    made = (await sandbox.ask("POST", "/items", {"name": "Poster", "rate": 5}))["item"]
    await sandbox.ask("DELETE", f"/items/{made['item_id']}")
    body = {"customer_id": await sandbox.customer(), "line_items": [{"item_id": made["item_id"]}]}
    for path in ("/estimates", "/invoices", "/creditnotes"):
        assert await sandbox.refusal("POST", path, body) == (400, 2007)


async def test_an_inactive_or_deleted_customer_gets_no_new_document(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    draft = await sandbox.invoice(customer_id)
    await sandbox.ask("POST", f"/contacts/{customer_id}/inactive")
    body = {"customer_id": customer_id, "line_items": [{"name": "Work", "rate": 5}]}
    for path in ("/estimates", "/invoices", "/creditnotes"):
        assert await sandbox.refusal("POST", path, body) == (404, 1002)
    await sandbox.ask("PUT", f"/invoices/{draft['invoice_id']}", {"notes": "Still yours"})
    other = await sandbox.customer("Bolt")
    await sandbox.ask("DELETE", f"/contacts/{other}")
    assert await sandbox.refusal("POST", "/invoices", {**body, "customer_id": other}) == (404, 1002)


async def test_a_change_of_no_invoice_in_particular_is_refused(sandbox: Sandbox) -> None:
    assert await sandbox.refusal("PUT", "/invoices", {"notes": "x"}) == (400, 4)


async def test_a_list_says_how_many_there_are_when_asked(sandbox: Sandbox) -> None:
    for name in ("Acme", "Bolt", "Cove"):
        await sandbox.customer(name)
    asked = await sandbox.ask("GET", "/contacts", response_option=1, per_page=2)
    assert (len(asked["contacts"]), asked["page_context"]["total"]) == (2, 3)
    assert "total" not in (await sandbox.ask("GET", "/contacts"))["page_context"]
    assert await sandbox.refusal("GET", "/contacts", response_option="all") == (400, 2)


async def test_an_invoice_that_awaits_approval_is_not_owed(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    made = await sandbox.invoice(customer_id, "100")
    path = f"/books/v3/invoices/{made['invoice_id']}"
    await sandbox.ask("POST", f"{path}/submit")
    [row] = (await sandbox.ask("GET", "/invoices", status="pending_approval"))["invoices"]
    assert (row["status"], row["balance"]) == ("pending_approval", 100)
    assert (await sandbox.contact(customer_id))["outstanding_receivable_amount"] == 0
    assert (await sandbox.refusal("POST", f"{path}/submit"))[0] == 400
    await sandbox.ask("POST", f"{path}/approve")
    assert (await sandbox.read(made))["status"] == "approved"
    assert (await sandbox.contact(customer_id))["outstanding_receivable_amount"] == 0
    await sandbox.ask("POST", f"{path}/status/sent")
    assert (await sandbox.read(made))["status"] == "sent"
    assert (await sandbox.contact(customer_id))["outstanding_receivable_amount"] == 100
    other = await sandbox.invoice(customer_id, "50")
    await sandbox.ask("POST", f"/books/v3/invoices/{other['invoice_id']}/submit")
    await sandbox.ask("POST", f"/books/v3/invoices/{other['invoice_id']}/reject")
    assert (await sandbox.contact(customer_id))["outstanding_receivable_amount"] == 100


async def test_a_currency_without_cents_and_a_tax_of_nought_can_be_set_up(sandbox: Sandbox) -> None:
    yen: Json = {"currency_code": "JPY", "currency_symbol": "¥", "price_precision": 0}
    currency_id = (await sandbox.ask("POST", "/settings/currencies", yen))["currency"]["currency_id"]
    tax = (await sandbox.ask("POST", "/settings/taxes", {"tax_name": "Zero", "tax_percentage": 0}))["tax"]
    customer_id = await sandbox.customer(currency_id=currency_id)
    lines = [{"name": "Work", "rate": "1999", "quantity": "1.5", "tax_id": tax["tax_id"]}]
    body = {"customer_id": customer_id, "line_items": lines, "discount": "10%"}
    invoice = (await sandbox.ask("POST", "/invoices", body))["invoice"]
    # 1999 x 1.5 = 2998.5, in whole yen 2999; a tenth of it, 299.9, is 300
    assert (invoice["sub_total"], invoice["discount_total"], invoice["total"]) == (2999, 300, 2699)
    assert [part["tax_amount"] for part in invoice["taxes"]] == [0]
    assert await sandbox.refusal("POST", "/settings/currencies", yen) == (400, 2)


async def test_zoho_serves_beyond_the_days_limit_until_it_says_45() -> None:
    with Sandbox(limits=Limits(per_day=3, beyond=2)) as small:
        left = [(await small.send("GET", "/items")).headers["x-rate-limit-remaining"] for _ in range(5)]
        assert left == ["2", "1", "0", "-1", "-2"]
        assert await small.refusal("GET", "/items") == (429, 45)


async def test_a_named_filter_can_be_ignored_on_purpose(sandbox: Sandbox) -> None:
    for name in ("Acme", "Bolt"):
        await sandbox.invoice(await sandbox.customer(name), sent=name == "Bolt")

    async def numbers(**query: Any) -> int:
        return len((await sandbox.ask("GET", "/invoices", **query))["invoices"])

    assert await numbers(status="sent") == 1
    sandbox.app.state.faults.add("GET /invoices:ignore=status:*")
    assert await numbers(status="sent") == 2
    assert await numbers(customer_name="Acme", status="sent") == 1


async def test_discounts_in_percent_stay_in_the_words_they_were_given(sandbox: Sandbox) -> None:
    made = await sandbox.invoice(await sandbox.customer(), "100", discount="10%")
    assert (made["discount_percent"], made["total"]) == (10, Decimal("90.00"))
