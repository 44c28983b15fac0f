"""What a person is shown before saying yes, from fresh reads, and what their yes is bound to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from zoho_mcp.errors import AuthError, NotFoundError, RejectedError
from zoho_mcp.policy import consequences
from zoho_mcp.policy.arguments_in_words import address_rows
from zoho_mcp.policy.display import quoted
from zoho_mcp.policy.facts import mailed_on_creation, recipients
from zoho_mcp.policy.losses import Losses, losses_of, part_rows
from zoho_mcp.policy.preview import More, Preview, fingerprint, preview
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.server import recent_addresses
from zoho_mcp.server.authorization import Subject, customer_of, read_subject, strangers
from zoho_mcp.server.confirmation.named_ids import new_owner, with_names
from zoho_mcp.server.context import ServerContext
from zoho_mcp.specs.entry import Mails
from zoho_mcp.specs.model import Operation

Json = Mapping[str, Any]


async def read_preview(app: ServerContext, operation: Operation, arguments: Json) -> tuple[Preview, str, Subject]:
    """The question for this call, its fingerprint, and what it is about.

    Another argument or state of the record gives another fingerprint.

    Raises RejectedError when Zoho would refuse anyway: then nobody has to be asked.
    """
    before = await read_subject(app.api, operation, arguments)
    record = before.record
    more = await _more(app, operation, arguments, record)
    if more.refusal:
        raise RejectedError(more.refusal, more.instead, code=more.code)
    named = await with_names(app, operation, arguments, record)
    more = replace(more, details=(*more.details, *await new_owner(app, arguments, record)))
    losses = losses_of(operation, named, before.target)
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
    """The first kind of transaction found, in words; empty when there is none."""
    if isinstance(known := record.get("has_transaction"), bool):
        return "transactions" if known else ""
    for operation in app.catalog.operations.values():
        if {"customer_id", "per_page"} <= set(operation.input.get("properties", {})) and operation.answer.columns:
            try:
                answer = await app.api.run(operation.name, {"customer_id": customer_id, "per_page": 1})
            except (AuthError, NotFoundError):
                # Without that scope this kind stays unseen: Zoho will refuse by itself.
                continue
            if answer.get(operation.answer.key):
                return operation.name.removeprefix("list_").replace("_", " ")
    return ""


async def _mails(app: ServerContext, mails: Mails, arguments: Json) -> list[tuple[Json, str, list[str]]]:
    """Of each record: itself, why it would not be mailed, and the addresses that Zoho would mail it to."""
    found: list[tuple[Json, str, list[str]]] = []
    for own_id in arguments[mails.ids]:
        one = {mails.ids.removesuffix("s"): own_id}
        record, problem = await app.api.record(mails.record, one), ""
        people: list[Json] = []
        try:
            people = (await app.api.record(mails.mail, one)).get("to_contacts") or []
        except RejectedError as refusal:
            problem = refusal.what
        found.append((record, problem, [str(one["email"]) for one in people if one.get("selected") is not False]))
    return found


async def _for_customer(app: ServerContext, operation: Operation, arguments: Json, record: Json) -> More:
    """For a record that is yet to be made: whose it will be."""
    if record or "customer_id" not in arguments:
        return More()
    customer = await customer_of(app.api, record, arguments) or {}
    rows = [("Customer", quoted(customer.get("contact_name", "")))]
    if effect_of(operation, arguments) == "send":
        rows += address_rows("Mailed to", mailed_on_creation(arguments, customer.get("contact_persons") or []))
    return More(details=tuple(rows))
