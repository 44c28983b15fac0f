"""The parts of a contact's record that other records have too: postal addresses and contact persons."""

from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import flag, records, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# The parts of an address, and the texts of a contact person, with their maximum length.
ADDRESS = {
    "attention": 100, "address": 500, "street2": 255, "city": 100, "state_code": 100, "state": 100, "zip": 50,
    "country": 100, "country_code": 100, "phone": 50, "fax": 50,
}  # fmt: skip
PERSON = {
    "salutation": 25, "first_name": 100, "last_name": 100, "email": 100, "phone": 50, "mobile": 50,
    "designation": 100, "department": 50, "skype": 50,
}  # fmt: skip


def address_from(request: Request, was: Record, sent: Record) -> Record:
    """The address after a write: what was sent changes, the rest stays."""
    address_id = {"address_id": was.get("address_id") or request.books.new_id()}
    return address_id | {name: text(sent, name, str(was.get(name, "")), limit) for name, limit in ADDRESS.items()}


def primary_of(contact: Record) -> Record | None:
    """The primary contact person, None when the contact has no people."""
    people: list[Record] = contact["contact_persons"]
    return next((person for person in people if person["is_primary_contact"]), people[0] if people else None)


def person_from(request: Request, sent: Record, was: Record | None) -> Record:
    """The contact person after a write: what was sent changes, the rest stays."""
    before = was or {}
    if text(sent, "contact_person_id") and was is None:
        raise does_not_exist("Contact Person")
    person: Record = {"contact_person_id": before.get("contact_person_id") or request.books.new_id()}
    person |= {name: text(sent, name, str(before.get(name, "")), limit) for name, limit in PERSON.items()}
    if person["email"] and "@" not in person["email"]:
        raise invalid_value("email")
    person["is_primary_contact"] = flag(sent, "is_primary_contact", bool(before.get("is_primary_contact", False)))
    person["created_time"] = before.get("created_time", request.stamp)
    return person | {"updated_time": request.stamp}


def persons_from(request: Request, was: list[Record]) -> list[Record]:
    """The contact persons in a contact's body: the list replaces the old one (unverified), persons named by id stay."""
    sent = records(request.body, "contact_persons")
    if sent is None:
        return was
    before = {person["contact_person_id"]: person for person in was}
    return with_one_primary([person_from(request, part, before.get(text(part, "contact_person_id"))) for part in sent])


def with_one_primary(people: list[Record], latest: Record | None = None) -> list[Record]:
    """These people with exactly one primary person: the latest if it is marked, else the first marked one."""
    marked = [person for person in people if person["is_primary_contact"]]
    chosen = latest if latest in marked else (marked or people or [None])[0]
    for person in people:
        person["is_primary_contact"] = person is chosen
    return people
