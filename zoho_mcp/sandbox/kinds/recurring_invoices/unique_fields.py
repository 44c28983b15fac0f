"""Custom fields that an organisation defined for a module, and those that must be unique.

A definition is a record of kind "customfield": customfield_id, module, index, label, api_name, data_type, is_unique.
"""

from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import invalid_value, refused
from zoho_mcp.sandbox.wire.json_wire import Record

NAMES = ("customfield_id", "index", "label", "api_name", "data_type")
# The names of the headers in lower case.
KEY, VALUE, UPSERT = "x-unique-identifier-key", "x-unique-identifier-value", "x-upsert"


def merged(books: Books, module: str, was: list[Record], sent: list[Record]) -> list[Record]:
    """The custom fields after a write: those sent by id, api_name, label or index change, the others stay.

    One that is not defined is kept as it came, as on the other documents; what Zoho does with it is unverified.
    """
    fields = {_name(part): part for part in was}
    for part in sent:
        defined = next((definition for definition in _definitions(books, module) if _is(part, definition)), None)
        full = {name: (defined or part)[name] for name in NAMES} | {"value": part["value"]}
        fields[_name(full)] = full
    return list(fields.values())


def check_unique(books: Books, kind: str, record: Record) -> None:
    """Raise if another record of the kind has the same value in a unique field."""
    for definition in _definitions(books, kind):
        value = value_of(record, definition["api_name"])
        same = with_value(books, kind, definition["api_name"], value)
        taken = any(other[f"{kind}_id"] != record[f"{kind}_id"] for other in same)
        if definition["is_unique"] and value and taken:
            # Code and words are unverified.
            raise refused(f"The value of {definition['label']} already exists. It does not allow duplicates.")


def with_value(books: Books, kind: str, api_name: str, value: str) -> list[Record]:
    """The records of a kind with that value; upper and lower case differ (unverified)."""
    return [record for record in books.all(kind) if value_of(record, api_name) == value]


def value_of(record: Record, api_name: str) -> str:
    """A custom field's value as text, "" when the record has none."""
    values = [part["value"] for part in record["custom_fields"] if part["api_name"] == api_name]
    return str(values[0]) if values and values[0] is not None else ""


def unique_field(books: Books, module: str, api_name: str) -> Record:
    """The definition of a unique field; any other name is refused (the code is unverified)."""
    for definition in _definitions(books, module):
        if definition["api_name"] == api_name and definition["is_unique"]:
            return definition
    raise invalid_value("X-Unique-Identifier-Key")


def _definitions(books: Books, module: str) -> list[Record]:
    return [definition for definition in books.all("customfield") if definition["module"] == module]


def _is(part: Record, definition: Record) -> bool:
    # The index counts only if nothing else names the field: fields without a name get their position in the list.
    for name in ("customfield_id", "api_name", "label"):
        if part[name]:
            return str(part[name]).casefold() == str(definition[name]).casefold()
    return part["index"] == definition["index"]


def _name(part: Record) -> str:
    return str(part["api_name"] or part["customfield_id"] or part["index"])
