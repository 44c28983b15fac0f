"""Getting an invoice paid: reminders, mail to several customers, write-off. From Zoho's documentation only."""

from zoho_mcp.sandbox.balances import balance, invoice_status, settled_of
from zoho_mcp.sandbox.kinds.documents import documents, mail
from zoho_mcp.sandbox.kinds.invoices.views import UNPAID, find
from zoho_mcp.sandbox.ledger import ZERO
from zoho_mcp.sandbox.wire.errors import invalid_value, refused
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

MOST_AT_ONCE = 10
"""Invoices of one call, as Zoho's pages say."""
REMINDERS_SENT = 4083
"""The code inside `info` of the bulk reminder, as Zoho's example has it."""


def get_reminder(request: Request) -> Reply:
    """GET /invoices/{invoice_id}/paymentreminder: the mail as it would go out."""
    invoice = _payable(request, request.path["invoice_id"])
    return done(data=_content(request, invoice))


def send_reminder(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/paymentreminder. Without `to_mail_ids`: to the contact persons (unverified)."""
    invoice = _payable(request, request.path["invoice_id"])
    body = {"to_mail_ids": mail.addresses(request, invoice), **request.body}
    mail.send(request, "invoice", invoice["invoice_id"], body, _content(request, invoice))
    _count(request, invoice)
    return done("Your payment reminder has been sent.")


def send_reminders(request: Request) -> Reply:
    """POST /invoices/paymentreminder?invoice_ids=a,b: to the contact persons of each. What cannot be sent is listed."""
    sent, failed = 0, dict[str, list[str]]()
    for invoice_id in _wanted(request):
        invoice = find(request.books, invoice_id)
        to = mail.addresses(request, invoice)
        problem = _problem(request, invoice) or ("" if to else "No email address is associated with this customer.")
        if problem:
            failed.setdefault(problem, []).append(invoice_id)
            continue
        mail.send(request, "invoice", invoice_id, {"to_mail_ids": to}, _content(request, invoice))
        _count(request, invoice)
        sent += 1
    info: Record = {
        "email_success_info": {"message": "The reminders were successfully sent" if sent else "", "sent_count": sent},
        "email_errors_info": [{"message": message, "ids": ids} for message, ids in failed.items()],
        "code": REMINDERS_SENT,
    }
    return Reply("success", {"info": info}, 201)


def email_invoices(request: Request) -> Reply:
    """POST /invoices/email?invoice_ids=a,b, with the customers in `contacts`: at most ten, all or none."""
    invoices = [find(request.books, invoice_id) for invoice_id in _wanted(request)]
    for invoice in invoices:
        mail.send_to_customer(request, "invoice", invoice, "Invoice", invoice["invoice_number"])
        status = "sent" if invoice["status"] == "draft" else invoice["status"]
        documents.change(request, "invoice", invoice, status=status, is_emailed=True)
    return done("Your mails are scheduled to be sent in a few minutes. We will notify you once it is done.")


def disable_reminders(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/paymentreminder/disable. Once more is success too (unverified)."""
    invoice = find(request.books, request.path["invoice_id"])
    documents.change(request, "invoice", invoice, reminders_disabled=True)
    return done("Reminders stopped.")


def enable_reminders(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/paymentreminder/enable."""
    invoice = find(request.books, request.path["invoice_id"])
    documents.change(request, "invoice", invoice, reminders_disabled=False)
    return done("Reminders enabled.")


def write_off(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/writeoff: the balance is given up. Which statuses are refused is unverified."""
    invoice = find(request.books, request.path["invoice_id"])
    left = balance(invoice, settled_of(request.books, invoice))
    if invoice["status"] in ("draft", "void") or left <= 0:
        raise refused("Only invoices with a balance can be written off.")
    documents.change(request, "invoice", invoice, write_off_amount=invoice.get("write_off_amount", ZERO) + left)
    return done("Invoice has been written off")


def cancel_write_off(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/writeoff/cancel: the balance is owed again."""
    invoice = find(request.books, request.path["invoice_id"])
    if not invoice.get("write_off_amount", ZERO):
        raise refused("This invoice has not been written off.")
    documents.change(request, "invoice", invoice, write_off_amount=invoice["total"] * 0)
    return done("The write off done for this invoice has been cancelled.")


def _problem(request: Request, invoice: Record) -> str:
    status = invoice_status(invoice, settled_of(request.books, invoice), request.today)
    # That only what is owed can be reminded of, and the words, are unverified.
    return "" if status in UNPAID else f"Reminders cannot be sent for invoices in the {status} status."


def _payable(request: Request, invoice_id: str) -> Record:
    invoice = find(request.books, invoice_id)
    if problem := _problem(request, invoice):
        raise refused(problem)
    return invoice


def _content(request: Request, invoice: Record) -> Record:
    left = balance(invoice, settled_of(request.books, invoice))
    plain = mail.content(request, invoice, "Invoice", invoice["invoice_number"])
    return plain | {
        "subject": f"Payment of {left} is outstanding for {invoice['invoice_number']}",
        "body": f"Dear {plain['customer_name']}, invoice {invoice['invoice_number']} was due on {invoice['due_date']}; "
        f"{invoice['currency_code']} {left} is outstanding.",
    }


def _count(request: Request, invoice: Record) -> None:
    sent = invoice.get("reminders_sent", 0) + 1
    documents.change(request, "invoice", invoice, reminders_sent=sent, last_reminder_sent_date=request.today)


def _wanted(request: Request) -> list[str]:
    wanted = [part.strip() for part in request.query.get("invoice_ids", "").split(",") if part.strip()]
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise invalid_value("invoice_ids")  # The code is unverified.
    return wanted


INVOICE = "/invoices/{invoice_id}"
REMINDER_ROUTES = [
    Route("GET", f"{INVOICE}/paymentreminder", "invoices.READ", get_reminder, "emails.content"),
    Route("POST", f"{INVOICE}/paymentreminder", "invoices.CREATE", send_reminder),
    Route("POST", f"{INVOICE}/paymentreminder/disable", "invoices.CREATE", disable_reminders),
    Route("POST", f"{INVOICE}/paymentreminder/enable", "invoices.CREATE", enable_reminders),
    Route("POST", "/invoices/paymentreminder", "invoices.CREATE", send_reminders, "invoices.reminded"),
    Route("POST", "/invoices/email", "invoices.CREATE", email_invoices),
    Route("POST", f"{INVOICE}/writeoff", "invoices.CREATE", write_off),
    Route("POST", f"{INVOICE}/writeoff/cancel", "invoices.CREATE", cancel_write_off),
]
