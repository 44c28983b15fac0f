"""Looks up what the ids in a call stand for, so that a question can name the item, its price, the invoice, the person.

An id that cannot be looked up stays an id.
"""

from collections.abc import Mapping
from typing import Any, cast

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.policy.display import Detail, quoted, records_in
from zoho_mcp.server.authorization import customer_of
from zoho_mcp.server.context import ServerContext
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.client import ZohoApi

Json = Mapping[str, Any]
MOST = 20
"""Ids of one kind that are looked up; each costs a request."""
_PEOPLE = ("contact_persons", "contact_persons_associated")


async def with_names(app: ServerContext, operation: Operation, arguments: Json, record: Json) -> dict[str, Any]:
    """The arguments as they are shown: with the names, numbers, addresses and prices that their ids stand for."""
    shown = dict(arguments)
    if lines := records_in(arguments.get("line_items")):
        shown["line_items"] = await _with_items(app.api, lines, record)
    for name in arguments.keys() - {"line_items", *_PEOPLE}:
        if parts := records_in(arguments[name]):
            shown[name] = [await _with_number(app.api, part) if at < MOST else part for at, part in enumerate(parts)]
    if any(name in arguments for name in _PEOPLE):
        # Of a customer they are changed, of a document they are chosen.
        of_customer = "contact_id" in record
        shown |= _changed_people(arguments, record) if of_customer else await _with_people(app, arguments, record)
    return shown


async def new_owner(app: ServerContext, arguments: Json, record: Json) -> tuple[Detail, ...]:
    """The customer that a record would move to, by name."""
    wanted = arguments.get("customer_id")
    if not wanted or not record.get("customer_id") or str(wanted) == str(record["customer_id"]):
        return ()
    customer = await _read(app.api, "get_customer", {"customer_id": wanted})
    return (("New customer", quoted(customer.get("contact_name")) or str(wanted)),)


async def _with_items(api: ZohoApi, lines: list[Json], record: Json) -> list[Json]:
    """A line without a rate costs what its item costs, unless it is there already with that item."""
    old = {str(line.get("line_item_id")): str(line.get("item_id")) for line in records_in(record.get("line_items"))}
    wanted = [line for line in lines if line.get("item_id") and not ("rate" in line and line.get("name"))]
    ids = list(dict.fromkeys(str(line["item_id"]) for line in wanted))[:MOST]
    items = {one: await _read(api, "get_item", {"item_id": one}) for one in ids}
    return [_with_item(line, items.get(str(line.get("item_id")), {}), old) for line in lines]


def _with_item(line: Json, item: Json, old: Mapping[str, str]) -> Json:
    keeps_price = old.get(str(line.get("line_item_id"))) == str(line.get("item_id"))
    names = ("name",) if keeps_price else ("name", "rate")
    return {**{name: item[name] for name in names if item.get(name) not in (None, "")}, **line}


async def _with_number(api: ZohoApi, part: Json) -> Json:
    """The part with the number of the document that it names by id (`invoice_id`)."""
    for name, own_id in part.items():
        field = f"{name.removesuffix('_id')}_number"
        reader = api.catalog.reader_of(name) if own_id and name.endswith("_id") and not part.get(field) else None
        if reader is not None:
            number = (await _read(api, reader.name, {name: own_id})).get(field)
            return {**part, field: number} if number else part
    return part


def _changed_people(arguments: Json, record: Json) -> dict[str, Any]:
    """What is changed of a person, with the name and address that are not."""
    old = {str(one.get("contact_person_id")): one for one in records_in(record.get("contact_persons"))}
    people = [
        {**_person(old.get(str(part.get("contact_person_id")), {})), **part}
        for part in records_in(arguments.get("contact_persons"))
    ]
    return {"contact_persons": people} if people else {}


async def _with_people(app: ServerContext, arguments: Json, record: Json) -> dict[str, Any]:
    """The contact persons of a document by their addresses, not by their ids."""
    try:
        customer = await customer_of(app.api, {} if "customer_id" in arguments else record, arguments)
    except ZohoMcpError:
        customer = None
    people = {str(one.get("contact_person_id")): one for one in records_in((customer or {}).get("contact_persons"))}
    shown: dict[str, Any] = {}
    for name in _PEOPLE:
        parts = cast("list[Any]", arguments.get(name) or [])
        ids = [str(part["contact_person_id"]) for part in records_in(parts) if "contact_person_id" in part]
        ids = ids or [str(part) for part in parts]
        if ids and all(one in people for one in ids):
            shown[name] = [_person(people[one]) for one in ids]
    return shown


def _person(person: Json) -> Json:
    names = ("contact_person_id", "first_name", "last_name", "email")
    return {name: person[name] for name in names if person.get(name)}


async def _read(api: ZohoApi, reader: str, arguments: Json) -> Json:
    try:
        return await api.record(reader, arguments)
    except ZohoMcpError:
        return {}
