"""The contact persons, stored inside the contact's record; exactly one of them is primary."""

from zoho_mcp.sandbox.kinds.contacts.records import find
from zoho_mcp.sandbox.listing import Listing, respond
from zoho_mcp.sandbox.times import in_words, touch
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import flag, records, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done

TEXTS = {
    "salutation": 25, "first_name": 100, "last_name": 100, "email": 100, "phone": 50, "mobile": 50,
    "designation": 100, "department": 50, "skype": 50,
}  # fmt: skip


LISTING = Listing(
    key="contact_persons",
    report_name="Contact Persons",
    sortable=("contact_person_id", "first_name", "last_name", "email"),
    default_sort="contact_person_id",
)


def primary_of(contact: Record) -> Record | None:
    """The primary contact person, None when the contact has no people."""
    people: list[Record] = contact["contact_persons"]
    return next((person for person in people if person["is_primary_contact"]), people[0] if people else None)


def persons_from(request: Request, was: list[Record]) -> list[Record]:
    """The contact persons in a contact's body: the list replaces the old one (unverified), known ids stay."""
    sent = records(request.body, "contact_persons")
    if sent is None:
        return was
    known = {person["contact_person_id"]: person for person in was}
    return _one_primary([_person(request, part, known.get(text(part, "contact_person_id"))) for part in sent])


def list_all(request: Request) -> Reply:
    """GET /contacts/contactpersons: of every contact. created_time is a date in words."""
    rows = [
        {
            **person,
            **{name: contact[name] for name in ("contact_id", "contact_name", "currency_code")},
            "created_time": in_words(person.get("created_time", contact["created_time"])),
        }
        for contact in request.books.all("contact")
        for person in contact["contact_persons"]
    ]
    return respond(request, LISTING, rows)


def list_persons(request: Request) -> Reply:
    """GET /contacts/{contact_id}/contactpersons."""
    return respond(request, LISTING, find(request.books, request.path["contact_id"])["contact_persons"])


def get_person(request: Request) -> Reply:
    """GET /contacts/{contact_id}/contactpersons/{contact_person_id}."""
    contact = find(request.books, request.path["contact_id"])
    return done(contact_person=_saved(contact, _pick(contact, request.path["contact_person_id"])))


def create_person(request: Request) -> Reply:
    """POST /contacts/contactpersons. The person becomes primary only if there is no other."""
    contact = find(request.books, text(request.body, "contact_id"))
    person = _person(request, request.body, None)
    person["is_primary_contact"] = False
    contact["contact_persons"] = _one_primary([*contact["contact_persons"], person])
    _save(request, contact)
    where = f"/contacts/{contact['contact_id']}/contactpersons/{person['contact_person_id']}"
    return created("Contact person's information has been saved.", where, contact_person=_saved(contact, person))


def update_person(request: Request) -> Reply:
    """PUT /contacts/contactpersons/{contact_person_id}."""
    contact, was = _owner(request)
    person = _person(request, request.body, was)
    people = [person if other is was else other for other in contact["contact_persons"]]
    contact["contact_persons"] = _one_primary(people, person)
    _save(request, contact)
    return done("Contact person's information has been saved.", contact_person=_saved(contact, person))


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
    person["created_time"] = before.get("created_time", request.stamp)
    return person | {"updated_time": request.stamp}


def _saved(contact: Record, person: Record) -> Record:
    return {**person, "contact_id": contact["contact_id"]}


def _one_primary(people: list[Record], latest: Record | None = None) -> list[Record]:
    marked = [person for person in people if person["is_primary_contact"]]
    chosen = latest if latest in marked else (marked or people or [None])[0]
    for person in people:
        person["is_primary_contact"] = person is chosen
    return people


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


PEOPLE, ALL_PEOPLE = "/contacts/{contact_id}/contactpersons", "/contacts/contactpersons"
PERSON = f"{ALL_PEOPLE}/{{contact_person_id}}"
PERSON_ROUTES = [
    Route("GET", ALL_PEOPLE, "contacts.READ", list_all, "contact_persons.list_all"),
    Route("POST", ALL_PEOPLE, "contacts.CREATE", create_person, "contact_persons.saved"),
    Route("PUT", PERSON, "contacts.UPDATE", update_person, "contact_persons.saved"),
    Route("DELETE", PERSON, "contacts.DELETE", delete_person),
    Route("POST", f"{PERSON}/primary", "contacts.CREATE", make_primary),
    Route("GET", PEOPLE, "contacts.READ", list_persons, "contact_persons.list"),
    Route("GET", f"{PEOPLE}/{{contact_person_id}}", "contacts.READ", get_person, "contact_persons.one"),
]
