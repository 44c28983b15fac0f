"""Mail to a customer, with or without a statement, and the reminders of a customer. From Zoho's documentation only."""

from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.kinds.contacts.parts import primary_of
from zoho_mcp.sandbox.kinds.documents import mail
from zoho_mcp.sandbox.kinds.record_kind import Router
from zoho_mcp.sandbox.wire.errors import invalid_value
from zoho_mcp.sandbox.wire.fields import text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

router = Router(CONTACT)
for word, done, enabled in (("enable", "enabled", True), ("disable", "stopped", False)):
    message = f"All reminders associated with this contact have been {done}."
    router.change("POST", f"/paymentreminder/{word}", message, payment_reminder_enabled=enabled)


@router.on_one("GET", "/statements/email", shape="statement_email")
def get_statement_email(request: Request, contact: Record) -> Record:
    """The mail as it would be sent."""
    primary = primary_of(contact)
    content = {
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
    return {"data": content}


@router.on_one("POST", "/statements/email", "Statement has been sent to the Customer.")
def send_statement(request: Request, contact: Record) -> None:
    """`start_date` and `end_date` in the query bound the statement."""
    _send(request, contact, "statement")


@router.on_one("POST", "/email", "Email has been sent.")
def send_email(request: Request, contact: Record) -> None:
    """A mail without a statement."""
    _send(request, contact, "contact")


def _send(request: Request, contact: Record, kind: str) -> None:
    for name in ("subject", "body"):
        if not text(request.body, name):
            raise invalid_value(name)
    period = {name: request.query.get(name, "") for name in ("start_date", "end_date")}
    mail.send(request, kind, contact["contact_id"], request.body, {}, **period)
