"""Operations that nobody recorded, over bare HTTP: status, message and keys are those of Zoho's OpenAPI files.

A new tax or currency may show what their lists show.
"""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from sandbox_support import Json, Sandbox

pytestmark = pytest.mark.anyio
DOCUMENTED: dict[str, Json] = json.loads(
    (Path(__file__).parent / "cases" / "documented_answers.json").read_text(encoding="utf-8")
)
INVOICE, NOTE, PAYMENT, CUSTOMER = (
    "/invoices/{invoice}",
    "/creditnotes/{note}",
    "/customerpayments/{payment}",
    "/contacts/{customer}",
)
MAIL = {"to_mail_ids": ["ann@acme.example"], "subject": "S", "body": "B"}
PAID_OUT = {"date": "2026-10-09", "amount": 1, "refund_mode": "cash"}
CREDIT = {"apply_creditnotes": [{"creditnote_id": "{note}", "amount_applied": 1}]}
ADVANCE = {"invoice_payments": [{"payment_id": "{payment}", "amount_applied": 1}]}
IDS = {"invoice_ids": "{invoice}"}
LINK = {
    "transaction_id": "{invoice}", "transaction_type": "invoice", "link_type": "public", "expiry_time": "2026-12-31",
}  # fmt: skip
ON_INVOICE = {"invoices": [{"invoice_id": "{invoice}", "amount_applied": 1}]}
FRANC = {"currency_code": "CHF", "currency_format": "1,234,567.89"}
STEPS: tuple[tuple[str, str, str, Json | None, Json, dict[str, str]], ...] = (
    # what it is about, method, path, body, query, and what to keep of the answer
    ("open_credit_note", "POST", f"{NOTE}/status/open", None, {}, {}),
    ("apply_credit_note", "POST", f"{NOTE}/invoices", ON_INVOICE, {}, {}),
    ("list_credit_note_applications", "GET", f"{NOTE}/invoices", None, {},
     {"part": "invoices_credited.0.creditnote_invoice_id"}),
    ("remove_credit_note_application", "DELETE", f"{NOTE}/invoices/{{part}}", None, {}, {}),
    ("apply_credits_to_invoice", "POST", f"{INVOICE}/credits", CREDIT, {}, {}),
    ("list_invoice_credits", "GET", f"{INVOICE}/creditsapplied", None, {},
     {"part": "credits.0.creditnotes_invoice_id"}),
    ("remove_invoice_credit", "DELETE", f"{INVOICE}/creditsapplied/{{part}}", None, {}, {}),
    ("apply_credits_to_invoice", "POST", f"{INVOICE}/credits", ADVANCE, {},
     {"part": "use_credits.invoice_payments.0.invoice_payment_id"}),
    ("remove_invoice_payment", "DELETE", f"{INVOICE}/payments/{{part}}", None, {}, {}),
    ("", "POST", f"{NOTE}/refunds", PAID_OUT, {}, {"refund": "creditnote_refund.creditnote_refund_id"}),
    ("list_credit_note_refunds", "GET", f"{NOTE}/refunds", None, {}, {}),
    ("get_credit_note_refund", "GET", f"{NOTE}/refunds/{{refund}}", None, {}, {}),
    ("delete_credit_note_refund", "DELETE", f"{NOTE}/refunds/{{refund}}", None, {}, {}),
    ("refund_payment", "POST", f"{PAYMENT}/refunds", PAID_OUT, {}, {"refund": "payment_refunds.0.payment_refund_id"}),
    ("list_payment_refunds", "GET", f"{PAYMENT}/refunds", None, {}, {}),
    ("get_payment_refund", "GET", f"{PAYMENT}/refunds/{{refund}}", None, {}, {}),
    ("delete_payment_refund", "DELETE", f"{PAYMENT}/refunds/{{refund}}", None, {}, {}),
    ("get_payment_reminder", "GET", f"{INVOICE}/paymentreminder", None, {}, {}),
    ("send_payment_reminder", "POST", f"{INVOICE}/paymentreminder", MAIL, {}, {}),
    ("send_payment_reminders", "POST", "/invoices/paymentreminder", None, IDS, {}),
    ("disable_payment_reminders", "POST", f"{INVOICE}/paymentreminder/disable", None, {}, {}),
    ("enable_payment_reminders", "POST", f"{INVOICE}/paymentreminder/enable", None, {}, {}),
    ("get_invoice_email", "GET", f"{INVOICE}/email", None, {}, {}),
    ("email_invoices", "POST", "/invoices/email", None, IDS, {}),
    ("add_invoice_comment", "POST", f"{INVOICE}/comments", {"description": "Called"}, {}, {}),
    ("list_invoice_comments", "GET", f"{INVOICE}/comments", None, {}, {}),
    ("create_payment_link", "GET", "/share/paymentlink", None, LINK, {}),
    ("write_off_invoice", "POST", f"{INVOICE}/writeoff", None, {}, {}),
    ("cancel_invoice_write_off", "POST", f"{INVOICE}/writeoff/cancel", None, {}, {}),
    ("", "POST", f"{INVOICE}/status/void", None, {}, {}),
    ("mark_invoice_draft", "POST", f"{INVOICE}/status/draft", None, {}, {}),
    ("disable_customer_reminders", "POST", f"{CUSTOMER}/paymentreminder/disable", None, {}, {}),
    ("enable_customer_reminders", "POST", f"{CUSTOMER}/paymentreminder/enable", None, {}, {}),
    ("get_statement_email", "GET", f"{CUSTOMER}/statements/email", None, {}, {}),
    ("email_customer_statement", "POST", f"{CUSTOMER}/statements/email", MAIL, {}, {}),
    ("email_customer", "POST", f"{CUSTOMER}/email", MAIL, {}, {}),
    ("add_customer_address", "POST", f"{CUSTOMER}/address", {"city": "Graz"}, {},
     {"address": "address_info.address_id"}),
    ("update_customer_address", "PUT", f"{CUSTOMER}/address/{{address}}", {"city": "Linz"}, {}, {}),
    ("list_customer_addresses", "GET", f"{CUSTOMER}/address", None, {}, {}),
    ("delete_customer_address", "DELETE", f"{CUSTOMER}/address/{{address}}", None, {}, {}),
    ("create_tax", "POST", "/settings/taxes", {"tax_name": "Low", "tax_percentage": 7}, {}, {}),
    ("create_currency", "POST", "/settings/currencies", FRANC, {}, {"currency": "currency.currency_id"}),
    ("list_exchange_rates", "GET", "/settings/currencies/{currency}/exchangerates", None, {}, {}),
    ("list_users", "GET", "/users", None, {}, {}),
)  # fmt: skip
FILES = {"attach_file_to_invoice", "delete_invoice_attachment", "delete_expense_receipt"}
"""Tested with the files themselves."""


def at(answer: Any, path: str) -> str:
    for step in path.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return str(answer)


def filled(value: Json | None, known: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, own_id in known.items():
        text = text.replace(f"{{{name}}}", own_id)
    return json.loads(text)


def first_row(value: Any) -> Json:
    found = cast("list[Json]", value)[0] if isinstance(value, list) else value
    return cast("Json", found)


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_answers_are_as_documented(sandbox: Sandbox, product: str) -> None:
    customer = await sandbox.customer()
    note = {"customer_id": customer, "line_items": [{"name": "Return", "rate": 50}], "is_draft": True}
    made = (await sandbox.ask("POST", "/creditnotes", note))["creditnote"]
    payment = (await sandbox.ask("POST", "/customerpayments", {"customer_id": customer, "amount": 50}))["payment"]
    known = {
        "customer": customer, "note": made["creditnote_id"], "payment": payment["payment_id"],
        "invoice": (await sandbox.invoice(customer, "100", sent=True))["invoice_id"],
    }  # fmt: skip
    differing: list[str] = []
    for name, method, path, body, query, keep in STEPS:
        where = f"/{product}/v3" + path.format(**known)
        if body and "refund_mode" in body and product == "books":
            body = {**body, "from_account_id": "982000000000000313"}
        response = await sandbox.send(method, where, filled(body, known), **filled(query, known))
        answer: Json = response.json()
        assert answer["code"] == 0, (name, answer)
        known |= {key: at(answer, there) for key, there in keep.items()}
        if not name:
            continue
        documented = DOCUMENTED[name]
        if (response.status_code, answer["message"]) != (documented["status"], documented["message"]):
            differing.append(f"{name}: {response.status_code} {answer['message']}")
        for key, keys in documented["keys"].items():
            if key not in answer:
                differing.append(f"{name}: no {key}")
            elif keys and (unknown := first_row(answer[key]).keys() - set(keys)):
                differing.append(f"{name}: {key} has {', '.join(sorted(unknown))} besides")
    assert differing == []


def test_every_documented_operation_is_looked_at() -> None:
    assert {name for name, *_ in STEPS} - {""} == DOCUMENTED.keys() - FILES
