"""The numbers on documents: INV-000001 and so on, from a sequence or given by the caller."""

from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value, number_exists
from zoho_mcp.sandbox.wire.fields import text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

LIMIT = 100


def choose_number(request: Request, kind: str, field: str, prefix: str, what: str) -> str:
    """The number of a new document: the caller's with ignore_auto_number_generation=true, else the next free one."""
    given = text(request.body, field, limit=LIMIT).strip()
    if request.wants("ignore_auto_number_generation"):
        if not given:
            raise invalid_value(field)
        ensure_free(request, kind, given, what)
        return given
    if given:
        # Zoho's users report that auto-numbering refuses a number; the code is unverified.
        raise ZohoError(
            4097, f"{what} number cannot be given while auto-number generation is on. "
            "Pass ignore_auto_number_generation=true to use your own number."
        )  # fmt: skip
    return next_number(request, kind, prefix)


def next_number(request: Request, kind: str, prefix: str) -> str:
    """The next number of the sequence that no document has yet."""
    while True:
        number = f"{prefix}{request.books.next_number(kind):06d}"
        if not request.books.labelled(kind, number):
            return number


def change_number(request: Request, kind: str, field: str, what: str, document: Record) -> None:
    """Set the number that a PUT gives, if it differs."""
    number = text(request.body, field, limit=LIMIT).strip()
    if number and number != document[field]:
        ensure_free(request, kind, number, what, document[f"{kind}_id"])
        document[field] = number


def ensure_free(request: Request, kind: str, number: str, what: str, own_id: str = "") -> None:
    """Raise if a document other than `own_id` has the number."""
    if is_taken(request, kind, number, own_id):
        raise number_exists(what)


def is_taken(request: Request, kind: str, number: str, own_id: str = "") -> bool:
    """Whether a document other than `own_id` has the number."""
    return any(document[f"{kind}_id"] != own_id for document in request.books.labelled(kind, number))
