"""Customer payments: how they are applied, changed and taken back."""

from decimal import Decimal

import pytest
from sandbox_support import NO_SUCH_ID, Json, Sandbox

pytestmark = pytest.mark.anyio


async def test_a_payment_needs_a_customer_and_an_amount_and_is_an_advance_then(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    answer = await sandbox.ask("POST", "/customerpayments", {"customer_id": customer_id, "amount": 99.99})
    payment = answer["payment"]
    assert (payment["amount"], payment["unused_amount"]) == (Decimal("99.99"), Decimal("99.99"))
    assert (payment["payment_mode"], payment["date"], payment["payment_number"]) == ("cash", "2026-10-09", "1")
    assert payment["invoices"] == []
    assert None not in payment.values()


async def test_a_payment_pays_several_invoices_and_keeps_the_rest(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    first = await sandbox.invoice(customer_id, "100", sent=True)
    second = await sandbox.invoice(customer_id, "50", sent=True)
    body = {
        "customer_id": customer_id, "amount": 160, "payment_mode": "banktransfer", "reference_number": "BT-1",
        "invoices": [{"invoice_id": first["invoice_id"], "amount_applied": 100},
                     {"invoice_id": second["invoice_id"], "amount_applied": "20.50"}],
    }  # fmt: skip
    payment = (await sandbox.ask("POST", "/customerpayments", body))["payment"]
    assert payment["unused_amount"] == Decimal("39.50")
    parts = [(part["invoice_number"], part["amount_applied"], part["balance"]) for part in payment["invoices"]]
    assert parts == [("INV-000001", 100, 0), ("INV-000002", Decimal("20.50"), Decimal("29.50"))]
    assert (await sandbox.read(first))["status"] == "paid"
    assert (await sandbox.read(second))["status"] == "partially_paid"
    [row] = (await sandbox.ask("GET", "/customerpayments"))["customerpayments"]
    assert (row["unused_amount"], row["invoice_numbers"]) == (Decimal("39.50"), "INV-000001, INV-000002")


@pytest.mark.parametrize(("amount", "applied"), [("200", ["100.01"]), ("50", ["50.01"]), ("200", ["60", "60"])])
async def test_more_than_the_balance_or_the_payment_cannot_be_applied(
    sandbox: Sandbox, amount: str, applied: list[str]
) -> None:
    invoice = await sandbox.invoice(await sandbox.customer(), "100", sent=True)
    parts = [{"invoice_id": invoice["invoice_id"], "amount_applied": part} for part in applied]
    body = {"customer_id": invoice["customer_id"], "amount": amount, "invoices": parts}
    assert await sandbox.refusal("POST", "/customerpayments", body) == (400, 24016)
    assert (await sandbox.read(invoice))["balance"] == 100


async def test_a_void_invoice_takes_no_money_and_a_draft_becomes_a_sent_one(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    void = await sandbox.invoice(customer_id, "100", sent=True)
    await sandbox.ask("POST", f"/invoices/{void['invoice_id']}/status/void")
    parts = [{"invoice_id": void["invoice_id"], "amount_applied": 1}]
    body = {"customer_id": customer_id, "amount": 1, "invoices": parts}
    assert await sandbox.refusal("POST", "/customerpayments", body) == (400, 24016)
    draft = await sandbox.invoice(customer_id, "100")
    await sandbox.pay(draft, "1")
    assert (await sandbox.read(draft))["status"] == "partially_paid"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"customer_id": NO_SUCH_ID}, (400, 3004)),
        ({"customer_id": None}, (400, 3004)),
        ({"amount": None}, (400, 2)),
        ({"amount": 0}, (400, 2)),
        ({"amount": -5}, (400, 2)),
        ({"amount": "1.005"}, (400, 2)),
        ({"date": "today"}, (400, 2)),
        ({"invoices": [{"invoice_id": NO_SUCH_ID, "amount_applied": 1}]}, (404, 1002)),
        ({"invoices": "all"}, (400, 2)),
        ({"reference_number": "x" * 101}, (400, 15)),
    ],
)
async def test_a_wrong_payment_is_refused(sandbox: Sandbox, changed: Json, expected: tuple[int, int]) -> None:
    body = {"customer_id": await sandbox.customer(), "amount": 10, **changed}
    assert await sandbox.refusal("POST", "/customerpayments", body) == expected


async def test_another_customers_invoice_is_not_there(sandbox: Sandbox) -> None:
    invoice = await sandbox.invoice(await sandbox.customer(), "100", sent=True)
    parts = [{"invoice_id": invoice["invoice_id"], "amount_applied": 1}]
    body = {"customer_id": await sandbox.customer("Other"), "amount": 1, "invoices": parts}
    assert await sandbox.refusal("POST", "/customerpayments", body) == (404, 1002)


async def test_an_update_can_move_the_money_to_another_invoice(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    first = await sandbox.invoice(customer_id, "100", sent=True)
    second = await sandbox.invoice(customer_id, "100", sent=True)
    payment = await sandbox.pay(first, "80")
    path = f"/customerpayments/{payment['payment_id']}"
    noted = (await sandbox.ask("PUT", path, {"description": "by wire"}))["payment"]
    assert (noted["description"], noted["invoices"][0]["amount_applied"]) == ("by wire", 80)
    moved = {"amount": 100, "invoices": [{"invoice_id": second["invoice_id"], "amount_applied": 100}]}
    assert (await sandbox.ask("PUT", path, moved))["payment"]["unused_amount"] == 0
    assert (await sandbox.read(first))["status"] == "sent"
    assert (await sandbox.read(second))["status"] == "paid"
    assert await sandbox.refusal("PUT", path, {"amount": 99}) == (400, 24016)


async def test_deleting_a_payment_makes_its_invoice_owed_again(sandbox: Sandbox) -> None:
    invoice = await sandbox.invoice(await sandbox.customer(), "100", sent=True)
    payment = await sandbox.pay(invoice, "100")
    before = (await sandbox.read(invoice))["last_modified_time"]
    await sandbox.ask("DELETE", f"/customerpayments/{payment['payment_id']}")
    after = await sandbox.read(invoice)
    assert (after["status"], after["balance"]) == ("sent", 100)
    assert after["last_modified_time"] > before
    assert await sandbox.refusal("GET", f"/customerpayments/{payment['payment_id']}") == (404, 1002)


async def test_tax_withheld_by_the_customer_settles_the_invoice_too(sandbox: Sandbox) -> None:
    invoice = await sandbox.invoice(await sandbox.customer(), "100", sent=True)
    part = {"invoice_id": invoice["invoice_id"], "amount_applied": 90, "tax_amount_withheld": 10}
    body = {"customer_id": invoice["customer_id"], "amount": 90, "invoices": [part]}
    await sandbox.ask("POST", "/customerpayments", body)
    paid = await sandbox.read(invoice)
    assert (paid["status"], paid["payment_made"], paid["tax_amount_withheld"]) == ("paid", 90, 10)
