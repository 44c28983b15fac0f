"""Reads what a person sees before approving, which their approval is bound to.

Ids in the call are looked up, so that the question can name the item, its price, the invoice, the person. An id that
cannot be looked up stays an id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from zoho_mcp.errors import AuthError, NotFoundError, RejectedError, ZohoMcpError
from zoho_mcp.policy import consequences
from zoho_mcp.policy.arguments_in_words import address_rows
from zoho_mcp.policy.display import Detail, quoted, records_in
from zoho_mcp.policy.facts import mailed_on_creation, recipients
from zoho_mcp.policy.losses import NONE, Losses, losses_of, part_rows
from zoho_mcp.policy.preview import More, Preview, fingerprint, preview
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.server import recent_addresses
from zoho_mcp.server.authorization import Subject, customer_of, read_subject, strangers
from zoho_mcp.server.context import ServerContext
from zoho_mcp.specs.entry import Mails
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.client import ZohoApi

Json = Mapping[str, Any]
MOST_NAMED = 20
"""Ids of one kind that are looked up, at a request each."""
_PEOPLE = ("contact_persons", "contact_persons_associated")


async def read_preview(app: ServerContext, operation: Operation, arguments: Json) -> tuple[Preview, str, Subject]:
    """The question for this call, its fingerprint, and the record. Other arguments or another state of the record have
    another fingerprint.

    Raises RejectedError if Zoho would refuse, so that nobody needs to be asked.
    """
    before = await read_subject(app.api, operation, arguments)
    record = before.record
    more = await _more(app, operation, arguments, record)
    if more.refusal:
        raise RejectedError(more.refusal, more.instead, code=more.code)
    named = await _with_names(app, operation, arguments, record)
    more = replace(more, details=(*more.details, *await _new_owner(app, arguments, record)))
    losses = losses_of(operation, named, before.target) if operation.replaces else NONE
    if before.part and operation.effect == "destroy":
        losses = Losses((*part_rows(before.part), *losses.rows), serious=True)
    shown = preview(operation, record, named, more, losses)
    return shown, fingerprint(operation.name, arguments, app.api.books, shown.version), before


async def _more(app: ServerContext, operation: Operation, arguments: Json, record: Json) -> More:
    if recipients(arguments):
        customer = await customer_of(app.api, record, arguments)
        return consequences.mail(record, arguments, customer, await recent_addresses.recent(app, customer))
    more = await _consequences(app, operation, arguments, record)
    if effect_of(operation, arguments) != "send":
        return more
    new = address_rows(consequences.JUST_ADDED, await strangers(app, operation, arguments, record))
    return replace(more, details=(*new, *more.details))


async def _consequences(app: ServerContext, operation: Operation, arguments: Json, record: Json) -> More:
    if operation.mails:
        return consequences.mails(operation.mails, await _mails(app, operation.mails, arguments))
    confirm = operation.confirm
    match confirm and confirm.consequence:
        case "unapplies":
            assert confirm is not None
            return consequences.unapplies(record, await _payments(app, confirm.payments, arguments, record))
        case "falls_due":
            return consequences.falls_due(record)
        case "pays_out":
            return consequences.pays_out(record, arguments)
        case "refused_while_paid":
            return consequences.refused_while_paid(record)
        case "refused_without_balance":
            return consequences.refused_without_balance(record)
        case "refused_with_transactions":
            found = await _transactions(app, arguments["customer_id"], record)
            return consequences.refused_with_transactions(record, found)
        case _:
            return await _for_customer(app, operation, arguments, record)


async def _payments(app: ServerContext, lister: str, arguments: Json, record: Json) -> Sequence[Json]:
    return await app.api.rows(lister, arguments) if record.get("payment_made") else ()


async def _transactions(app: ServerContext, customer_id: str, record: Json) -> str:
    """The kind of the first transactions found, in words; empty if there are none."""
    if isinstance(known := record.get("has_transaction"), bool):
        return "transactions" if known else ""
    for operation in app.catalog.operations.values():
        if operation.answer.transactions:
            try:
                answer = await app.api.run(operation.name, {"customer_id": customer_id, "per_page": 1})
            except (AuthError, NotFoundError):
                # Without the scope, this kind cannot be checked; Zoho itself will refuse.
                continue
            if answer.get(operation.answer.key):
                return operation.name.removeprefix("list_").replace("_", " ")
    return ""


async def _mails(app: ServerContext, mails: Mails, arguments: Json) -> list[tuple[Json, str, list[str]]]:
    """Each record, the reason why Zoho would not mail it (empty: it would), and the addresses it would mail."""
    found: list[tuple[Json, str, list[str]]] = []
    for own_id in arguments[mails.ids]:
        argument = {mails.ids.removesuffix("s"): own_id}
        record, problem = await app.api.record(mails.record, argument), ""
        people: list[Json] = []
        try:
            people = (await app.api.record(mails.mail, argument)).get("to_contacts") or []
        except RejectedError as refusal:
            problem = refusal.what
        addresses = [str(person["email"]) for person in people if person.get("selected") is not False]
        found.append((record, problem, addresses))
    return found


async def _for_customer(app: ServerContext, operation: Operation, arguments: Json, record: Json) -> More:
    """The customer, for a record to be created."""
    if record or "customer_id" not in arguments:
        return More()
    customer = await customer_of(app.api, record, arguments) or {}
    rows = [("Customer", quoted(customer.get("contact_name", "")))]
    if effect_of(operation, arguments) == "send":
        rows += address_rows("Mailed to", mailed_on_creation(arguments, customer.get("contact_persons") or []))
    return More(details=tuple(rows))


async def _with_names(app: ServerContext, operation: Operation, arguments: Json, record: Json) -> dict[str, Any]:
    """The arguments as shown: with the names, numbers, addresses and prices that belong to their ids."""
    shown = dict(arguments)
    if lines := records_in(arguments.get("line_items")):
        shown["line_items"] = await _with_items(app.api, lines, record)
    for name in arguments.keys() - {"line_items", *_PEOPLE}:
        if parts := records_in(arguments[name]):
            shown[name] = [
                await _with_number(app.api, part) if at < MOST_NAMED else part for at, part in enumerate(parts)
            ]
    if any(name in arguments for name in _PEOPLE):
        # A customer's contact persons are changed, a document's are chosen.
        of_customer = "contact_id" in record
        shown |= _changed_people(arguments, record) if of_customer else await _with_people(app, arguments, record)
    return shown


async def _new_owner(app: ServerContext, arguments: Json, record: Json) -> tuple[Detail, ...]:
    """The name of the customer to whom the record would move."""
    customer_id = arguments.get("customer_id")
    if not customer_id or not record.get("customer_id") or str(customer_id) == str(record["customer_id"]):
        return ()
    customer = await _read(app.api, "get_customer", {"customer_id": customer_id})
    return (("New customer", quoted(customer.get("contact_name")) or str(customer_id)),)


async def _with_items(api: ZohoApi, lines: list[Json], record: Json) -> list[Json]:
    """Add names and prices: a line without a rate has its item's, unless it is an existing line with that item."""
    old = {str(line.get("line_item_id")): str(line.get("item_id")) for line in records_in(record.get("line_items"))}
    incomplete = [line for line in lines if line.get("item_id") and not ("rate" in line and line.get("name"))]
    ids = list(dict.fromkeys(str(line["item_id"]) for line in incomplete))[:MOST_NAMED]
    items = {item_id: await _read(api, "get_item", {"item_id": item_id}) for item_id in ids}
    return [_with_item(line, items.get(str(line.get("item_id")), {}), old) for line in lines]


def _with_item(line: Json, item: Json, old: Mapping[str, str]) -> Json:
    keeps_price = old.get(str(line.get("line_item_id"))) == str(line.get("item_id"))
    names = ("name",) if keeps_price else ("name", "rate")
    return {**{name: item[name] for name in names if item.get(name) not in (None, "")}, **line}


async def _with_number(api: ZohoApi, part: Json) -> Json:
    """The part with the number of the document whose id it has (`invoice_id`)."""
    for name, own_id in part.items():
        field = f"{name.removesuffix('_id')}_number"
        reader = api.catalog.reader_of(name) if own_id and name.endswith("_id") and not part.get(field) else None
        if reader is not None:
            number = (await _read(api, reader.name, {name: own_id})).get(field)
            return {**part, field: number} if number else part
    return part


def _changed_people(arguments: Json, record: Json) -> dict[str, Any]:
    """Changed contact persons, with names and addresses that the call does not change."""
    old = {str(person.get("contact_person_id")): person for person in records_in(record.get("contact_persons"))}
    people = [
        {**_person(old.get(str(part.get("contact_person_id")), {})), **part}
        for part in records_in(arguments.get("contact_persons"))
    ]
    return {"contact_persons": people} if people else {}


async def _with_people(app: ServerContext, arguments: Json, record: Json) -> dict[str, Any]:
    """The contact persons of a document with their addresses instead of ids."""
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
