"""The people of a contact, kept inside its record; exactly one of them is the primary one."""

from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import flag, records, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done

TEXTS = {
    "salutation": 25, "first_name": 100, "last_name": 100, "email": 100, "phone": 50, "mobile": 50,
    "designation": 100, "department": 50, "skype": 50,
}  # fmt: skip


def primary_of(contact: Record) -> Record | None:
    """The primary contact person, None when the contact has no people."""
    people: list[Record] = contact["contact_persons"]
    return next((person for person in people if person["is_primary_contact"]), people[0] if people else None)


def persons_from(request: Request, was: list[Record]) -> list[Record]:
    """The people that a contact's body asks for: the list replaces the old one (unverified), known ids keep theirs."""
    sent = records(request.body, "contact_persons")
    if sent is None:
        return was
    known = {person["contact_person_id"]: person for person in was}
    return _one_primary([_person(request, part, known.get(text(part, "contact_person_id"))) for part in sent])


def list_persons(request: Request) -> Reply:
    """GET /contacts/{contact_id}/contactpersons."""
    people = _contact(request, request.path["contact_id"])["contact_persons"]
    page = {"page": 1, "per_page": 200, "has_more_page": False, "sort_column": "contact_person_id", "sort_order": "D"}
    return done(contact_persons=people, page_context=page)


def get_person(request: Request) -> Reply:
    """GET /contacts/{contact_id}/contactpersons/{contact_person_id}."""
    contact = _contact(request, request.path["contact_id"])
    return done(
        contact_person={**_pick(contact, request.path["contact_person_id"]), "contact_id": contact["contact_id"]}
    )


def create_person(request: Request) -> Reply:
    """POST /contacts/contactpersons."""
    contact = _contact(request, text(request.body, "contact_id"))
    person = _person(request, request.body, None)
    contact["contact_persons"] = _one_primary([*contact["contact_persons"], person], person)
    _save(request, contact)
    where = f"/contacts/contactpersons/{person['contact_person_id']}"
    return created("The contact person has been Created", where, contact_person=person)


def update_person(request: Request) -> Reply:
    """PUT /contacts/contactpersons/{contact_person_id}."""
    contact, was = _owner(request)
    person = _person(request, request.body, was)
    people = [person if other is was else other for other in contact["contact_persons"]]
    contact["contact_persons"] = _one_primary(people, person)
    _save(request, contact)
    return done("The contact person details has been updated.", contact_person=person)


def delete_person(request: Request) -> Reply:
    """DELETE /contacts/contactpersons/{contact_person_id}."""
    contact, person = _owner(request)
    contact["contact_persons"] = _one_primary([other for other in contact["contact_persons"] if other is not person])
    _save(request, contact)
    return done("The contact person has been deleted.")


def make_primary(request: Request) -> Reply:
    """POST /contacts/contactpersons/{contact_person_id}/primary."""
    contact, person = _owner(request)
    person["is_primary_contact"] = True
    contact["contact_persons"] = _one_primary(contact["contact_persons"], person)
    _save(request, contact)
    return done("This contact person has been marked as your primary contact person.")


def _person(request: Request, sent: Record, was: Record | None) -> Record:
    before = was or {}
    if text(sent, "contact_person_id") and was is None:
        raise does_not_exist("Contact Person")
    person: Record = {"contact_person_id": before.get("contact_person_id") or request.books.new_id()}
    person |= {name: text(sent, name, str(before.get(name, "")), limit) for name, limit in TEXTS.items()}
    if person["email"] and "@" not in person["email"]:
        raise invalid_value("email")
    person["is_primary_contact"] = flag(sent, "is_primary_contact", bool(before.get("is_primary_contact", False)))
    preference = {"is_sms_enabled": False, "is_whatsapp_enabled": False, "is_email_enabled": True}
    return person | {"is_added_in_portal": False, "photo_url": "", "communication_preference": preference}


def _one_primary(people: list[Record], latest: Record | None = None) -> list[Record]:
    marked = [person for person in people if person["is_primary_contact"]]
    chosen = latest if latest in marked else (marked or people or [None])[0]
    for person in people:
        person["is_primary_contact"] = person is chosen
    return people


def _contact(request: Request, contact_id: str) -> Record:
    found = request.books.get("contact", contact_id)
    if found is None:
        raise does_not_exist("Contact")
    return found


def _owner(request: Request) -> tuple[Record, Record]:
    wanted = request.path["contact_person_id"]
    for contact in request.books.all("contact"):
        for person in contact["contact_persons"]:
            if person["contact_person_id"] == wanted:
                return contact, person
    raise does_not_exist("Contact Person")


def _pick(contact: Record, contact_person_id: str) -> Record:
    people: list[Record] = contact["contact_persons"]
    for person in people:
        if person["contact_person_id"] == contact_person_id:
            return person
    raise ZohoError(1002, "Contact Person does not exist", 404)


def _save(request: Request, contact: Record) -> None:
    touch(contact, request.now)
    request.books.put("contact", contact["contact_id"], contact)


PERSON_ROUTES = [
    Route("GET", "/contacts/{contact_id}/contactpersons", "contacts.READ", list_persons),
    Route("GET", "/contacts/{contact_id}/contactpersons/{contact_person_id}", "contacts.READ", get_person),
    Route("POST", "/contacts/contactpersons", "contacts.CREATE", create_person),
    Route("PUT", "/contacts/contactpersons/{contact_person_id}", "contacts.UPDATE", update_person),
    Route("DELETE", "/contacts/contactpersons/{contact_person_id}", "contacts.DELETE", delete_person),
    Route("POST", "/contacts/contactpersons/{contact_person_id}/primary", "contacts.CREATE", make_primary),
]
