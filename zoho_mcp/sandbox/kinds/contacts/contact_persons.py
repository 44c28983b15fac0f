"""The routes of contact persons, who are stored inside the contact's record."""

from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.kinds.contacts.parts import person_from, with_one_primary
from zoho_mcp.sandbox.kinds.record_kind import Router
from zoho_mcp.sandbox.listing import Listing, respond
from zoho_mcp.sandbox.times import in_words
from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.fields import text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, created, done

LISTING = Listing(
    key="contact_persons",
    report_name="Contact Persons",
    sortable=("contact_person_id", "first_name", "last_name", "email"),
    default_sort="contact_person_id",
)
SAVED = "Contact person's information has been saved."
router = Router(CONTACT)


@router.on_all("GET", "/contactpersons", "contact_persons.list_all")
def list_all(request: Request) -> Reply:
    """The persons of every contact. created_time is a date in words."""
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


@router.on_one("GET", "/contactpersons", shape="contact_persons.list")
def list_persons(request: Request, contact: Record) -> Reply:
    """The persons of one contact."""
    return respond(request, LISTING, contact["contact_persons"])


@router.on_one("GET", "/contactpersons/{contact_person_id}", shape="contact_persons.one")
def get_person(request: Request, contact: Record) -> Record:
    """One person of one contact."""
    _, person = _named(request, [contact])
    return _shown(contact, person)


@router.on_all("POST", "/contactpersons", "contact_persons.saved")
def create_person(request: Request) -> Reply:
    """The person becomes primary only if there is no other."""
    contact = CONTACT.find(request.books, text(request.body, "contact_id"))
    person = person_from(request, request.body, None)
    person["is_primary_contact"] = False
    CONTACT.save(request, contact, contact_persons=with_one_primary([*contact["contact_persons"], person]))
    where = f"/contacts/{contact['contact_id']}/contactpersons/{person['contact_person_id']}"
    return created(SAVED, where, **_shown(contact, person))


@router.on_all("PUT", "/contactpersons/{contact_person_id}", "contact_persons.saved")
def update_person(request: Request) -> Reply:
    """What is sent changes, the rest stays."""
    contact, was = _named(request, request.books.all("contact"))
    person = person_from(request, request.body, was)
    people = [person if other is was else other for other in contact["contact_persons"]]
    CONTACT.save(request, contact, contact_persons=with_one_primary(people, person))
    return done(SAVED, **_shown(contact, person))


@router.on_all("DELETE", "/contactpersons/{contact_person_id}")
def delete_person(request: Request) -> Reply:
    """Remove the person."""
    contact, person = _named(request, request.books.all("contact"))
    people = [other for other in contact["contact_persons"] if other is not person]
    CONTACT.save(request, contact, contact_persons=with_one_primary(people))
    return done("The contact person has been deleted.")


@router.on_all("POST", "/contactpersons/{contact_person_id}/primary")
def make_primary(request: Request) -> Reply:
    """Make the person the primary one of the contact."""
    contact, person = _named(request, request.books.all("contact"))
    person["is_primary_contact"] = True
    CONTACT.save(request, contact, contact_persons=with_one_primary(contact["contact_persons"], person))
    return done("This contact person has been marked as your primary contact person.")


def _named(request: Request, contacts: list[Record]) -> tuple[Record, Record]:
    """The person that the path names, and the contact that has it."""
    for contact in contacts:
        for person in contact["contact_persons"]:
            if person["contact_person_id"] == request.path["contact_person_id"]:
                return contact, person
    raise does_not_exist("Contact Person")


def _shown(contact: Record, person: Record) -> Record:
    return {"contact_person": {**person, "contact_id": contact["contact_id"]}}
