"""Mail: nothing leaves the machine. A sent mail is a record of kind "mail", read with store.outbox()."""

from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.kinds.contacts.parts import primary_of
from zoho_mcp.sandbox.wire.errors import invalid_value
from zoho_mcp.sandbox.wire.fields import text, texts
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request


def addresses(request: Request, document: Record) -> list[str]:
    """The e-mail addresses of a document's contact persons, or else that of the customer's primary contact person."""
    contact = CONTACT.find(request.books, document["customer_id"])
    people: list[Record] = contact["contact_persons"]
    chosen = [person for person in people if person["contact_person_id"] in document["contact_persons"]]
    emails = [str(person["email"]) for person in chosen if person["email"]]
    primary = primary_of(contact)
    return emails or ([str(primary["email"])] if primary and primary["email"] else [])


def content(request: Request, document: Record, title: str, number: str) -> Record:
    """What GET .../email shows: the mail as it would be sent, and its possible recipients."""
    contact = CONTACT.find(request.books, document["customer_id"])
    to = addresses(request, document)
    return {
        "subject": f"{title} - {number} from {request.organization['name']}",
        "body": f"Dear {contact['contact_name']}, please find attached {title.lower()} {number}.",
        "customer_id": contact["contact_id"],
        "customer_name": contact["contact_name"],
        "file_name": f"{number}.pdf",
        "from_email": request.organization["email"],
        "from_emails": [{"user_name": request.organization["contact_name"], "email": request.organization["email"],
                         "selected": True, "organization_contact_id": ""}],
        "to_contacts": [
            {name: person[name] for name in ("contact_person_id", "salutation", "first_name", "last_name", "email",
                                             "phone", "mobile")} | {"selected": person["email"] in to}
            for person in contact["contact_persons"]
        ],
        "to_mails_str": ",".join(to),
    }  # fmt: skip


def send(request: Request, kind: str, record_id: str, body: Record, plain: Record, **more: str) -> None:
    """Put the mail that `body` asks for into the outbox; `plain` has the subject and the text where it names none."""
    to, cc = texts(body, "to_mail_ids"), texts(body, "cc_mail_ids") or []
    if not to or not all("@" in address for address in (*to, *cc)):
        raise invalid_value("to_mail_ids")
    mail_id = request.books.new_id()
    content = {name: text(body, name) or plain[name] for name in ("subject", "body")}
    mail = {"mail_id": mail_id, "kind": kind, "record_id": record_id, "from": request.organization["email"], "to": to}
    request.books.put("mail", mail_id, {**mail, "cc": cc, **content, **more, "sent_time": request.stamp})


def send_to_customer(request: Request, kind: str, document: Record, plain: Record) -> None:
    """Send to the document's contact persons. Refused without an address."""
    to = addresses(request, document)
    if not to:
        raise invalid_value("contact_persons")  # the code is unverified
    send(request, kind, document[f"{kind}_id"], {"to_mail_ids": to}, plain)
