"""Invoices: what they take, their money on the wire, their statuses, their mail, their PDF."""

import re
from decimal import Decimal

import pytest
from sandbox_support import NO_SUCH_ID, REDUCED_TAX, SALES_TAX, Json, Sandbox, exact

pytestmark = pytest.mark.anyio


async def test_an_invoice_needs_a_customer_and_a_line_and_the_rest_has_defaults(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer(payment_terms=15)
    body = {"customer_id": customer_id, "line_items": [{"name": "Work", "rate": 99.95, "quantity": 3}]}
    answer = await sandbox.ask("POST", "/invoices", body)
    assert answer["message"] == "The invoice has been created."
    invoice = answer["invoice"]
    assert (invoice["invoice_number"], invoice["status"]) == ("INV-000001", "draft")
    assert (invoice["date"], invoice["due_date"]) == ("2026-10-09", "2026-10-24")
    assert (invoice["payment_terms"], invoice["payment_terms_label"]) == (15, "Net 15")
    assert (invoice["sub_total"], invoice["tax_total"], invoice["total"]) == (Decimal("299.85"), 0, Decimal("299.85"))
    assert (invoice["balance"], invoice["payment_made"], invoice["credits_applied"]) == (Decimal("299.85"), 0, 0)
    assert invoice["line_items"][0]["line_item_id"].isdigit()
    assert len(invoice["contact_persons"]) == 1
    assert None not in invoice.values()


async def test_numbers_on_the_wire_keep_their_digits(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    body = {"customer_id": customer_id, "line_items": [{"name": "Work", "rate": 0.1, "quantity": 3}]}
    response = await sandbox.send("POST", "/invoices", body)
    assert '"total":0.30' in response.text
    assert '"rate":0.1,' in response.text


async def test_an_item_brings_its_name_rate_and_tax_which_the_line_may_change(sandbox: Sandbox) -> None:
    item = {"name": "Poster", "rate": "18.50", "tax_id": SALES_TAX, "unit": "piece", "description": "A2"}
    item_id = (await sandbox.ask("POST", "/items", item))["item"]["item_id"]
    lines = [{"item_id": item_id, "quantity": 2}, {"item_id": item_id, "rate": 10, "name": "Small", "tax_id": ""}]
    body = {"customer_id": await sandbox.customer(), "line_items": lines}
    first, second = (await sandbox.ask("POST", "/invoices", body))["invoice"]["line_items"]
    assert (first["name"], first["rate"], first["unit"]) == ("Poster", Decimal("18.50"), "piece")
    assert first["item_total"] == 37
    assert (first["tax_name"], first["tax_percentage"]) == ("Sales Tax", Decimal("8.875"))
    assert (second["name"], second["rate"], second["tax_id"], second["quantity"]) == ("Small", 10, "", 1)


async def test_discount_tax_shipping_and_adjustment_add_up(sandbox: Sandbox) -> None:
    lines = [
        {"name": "Prints", "rate": "19.99", "quantity": 3, "tax_id": SALES_TAX},
        {"name": "Booklets", "rate": "10.05", "quantity": 2, "tax_id": REDUCED_TAX},
    ]
    extras = {"discount": "10%", "shipping_charge": "12.50", "adjustment": -0.07, "adjustment_description": "Rounding"}
    body = {"customer_id": await sandbox.customer(), "line_items": lines, **extras}
    invoice = (await sandbox.ask("POST", "/invoices", body))["invoice"]
    assert invoice["sub_total"] == Decimal("80.07")
    assert (invoice["discount"], invoice["discount_percent"], invoice["discount_total"]) == ("10%", 10, Decimal("8.01"))
    assert [(tax["tax_name"], tax["tax_amount"]) for tax in invoice["taxes"]] == [
        ("Sales Tax (8.875%)", Decimal("4.79")),
        ("Reduced Tax (4%)", Decimal("0.72")),
    ]
    assert (invoice["tax_total"], invoice["total"]) == (Decimal("5.51"), Decimal("90.00"))
    moved = await sandbox.ask(
        "PUT", f"/invoices/{invoice['invoice_id']}", {"discount": 20, "is_discount_before_tax": False}
    )
    assert (moved["invoice"]["tax_total"], moved["invoice"]["total"]) == (Decimal("6.12"), Decimal("78.62"))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"customer_id": ""}, (400, 2)),
        ({"customer_id": NO_SUCH_ID}, (404, 1002)),
        ({"line_items": []}, (400, 2)),
        ({"line_items": [{"rate": 5}]}, (400, 2)),
        ({"line_items": [{"item_id": NO_SUCH_ID}]}, (400, 2007)),
        ({"line_items": [{"name": "x", "tax_id": NO_SUCH_ID}]}, (400, 2)),
        ({"line_items": [{"name": "x", "line_item_id": NO_SUCH_ID}]}, (400, 2)),
        ({"line_items": [{"name": "x", "rate": "1e400"}]}, (400, 2)),
        ({"date": "09.10.2026"}, (400, 2)),
        ({"due_date": "2026-10-08"}, (400, 2)),
        ({"payment_terms": "Net 15"}, (400, 2)),
        ({"payment_terms": 10**8}, (400, 2)),
        ({"date": "2026-W41-5"}, (400, 2)),
        ({"customer_id": "\ud800"}, (400, 4)),
        ({"discount": "110%"}, (400, 2)),
        ({"discount": 101}, (400, 2)),
        ({"discount_type": "both"}, (400, 2)),
        ({"is_inclusive_tax": "perhaps"}, (400, 2)),
        ({"reference_number": "x" * 101}, (400, 15)),
        ({"contact_persons": [NO_SUCH_ID]}, (404, 1002)),
        ({"template_id": NO_SUCH_ID}, (400, 2)),
    ],
)
async def test_a_wrong_invoice_is_refused_and_uses_up_no_number(
    sandbox: Sandbox, changed: Json, expected: tuple[int, int]
) -> None:
    body = {"customer_id": await sandbox.customer(), "line_items": [{"name": "Work", "rate": 100}], **changed}
    assert await sandbox.refusal("POST", "/invoices", body) == expected
    good = await sandbox.invoice(await sandbox.customer("Other"))
    assert good["invoice_number"] == "INV-000001"


async def test_an_own_number_needs_auto_numbering_switched_off_and_is_used_once(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    body = {"customer_id": customer_id, "line_items": [{"name": "Work"}], "invoice_number": "INV-000002"}
    assert (await sandbox.refusal("POST", "/invoices", body))[0] == 400
    own = await sandbox.ask("POST", "/invoices", body, ignore_auto_number_generation="true")
    assert own["invoice"]["invoice_number"] == "INV-000002"
    assert await sandbox.refusal("POST", "/invoices", body, ignore_auto_number_generation="true") == (400, 1001)
    numbers = [(await sandbox.invoice(customer_id))["invoice_number"] for _ in range(2)]
    assert numbers == ["INV-000001", "INV-000003"]


async def test_new_lines_replace_the_old_ones(sandbox: Sandbox) -> None:
    invoice = await sandbox.invoice(await sandbox.customer(), "100", "50")
    kept = invoice["line_items"][1]["line_item_id"]
    lines = [{"line_item_id": kept, "quantity": 3}, {"name": "New", "rate": 1}]
    changed = (await sandbox.ask("PUT", f"/invoices/{invoice['invoice_id']}", {"line_items": lines}))["invoice"]
    assert [(line["name"], line["item_total"]) for line in changed["line_items"]] == [("Work", 150), ("New", 1)]
    assert changed["line_items"][0]["line_item_id"] == kept
    assert changed["total"] == 151


async def test_a_sent_invoice_needs_a_reason_and_a_void_one_cannot_be_edited(sandbox: Sandbox) -> None:
    invoice = await sandbox.invoice(await sandbox.customer(), sent=True)
    path = f"/invoices/{invoice['invoice_id']}"
    assert (await sandbox.refusal("PUT", path, {"notes": "x"}))[0] == 400
    changed = await sandbox.ask("PUT", path, {"notes": "x", "reason": "typing error"})
    assert changed["message"] == "Invoice information has been updated."
    assert changed["invoice"]["last_modified_time"] > invoice["last_modified_time"]
    await sandbox.ask("POST", f"{path}/status/void")
    assert (await sandbox.refusal("PUT", path, {"notes": "y", "reason": "why not"}))[0] == 400


async def test_the_statuses_follow_dates_and_money(sandbox: Sandbox) -> None:
    draft = await sandbox.invoice(await sandbox.customer(), "100", due_date="2026-10-10")
    invoice_id = draft["invoice_id"]
    sent = await sandbox.ask("POST", f"/invoices/{invoice_id}/status/sent")
    assert sent["message"] == "Invoice status has been changed to Sent."
    assert (await sandbox.read(draft))["status"] == "sent"
    # 23:59 in New York, where it is still today; tomorrow already in UTC
    sandbox.pass_time(hours=11, minutes=59)
    sandbox.log_in_again()
    [row] = (await sandbox.ask("GET", "/invoices"))["invoices"]
    assert row["due_days"] == "Due in 1 day"
    sandbox.pass_time(hours=25)
    sandbox.log_in_again()
    [late] = (await sandbox.ask("GET", "/invoices"))["invoices"]
    assert (late["status"], late["due_days"]) == ("overdue", "Overdue by 1 day")
    await sandbox.ask("POST", f"/invoices/{invoice_id}/status/sent")
    assert (await sandbox.read(draft))["status"] == "overdue"
    await sandbox.pay(draft, "40")
    assert (await sandbox.read(draft))["status"] == "partially_paid"
    await sandbox.pay(draft, "60")
    paid = await sandbox.read(draft)
    assert (paid["status"], paid["balance"], paid["payment_made"]) == ("paid", 0, 100)
    assert paid["last_payment_date"] == "2026-10-11"


async def test_voiding_turns_the_payments_into_credits_and_can_be_repeated(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id, "100", sent=True)
    payment = await sandbox.pay(invoice, "60")
    for _ in range(2):
        answer = await sandbox.ask("POST", f"/invoices/{invoice['invoice_id']}/status/void")
        assert answer["message"] == "Invoice status has been changed to Void."
    void = await sandbox.read(invoice)
    assert (void["status"], void["balance"], void["total"], void["payment_made"]) == ("void", 100, 100, 0)
    assert void["invoice_number"] == invoice["invoice_number"]
    contact = await sandbox.contact(customer_id)
    assert (contact["outstanding_receivable_amount"], contact["unused_credits_receivable_amount"]) == (0, 60)
    loose = (await sandbox.ask("GET", f"/customerpayments/{payment['payment_id']}"))["payment"]
    assert (loose["unused_amount"], loose["invoices"]) == (60, [])
    await sandbox.ask("POST", f"/invoices/{invoice['invoice_id']}/status/sent")
    assert (await sandbox.read(invoice))["status"] == "void"
    await sandbox.ask("POST", f"/invoices/{invoice['invoice_id']}/status/draft")
    assert (await sandbox.read(invoice))["status"] == "draft"


async def test_an_invoice_with_payments_cannot_be_deleted(sandbox: Sandbox) -> None:
    invoice = await sandbox.invoice(await sandbox.customer(), "100", sent=True)
    path = f"/invoices/{invoice['invoice_id']}"
    payment = await sandbox.pay(invoice, "1")
    assert await sandbox.refusal("DELETE", path) == (400, 4001)
    [part] = (await sandbox.ask("GET", f"{path}/payments"))["payments"]
    assert (part["payment_id"], part["amount"]) == (payment["payment_id"], 1)
    await sandbox.ask("DELETE", f"{path}/payments/{part['invoice_payment_id']}")
    assert (await sandbox.ask("DELETE", path))["message"] == "The invoice has been deleted."
    assert await sandbox.refusal("GET", path) == (404, 1002)


async def test_unused_money_can_be_applied_to_an_invoice(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    invoice = await sandbox.invoice(customer_id, "100", sent=True)
    advance = await sandbox.ask("POST", "/customerpayments", {"customer_id": customer_id, "amount": 30})
    part = {"payment_id": advance["payment"]["payment_id"], "amount_applied": 31}
    path = f"/invoices/{invoice['invoice_id']}/credits"
    assert await sandbox.refusal("POST", path, {"invoice_payments": [part]}) == (400, 24016)
    await sandbox.ask("POST", path, {"invoice_payments": [{**part, "amount_applied": 30}]})
    assert (await sandbox.read(invoice))["balance"] == 70


async def test_a_total_cannot_fall_below_what_is_paid(sandbox: Sandbox) -> None:
    invoice = await sandbox.invoice(await sandbox.customer(), "100", sent=True)
    await sandbox.pay(invoice, "60")
    path = f"/invoices/{invoice['invoice_id']}"
    change = {"reason": "less work", "line_items": [{"name": "Work", "rate": 59}]}
    assert (await sandbox.refusal("PUT", path, change))[0] == 400
    other = await sandbox.customer("Other")
    assert await sandbox.refusal("PUT", path, {"reason": "wrong one", "customer_id": other}) == (400, 3010)
    assert (await sandbox.read(invoice))["total"] == 100


async def test_a_mail_goes_to_the_outbox_and_marks_the_invoice_sent(sandbox: Sandbox) -> None:
    invoice = await sandbox.invoice(await sandbox.customer())
    path = f"/invoices/{invoice['invoice_id']}/email"
    draft = (await sandbox.ask("GET", path))["data"]
    assert draft["subject"] == "Invoice - INV-000001 from Studio Linden"
    assert [person["email"] for person in draft["to_contacts"]] == ["ann@acme.example"]
    assert await sandbox.refusal("POST", path, {"subject": "Hello"}) == (400, 2)
    assert await sandbox.refusal("POST", path, {"to_mail_ids": ["nobody"]}) == (400, 2)
    answer = await sandbox.ask("POST", path, {"to_mail_ids": ["ann@acme.example"], "subject": "Hello"})
    assert answer["message"] == "Your invoice has been sent."
    [mail] = sandbox.store.outbox()
    assert (mail["to"], mail["subject"], mail["record_id"]) == (["ann@acme.example"], "Hello", invoice["invoice_id"])
    sent = await sandbox.read(invoice)
    assert (sent["status"], sent["is_emailed"]) == ("sent", True)


async def test_an_invoice_can_be_mailed_as_it_is_made_if_there_is_an_address(sandbox: Sandbox) -> None:
    lines = [{"name": "Work", "rate": 5}]
    body = {"customer_id": await sandbox.customer(), "line_items": lines}
    made = await sandbox.ask("POST", "/invoices", body, send="true")
    assert (made["invoice"]["status"], sandbox.store.outbox()[0]["to"]) == ("sent", ["ann@acme.example"])
    silent = await sandbox.customer("Silent", contact_persons=[])
    refused = {"customer_id": silent, "line_items": lines}
    assert (await sandbox.refusal("POST", "/invoices", refused, send="true"))[0] == 400
    assert len((await sandbox.ask("GET", "/invoices"))["invoices"]) == 1


@pytest.mark.parametrize("way", ["query", "header"])
async def test_the_pdf_has_the_number_the_customer_the_lines_and_the_totals(sandbox: Sandbox, way: str) -> None:
    customer_id = await sandbox.customer("Grünwald (Söhne) 中")
    lines = [{"name": f"Line {n}", "rate": 10, "quantity": 1, "tax_id": REDUCED_TAX} for n in range(60)]
    body = {"customer_id": customer_id, "line_items": lines}
    path = f"/invoices/{(await sandbox.ask('POST', '/invoices', body))['invoice']['invoice_id']}"
    if way == "query":
        response = await sandbox.send("GET", path, accept="pdf")
    else:
        response = await sandbox.send("GET", path, headers={"Accept": "application/pdf"})
    assert response.headers["content-type"] == "application/pdf"
    file = response.content
    assert file.startswith(b"%PDF-1.4")
    assert file.endswith(b"%%EOF\n")
    for words in ("INV-000001", "Gr\xfcnwald \\(S\xf6hne\\) ?", "Line 0", "Line 59", "600.00", "24.00", "624.00"):
        assert words.encode("latin-1") in file
    # Every object is where the table at the end says it is.
    start = int(file.rsplit(b"startxref\n", 1)[1].split()[0])
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", file[start:])]
    assert [file[place:].split(b" ", 1)[0] for place in places] == [str(n).encode() for n in range(1, len(places) + 1)]


async def test_several_invoices_make_one_pdf(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    ids = [(await sandbox.invoice(customer_id))["invoice_id"] for _ in range(2)]
    response = await sandbox.send("GET", "/invoices/pdf", invoice_ids=",".join(ids))
    assert b"/Count 2" in response.content
    assert await sandbox.refusal("GET", "/invoices/pdf") == (400, 2)


async def test_a_list_row_spells_zip_as_zipcode_and_the_detail_does_not(sandbox: Sandbox) -> None:
    await sandbox.invoice(await sandbox.customer(billing_address={"zip": "10013", "city": "New York"}))
    [row] = exact(await sandbox.send("GET", "/invoices"))["invoices"]
    assert row["billing_address"]["zipcode"] == "10013"
    assert "zip" not in row["billing_address"]
    assert (await sandbox.read(row))["billing_address"]["zip"] == "10013"
    assert "line_items" not in row
