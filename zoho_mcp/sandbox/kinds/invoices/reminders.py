"""Reminders of invoices, mail to several customers, and write-offs. From Zoho's documentation only."""

from zoho_mcp.sandbox.balances import balance, invoice_status, settled_of
from zoho_mcp.sandbox.kinds.documents import mail
from zoho_mcp.sandbox.kinds.invoices.invoices import INVOICE
from zoho_mcp.sandbox.kinds.invoices.views import UNPAID
from zoho_mcp.sandbox.kinds.record_kind import Router
from zoho_mcp.sandbox.pricing import ZERO
from zoho_mcp.sandbox.wire.errors import refused
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, done

MOST_AT_ONCE = 10
"""Invoices of one call, as Zoho's pages say."""
REMINDERS_SENT = 4083
"""The code inside `info` of the bulk reminder, as Zoho's example has it."""
router = Router(INVOICE)
# Repeating either succeeds too (unverified).
router.change("POST", "/paymentreminder/disable", "Reminders stopped.", reminders_disabled=True)
router.change("POST", "/paymentreminder/enable", "Reminders enabled.", reminders_disabled=False)


@router.on_one("GET", "/paymentreminder", shape="emails.content")
def get_reminder(request: Request, invoice: Record) -> Record:
    """The reminder as it would be sent."""
    _check_payable(request, invoice)
    return {"data": _content(request, invoice)}


@router.on_one("POST", "/paymentreminder", "Your payment reminder has been sent.")
def send_reminder(request: Request, invoice: Record) -> None:
    """Without `to_mail_ids`, the reminder goes to the contact persons (unverified)."""
    _check_payable(request, invoice)
    _send(request, invoice, {"to_mail_ids": mail.addresses(request, invoice), **request.body})


@router.on_all("POST", "/paymentreminder", "reminded")
def send_reminders(request: Request) -> Reply:
    """Reminders of `invoice_ids` to the contact persons of each. The response lists those that cannot be sent."""
    sent, failed = 0, dict[str, list[str]]()
    for invoice_id in request.ids("invoice_ids", MOST_AT_ONCE):
        invoice = INVOICE.find(request.books, invoice_id)
        to = mail.addresses(request, invoice)
        problem = _problem(request, invoice) or ("" if to else "No email address is associated with this customer.")
        if problem:
            failed.setdefault(problem, []).append(invoice_id)
            continue
        _send(request, invoice, {"to_mail_ids": to})
        sent += 1
    info: Record = {
        "email_success_info": {"message": "The reminders were successfully sent" if sent else "", "sent_count": sent},
        "email_errors_info": [{"message": message, "ids": ids} for message, ids in failed.items()],
        "code": REMINDERS_SENT,
    }
    return Reply("success", {"info": info}, 201)


@router.on_all("POST", "/email")
def email_invoices(request: Request) -> Reply:
    """Mail `invoice_ids`, with their customers in `contacts`: all or none."""
    invoice_ids = request.ids("invoice_ids", MOST_AT_ONCE)
    for invoice in [INVOICE.find(request.books, invoice_id) for invoice_id in invoice_ids]:
        INVOICE.send_to_customer(request, invoice)
        status = "sent" if invoice["status"] == "draft" else invoice["status"]
        INVOICE.save(request, invoice, status=status, is_emailed=True)
    return done("Your mails are scheduled to be sent in a few minutes. We will notify you once it is done.")


@router.on_one("POST", "/writeoff", "Invoice has been written off")
def write_off(request: Request, invoice: Record) -> None:
    """The balance is given up. Which statuses are refused is unverified."""
    left = balance(invoice, settled_of(request.books, invoice))
    if invoice["status"] in ("draft", "void") or left <= 0:
        raise refused("Only invoices with a balance can be written off.")
    INVOICE.save(request, invoice, write_off_amount=invoice.get("write_off_amount", ZERO) + left)


@router.on_one("POST", "/writeoff/cancel", "The write off done for this invoice has been cancelled.")
def cancel_write_off(request: Request, invoice: Record) -> None:
    """The balance is owed again."""
    if not invoice.get("write_off_amount", ZERO):
        raise refused("This invoice has not been written off.")
    INVOICE.save(request, invoice, write_off_amount=invoice["total"] * 0)


def _problem(request: Request, invoice: Record) -> str:
    status = invoice_status(invoice, settled_of(request.books, invoice), request.today)
    # That reminders are for unpaid invoices only, and the words, are unverified.
    return "" if status in UNPAID else f"Reminders cannot be sent for invoices in the {status} status."


def _check_payable(request: Request, invoice: Record) -> None:
    if problem := _problem(request, invoice):
        raise refused(problem)


def _content(request: Request, invoice: Record) -> Record:
    left = balance(invoice, settled_of(request.books, invoice))
    plain = INVOICE.mail_content(request, invoice)
    return plain | {
        "subject": f"Payment of {left} is outstanding for {invoice['invoice_number']}",
        "body": f"Dear {plain['customer_name']}, invoice {invoice['invoice_number']} was due on {invoice['due_date']}; "
        f"{invoice['currency_code']} {left} is outstanding.",
    }


def _send(request: Request, invoice: Record, body: Record) -> None:
    mail.send(request, "invoice", invoice["invoice_id"], body, _content(request, invoice))
    sent = invoice.get("reminders_sent", 0) + 1
    INVOICE.save(request, invoice, reminders_sent=sent, last_reminder_sent_date=request.today)
