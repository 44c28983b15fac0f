"""Credit notes: what they take, what they are spent on, and that the money adds up everywhere it shows."""

from decimal import Decimal
from typing import Any

import pytest
from sandbox_support import EURO, NO_SUCH_ID, SALES_TAX, Json, Sandbox, exact, path_of

pytestmark = pytest.mark.anyio
CHECKING = "982000000000000313"
RETURN = {"name": "Return", "rate": 100}


async def credit(sandbox: Sandbox, customer_id: str, amount: str = "100", **fields: Any) -> Json:
    """A new credit note with one line."""
    body = {"customer_id": customer_id, "line_items": [{"name": "Return", "rate": amount}], **fields}
    return (await sandbox.ask("POST", "/creditnotes", body))["creditnote"]


def part(invoice: Json, amount: str) -> Json:
    return {"invoices": [{"invoice_id": invoice["invoice_id"], "amount_applied": amount}]}


async def unused(sandbox: Sandbox, customer_id: str) -> Decimal:
    return (await sandbox.contact(customer_id))["unused_credits_receivable_amount"]


async def test_a_credit_note_is_open_at_once_with_number_date_and_totals(sandbox: Sandbox) -> None:
    lines = [{"description": "Two posters", "rate": "18.50", "quantity": 2, "tax_id": SALES_TAX}]
    body: Json = {"customer_id": await sandbox.customer(), "line_items": lines}
    response = await sandbox.send("POST", "/creditnotes", body)
    note = exact(response)["creditnote"]
    assert (response.status_code, exact(response)["message"]) == (201, "The credit note has been created.")
    assert (note["creditnote_number"], note["status"], note["date"]) == ("CN-000001", "open", "2026-10-09")
    # 37.00 and 8.875 % of it
    assert (note["total"], note["balance"], note["total_credits_used"]) == (Decimal("40.28"), Decimal("40.28"), 0)
    assert await unused(sandbox, body["customer_id"]) == Decimal("40.28")
    assert None not in note.values()


async def test_a_draft_is_no_credit_until_it_is_opened(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    draft = await credit(sandbox, customer_id, is_draft=True)
    assert (draft["status"], await unused(sandbox, customer_id)) == ("draft", 0)
    for _ in range(2):
        await sandbox.ask("POST", f"{path_of(draft)}/status/open")
    assert ((await sandbox.read(draft))["status"], await unused(sandbox, customer_id)) == ("open", 100)
    assert (await sandbox.refusal("POST", f"{path_of(draft)}/status/draft"))[0] == 400


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"customer_id": ""}, (400, 2)),
        ({"customer_id": NO_SUCH_ID}, (404, 1002)),
        ({"line_items": []}, (400, 2)),
        ({"line_items": [{"rate": 5}]}, (400, 2)),
        ({"date": "yesterday"}, (400, 2)),
        ({"is_draft": "perhaps"}, (400, 2)),
        ({"notes": "x" * 5001}, (400, 15)),
        ({"template_id": "982000000000000201"}, (400, 2)),
    ],
)
async def test_a_wrong_credit_note_is_refused_and_uses_up_no_number(
    sandbox: Sandbox, changed: Json, expected: tuple[int, int]
) -> None:
    body = {"customer_id": await sandbox.customer(), "line_items": [RETURN], **changed}
    assert await sandbox.refusal("POST", "/creditnotes", body) == expected
    assert (await credit(sandbox, await sandbox.customer("Other")))["creditnote_number"] == "CN-000001"


async def test_an_own_number_is_ignored_unless_it_is_said_to_be_meant(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    ignored = await credit(sandbox, customer_id, creditnote_number="CREDIT-9")
    assert ignored["creditnote_number"] == "CN-000001"
    body = {"customer_id": customer_id, "line_items": [RETURN], "creditnote_number": "CREDIT-9"}
    meant = await sandbox.ask("POST", "/creditnotes", body, ignore_auto_number_generation="true")
    assert meant["creditnote"]["creditnote_number"] == "CREDIT-9"
    assert await sandbox.refusal("POST", "/creditnotes", body, ignore_auto_number_generation="true") == (400, 12018)
    nameless = {**body, "creditnote_number": ""}
    assert await sandbox.refusal("POST", "/creditnotes", nameless, ignore_auto_number_generation="true") == (400, 2)


async def test_credit_lowers_an_invoice_until_both_are_closed(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id, "150", sent=True)
    note = await credit(sandbox, customer_id)
    answer = await sandbox.ask("POST", f"{path_of(note)}/invoices", part(invoice, "60"))
    assert answer["message"] == "Credits have been applied to the invoice(s)."
    lowered = await sandbox.read(invoice)
    assert (lowered["status"], lowered["balance"], lowered["credits_applied"]) == ("partially_paid", 90, 60)
    assert (lowered["payment_made"], lowered["last_payment_date"]) == (0, "")
    partly = await sandbox.read(note)
    assert (partly["status"], partly["balance"], partly["total_credits_used"]) == ("open", 40, 60)
    assert partly["last_modified_time"] > note["last_modified_time"]
    contact = await sandbox.contact(customer_id)
    assert (contact["outstanding_receivable_amount"], contact["unused_credits_receivable_amount"]) == (90, 40)
    await sandbox.ask("POST", f"{path_of(note)}/invoices", part(invoice, "40"))
    assert ((await sandbox.read(note))["status"], (await sandbox.read(note))["balance"]) == ("closed", 0)
    await sandbox.pay(invoice, "50")
    assert (await sandbox.read(invoice))["status"] == "paid"


async def test_one_credit_note_is_shared_out_all_or_nothing(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    first, second = [await sandbox.invoice(customer_id, "80", sent=True) for _ in range(2)]
    note = await credit(sandbox, customer_id)
    both = {"invoices": part(first, "60")["invoices"] + part(second, "50")["invoices"]}
    assert await sandbox.refusal("POST", f"{path_of(note)}/invoices", both) == (400, 24016)
    assert ((await sandbox.read(note))["balance"], (await sandbox.read(first))["balance"]) == (100, 80)
    both["invoices"][1]["amount_applied"] = "40"
    await sandbox.ask("POST", f"{path_of(note)}/invoices", both)
    assert [(await sandbox.read(invoice))["balance"] for invoice in (first, second)] == [20, 40]


async def test_the_invoice_can_ask_for_credit_as_well(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id, "100", sent=True)
    note = await credit(sandbox, customer_id, "30")
    path = f"/invoices/{invoice['invoice_id']}"
    wanted = {"creditnote_id": note["creditnote_id"], "amount_applied": "30.01"}
    assert await sandbox.refusal("POST", f"{path}/credits", {"apply_creditnotes": [wanted]}) == (400, 24016)
    await sandbox.ask("POST", f"{path}/credits", {"apply_creditnotes": [{**wanted, "amount_applied": 30}]})
    [applied] = (await sandbox.ask("GET", f"{path}/creditsapplied"))["credits"]
    assert (applied["creditnotes_number"], applied["amount_applied"]) == ("CN-000001", 30)
    [credited] = (await sandbox.ask("GET", f"{path_of(note)}/invoices"))["invoices_credited"]
    assert (credited["invoice_number"], credited["credited_amount"]) == (invoice["invoice_number"], 30)
    assert credited["creditnote_invoice_id"] == applied["creditnotes_invoice_id"]
    await sandbox.ask("DELETE", f"{path}/creditsapplied/{applied['creditnotes_invoice_id']}")
    assert ((await sandbox.read(invoice))["balance"], (await sandbox.read(note))["balance"]) == (100, 30)


async def test_credit_taken_back_from_an_invoice_is_unused_again(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id, "100", sent=True)
    note = await credit(sandbox, customer_id)
    await sandbox.ask("POST", f"{path_of(note)}/invoices", part(invoice, "100"))
    [credited] = (await sandbox.read(note))["invoices_credited"]
    path = f"{path_of(note)}/invoices/{credited['creditnote_invoice_id']}"
    await sandbox.ask("DELETE", path)
    assert await sandbox.refusal("DELETE", path) == (404, 1002)
    assert ((await sandbox.read(note))["status"], (await sandbox.read(invoice))["status"]) == ("open", "sent")


async def test_credit_cannot_go_where_it_has_no_place(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    note, open_invoice = await credit(sandbox, customer_id), await sandbox.invoice(customer_id, "500", sent=True)
    draft, paid, void = [await sandbox.invoice(customer_id, sent=sent) for sent in (False, True, True)]
    await sandbox.pay(paid, "100")
    await sandbox.ask("POST", f"/invoices/{void['invoice_id']}/status/void")
    theirs = await sandbox.invoice(await sandbox.customer("Other"), sent=True)
    path = f"{path_of(note)}/invoices"
    for invoice, expected in (
        (draft, (400, 12005)),
        (paid, (400, 12006)),
        (void, (400, 12007)),
        (theirs, (404, 1002)),
    ):
        assert await sandbox.refusal("POST", path, part(invoice, "1")) == expected
    for amount in ("0", "-1", "1.005"):
        assert await sandbox.refusal("POST", path, part(open_invoice, amount)) == (400, 2)
    assert await sandbox.refusal("POST", path, part(open_invoice, "100.01")) == (400, 24016)
    assert await sandbox.refusal("POST", path, {}) == (400, 2)
    assert (await sandbox.read(note))["balance"] == 100


async def test_a_closed_void_or_draft_credit_note_gives_nothing(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id, "500", sent=True)
    closed, void = await credit(sandbox, customer_id), await credit(sandbox, customer_id)
    draft = await credit(sandbox, customer_id, is_draft=True)
    await sandbox.ask("POST", f"{path_of(closed)}/invoices", part(invoice, "100"))
    await sandbox.ask("POST", f"{path_of(void)}/status/void")
    for note, code in ((closed, 12003), (void, 12004)):
        assert await sandbox.refusal("POST", f"{path_of(note)}/invoices", part(invoice, "1")) == (400, code)
        wanted = {"apply_creditnotes": [{"creditnote_id": note["creditnote_id"], "amount_applied": 1}]}
        assert await sandbox.refusal("POST", f"/invoices/{invoice['invoice_id']}/credits", wanted) == (400, code)
    assert (await sandbox.refusal("POST", f"{path_of(draft)}/invoices", part(invoice, "1")))[0] == 400
    for note in (void, draft):
        assert (await sandbox.refusal("POST", f"{path_of(note)}/refunds", {"amount": 1}))[0] == 400


async def test_an_invoice_with_credit_cannot_be_deleted_and_a_void_one_gives_it_back(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id, "200", sent=True)
    note = await credit(sandbox, customer_id)
    await sandbox.ask("POST", f"{path_of(note)}/invoices", part(invoice, "100"))
    path = f"/invoices/{invoice['invoice_id']}"
    assert await sandbox.refusal("DELETE", path) == (400, 12008)
    other = {"customer_id": await sandbox.customer("Other"), "reason": "wrong one"}
    assert await sandbox.refusal("PUT", path, other) == (400, 3009)
    await sandbox.ask("POST", f"{path}/status/void")
    assert ((await sandbox.read(note))["status"], await unused(sandbox, customer_id)) == ("open", 100)
    await sandbox.ask("DELETE", path)


async def test_a_refund_lowers_the_balance_and_closes_the_note_at_nought(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    note = await credit(sandbox, customer_id)
    path = f"{path_of(note)}/refunds"
    body = {"amount": "99.99", "date": "2026-10-08", "refund_mode": "check", "reference_number": "R-1",
            "description": "by post", "from_account_id": CHECKING}  # fmt: skip
    response = await sandbox.send("POST", path, body)
    refund = exact(response)["creditnote_refund"]
    assert response.status_code == 200
    shown = body.keys() - {"from_account_id"}
    assert {name: refund[name] for name in shown} == {
        name: ({**body, "amount": Decimal("99.99")})[name] for name in shown
    }
    assert refund["creditnote_id"] == note["creditnote_id"]
    partly = await sandbox.read(note)
    assert (partly["status"], partly["balance"], partly["total_refunded_amount"]) == (
        "open",
        Decimal("0.01"),
        Decimal("99.99"),
    )
    assert await unused(sandbox, customer_id) == Decimal("0.01")
    assert (await sandbox.refusal("POST", path, {"amount": "0.02"}))[0] == 400
    await sandbox.ask("POST", path, {"amount": "0.01"})
    assert ((await sandbox.read(note))["status"], await unused(sandbox, customer_id)) == ("closed", 0)


async def test_a_refund_can_be_read_changed_and_taken_back(sandbox: Sandbox) -> None:
    note = await credit(sandbox, await sandbox.customer())
    path = f"{path_of(note)}/refunds"
    made = (await sandbox.ask("POST", path, {"amount": 60}))["creditnote_refund"]
    assert (made["date"], made["refund_mode"]) == ("2026-10-09", "cash")
    one = f"{path}/{made['creditnote_refund_id']}"
    assert (await sandbox.ask("GET", one))["creditnote_refund"] == made
    for each in (path, "/creditnotes/refunds"):
        [row] = (await sandbox.ask("GET", each))["creditnote_refunds"]
        assert (row["creditnote_refund_id"], row["creditnote_number"]) == (made["creditnote_refund_id"], "CN-000001")
    assert (await sandbox.refusal("PUT", one, {"amount": "100.01"}))[0] == 400
    changed = (await sandbox.ask("PUT", one, {"amount": 100, "description": "all of it"}))["creditnote_refund"]
    assert (changed["amount"], changed["description"], changed["date"]) == (100, "all of it", "2026-10-09")
    assert (await sandbox.read(note))["status"] == "closed"
    await sandbox.ask("DELETE", one)
    assert ((await sandbox.read(note))["status"], (await sandbox.read(note))["balance"]) == ("open", 100)
    assert await sandbox.refusal("GET", one) == (404, 1002)


@pytest.mark.parametrize(
    ("changed", "product", "expected"),
    [
        ({"amount": None}, "invoice", (400, 2)),
        ({"amount": 0}, "invoice", (400, 2)),
        ({"amount": "1.005"}, "invoice", (400, 2)),
        ({"date": "now"}, "invoice", (400, 2)),
        ({"from_account_id": NO_SUCH_ID}, "invoice", (400, 2)),
        ({"reference_number": "x" * 101}, "invoice", (400, 15)),
        ({"from_account_id": ""}, "books", (400, 2)),
    ],
)
async def test_a_wrong_refund_is_refused(
    sandbox: Sandbox, changed: Json, product: str, expected: tuple[int, int]
) -> None:
    note = await credit(sandbox, await sandbox.customer())
    path = f"/{product}/v3{path_of(note)}/refunds"
    body = {"amount": 10, "from_account_id": CHECKING}
    assert await sandbox.refusal("POST", path, {**body, **changed}) == expected
    assert (await sandbox.ask("POST", path, body))["creditnote_refund"]["amount"] == 10


async def test_what_is_spent_can_be_neither_voided_nor_deleted_nor_lowered(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id, sent=True)
    applied, refunded = await credit(sandbox, customer_id), await credit(sandbox, customer_id)
    await sandbox.ask("POST", f"{path_of(applied)}/invoices", part(invoice, "40"))
    await sandbox.ask("POST", f"{path_of(refunded)}/refunds", {"amount": 40})
    other = await sandbox.customer("Other")
    for note in (applied, refunded):
        assert (await sandbox.refusal("POST", f"{path_of(note)}/status/void"))[0] == 400
        assert (await sandbox.refusal("DELETE", path_of(note)))[0] == 400
        assert (await sandbox.refusal("PUT", path_of(note), {"line_items": [{"name": "x", "rate": "39.99"}]}))[0] == 400
        assert (await sandbox.refusal("PUT", path_of(note), {"customer_id": other}))[0] == 400
        changed = await sandbox.ask("PUT", path_of(note), {"line_items": [{"name": "x", "rate": 40}]})
        assert (changed["creditnote"]["status"], changed["creditnote"]["balance"]) == ("closed", 0)


async def test_a_void_credit_note_is_no_credit_and_can_become_a_draft(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    note = await credit(sandbox, customer_id)
    for _ in range(2):
        await sandbox.ask("POST", f"{path_of(note)}/status/void")
    assert ((await sandbox.read(note))["status"], await unused(sandbox, customer_id)) == ("void", 0)
    assert (await sandbox.refusal("PUT", path_of(note), {"notes": "x"}))[0] == 400
    assert (await sandbox.refusal("POST", f"{path_of(note)}/status/open"))[0] == 400
    await sandbox.ask("POST", f"{path_of(note)}/status/draft")
    await sandbox.ask("POST", f"{path_of(note)}/status/open")
    assert await unused(sandbox, customer_id) == 100
    await sandbox.ask("DELETE", path_of(note))
    assert await sandbox.refusal("GET", path_of(note)) == (404, 1002)
    assert await unused(sandbox, customer_id) == 0


async def test_a_mail_goes_to_the_outbox(sandbox: Sandbox) -> None:
    note = await credit(sandbox, await sandbox.customer(), is_draft=True)
    path = f"{path_of(note)}/email"
    assert (await sandbox.ask("GET", path))["data"]["subject"] == "Credit Note - CN-000001 from Studio Linden"
    assert await sandbox.refusal("POST", path, {}) == (400, 2)
    await sandbox.ask("POST", path, {"to_mail_ids": ["ann@acme.example"]})
    [mail] = sandbox.store.outbox()
    assert mail["record_id"] == note["creditnote_id"]
    sent = await sandbox.read(note)
    assert (sent["status"], sent["is_emailed"]) == ("open", True)


async def test_unused_credit_is_shown_in_both_currencies(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer(currency_id=EURO)
    note = await credit(sandbox, customer_id, "200")
    await sandbox.ask("POST", f"{path_of(note)}/refunds", {"amount": 50})
    [refund] = (await sandbox.ask("GET", f"{path_of(note)}/refunds"))["creditnote_refunds"]
    # a euro is 1.10 dollars
    assert (refund["amount_fcy"], refund["amount_bcy"]) == (50, 55)
    contact = await sandbox.contact(customer_id)
    assert contact["unused_credits_receivable_amount"] == 150
    assert contact["unused_credits_receivable_amount_bcy"] == 165


async def test_lists_filter_search_and_sort(sandbox: Sandbox) -> None:
    acme = await sandbox.customer()
    small = await credit(sandbox, acme, "10", date="2026-09-01", reference_number="Spring")
    large = await credit(sandbox, await sandbox.customer("Other"), "900", is_draft=True)
    await sandbox.ask("POST", f"{path_of(small)}/refunds", {"amount": 10})

    async def found(**query: str) -> list[str]:
        return [row["creditnote_id"] for row in (await sandbox.ask("GET", "/creditnotes", **query))["creditnotes"]]

    assert await found(sort_column="balance") == [small["creditnote_id"], large["creditnote_id"]]
    for query in (
        {"status": "closed"},
        {"filter_by": "Status.Closed"},
        {"customer_id": acme},
        {"customer_name": "Acme"},
        {"date_before": "2026-10-01"},
        {"total": "10"},
        {"reference_number": "spring"},
        {"search_text": "CN-000001"},
    ):
        assert await found(**query) == [small["creditnote_id"]], query
    assert await found(status="draft") == [large["creditnote_id"]]
    assert await sandbox.refusal("GET", "/creditnotes", filter_by="Status.Sent") == (400, 2)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("creditnotes.READ", "GET", "/creditnotes"),
        ("creditnotes.CREATE", "POST", f"/creditnotes/{NO_SUCH_ID}/status/void"),
        ("creditnotes.CREATE", "POST", f"/creditnotes/{NO_SUCH_ID}/email"),
        ("creditnotes.CREATE", "POST", f"/creditnotes/{NO_SUCH_ID}/refunds"),
        ("creditnotes.CREATE", "POST", f"/creditnotes/{NO_SUCH_ID}/invoices"),
        ("creditnotes.UPDATE", "PUT", f"/creditnotes/{NO_SUCH_ID}/refunds/{NO_SUCH_ID}"),
        ("creditnotes.DELETE", "DELETE", f"/creditnotes/{NO_SUCH_ID}"),
    ],
)
async def test_each_call_needs_its_own_scope(sandbox: Sandbox, scope: str, method: str, path: str) -> None:
    async def code(*scopes: str) -> int:
        headers = {"Authorization": f"Zoho-oauthtoken {await sandbox.token(*scopes)}"}
        return exact(await sandbox.send(method, path, {}, headers=headers))["code"]

    assert await code(f"ZohoInvoice.{scope}") != 57
    assert await code("ZohoInvoice.invoices.ALL", f"ZohoBooks.{scope}") == 57


async def test_the_void_of_the_older_reference_is_not_there(sandbox: Sandbox) -> None:
    note = await credit(sandbox, await sandbox.customer())
    assert await sandbox.refusal("POST", f"{path_of(note)}/void") == (404, 5)


async def test_the_studio_has_credit_notes_in_every_status() -> None:
    with Sandbox(demo=True) as studio:
        rows = (await studio.ask("GET", "/creditnotes"))["creditnotes"]
        assert {row["status"] for row in rows} == {"open", "closed", "void", "draft"}
        notes = [await studio.read(row) for row in rows]
        spent = {(note["total"], note["total_refunded_amount"], note["total_credits_used"]) for note in notes
                 if note["status"] == "closed"}  # fmt: skip
        # a month of care paid back, two posters of 18.50 with 8.875 % taken off an invoice
        assert spent == {
            (Decimal("450.00"), Decimal("450.00"), Decimal("450.00")),
            (Decimal("40.28"), 0, Decimal("40.28")),
        }
        for note in notes:
            assert note["balance"] == note["total"] - note["total_credits_used"]
        assert sum(row["balance"] for row in rows if row["status"] == "open") == Decimal("320.00")
