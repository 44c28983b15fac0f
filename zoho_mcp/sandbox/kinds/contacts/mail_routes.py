"""Mail to a customer, with or without a statement, and the reminders of a customer. From Zoho's documentation only."""

from zoho_mcp.sandbox.kinds.contacts.contact_persons import primary_of
from zoho_mcp.sandbox.kinds.contacts.records import find
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import invalid_value
from zoho_mcp.sandbox.wire.fields import text, texts
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


def get_statement_email(request: Request) -> Reply:
    """GET /contacts/{contact_id}/statements/email: the mail as it would go out."""
    return done(data=_content(request, find(request.books, request.path["contact_id"])))


def send_statement(request: Request) -> Reply:
    """POST /contacts/{contact_id}/statements/email; `start_date` and `end_date` in the query bound the statement."""
    contact = find(request.books, request.path["contact_id"])
    _deliver(request, contact, "statement")
    return done("Statement has been sent to the Customer.")


def send_email(request: Request) -> Reply:
    """POST /contacts/{contact_id}/email."""
    contact = find(request.books, request.path["contact_id"])
    _deliver(request, contact, "contact")
    return done("Email has been sent.")


def enable_reminders(request: Request) -> Reply:
    """POST /contacts/{contact_id}/paymentreminder/enable."""
    _remind(request, enabled=True)
    return done("All reminders associated with this contact have been enabled.")


def disable_reminders(request: Request) -> Reply:
    """POST /contacts/{contact_id}/paymentreminder/disable."""
    _remind(request, enabled=False)
    return done("All reminders associated with this contact have been stopped.")


def _remind(request: Request, *, enabled: bool) -> None:
    contact = find(request.books, request.path["contact_id"])
    contact["payment_reminder_enabled"] = enabled
    touch(contact, request.now)
    request.books.put("contact", contact["contact_id"], contact)


def _content(request: Request, contact: Record) -> Record:
    primary = primary_of(contact)
    return {
        "body": f"Dear {contact['contact_name']}, your statement of account is attached.",
        "subject": f"Statement of transactions with {request.organization['name']}",
        "to_contacts": [
            {name: person.get(name, "") for name in ("first_name", "phone", "email", "contact_person_id", "last_name",
                                                     "salutation", "mobile")} | {"selected": person is primary}
            for person in contact["contact_persons"]
        ],
        "file_name": f"statement_{contact['contact_name'].replace(' ', '')}.pdf",
        "from_emails": [{"user_name": request.organization["contact_name"], "selected": True,
                         "email": request.organization["email"]}],
        "contact_id": contact["contact_id"],
    }  # fmt: skip


def _deliver(request: Request, contact: Record, kind: str) -> None:
    to, cc = texts(request.body, "to_mail_ids") or [], texts(request.body, "cc_mail_ids") or []
    for name in ("subject", "body"):
        if not text(request.body, name):
            raise invalid_value(name)
    if not to or not all("@" in address for address in (*to, *cc)):
        raise invalid_value("to_mail_ids")
    mail_id = request.books.new_id()
    mail: Record = {
        "mail_id": mail_id, "kind": kind, "record_id": contact["contact_id"], "from": request.organization["email"],
        "to": to, "cc": cc, "subject": text(request.body, "subject"), "body": text(request.body, "body"),
        "start_date": request.query.get("start_date", ""), "end_date": request.query.get("end_date", ""),
        "sent_time": request.stamp,
    }  # fmt: skip
    request.books.put("mail", mail_id, mail)


CONTACT = "/contacts/{contact_id}"
MAIL_ROUTES = [
    Route("GET", f"{CONTACT}/statements/email", "contacts.READ", get_statement_email, "contacts.statement_email"),
    Route("POST", f"{CONTACT}/statements/email", "contacts.CREATE", send_statement),
    Route("POST", f"{CONTACT}/email", "contacts.CREATE", send_email),
    Route("POST", f"{CONTACT}/paymentreminder/enable", "contacts.CREATE", enable_reminders),
    Route("POST", f"{CONTACT}/paymentreminder/disable", "contacts.CREATE", disable_reminders),
]
