"""Reads the records that a change affected, so that its result shows their new state.

The change has been made by then: an error here only costs this part of the result.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import anyio

from zoho_mcp.errors import RejectedError, ZohoMcpError
from zoho_mcp.policy.display import records_in
from zoho_mcp.policy.facts import subject
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.results.projection import field_tree, project
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.client import Envelope

LONGEST = 6.0
"""Seconds for all reads of one result, while the caller waits for a change that has been made."""
MOST = 10
"""Records of a list that are read."""
Json = Mapping[str, Any]


async def before(app: ServerContext, operation: Operation, arguments: Json, known: Json | None = None) -> Json:
    """The record before a change, if its result needs it; else empty.

    `known`: the record of the call, if it was just read.
    """
    after = operation.after
    reader = _reader_of_before(app, operation, arguments)
    if reader is None or not (_deletes(app, operation) or after.before or after.each):
        return {}
    if known and reader.name in app.offered and subject(operation, app.catalog) is reader:
        return known
    return await _record(app, reader, arguments) or {}


async def added(app: ServerContext, operation: Operation, arguments: Json, envelope: Envelope, was: Json) -> Envelope:
    """The envelope with the new state, under keys such as `invoice`, `deleted` or `invoices_now`. `was`: the result of
    `before`; a composite that has read the record puts it into its envelope as `before`.
    """
    was = envelope.pop("before", was)
    if _deletes(app, operation):
        envelope["deleted"] = _shown(app.catalog.operations[operation.after.read], was)
    elif operation.after.read:
        reader = app.catalog.operations[operation.after.read]
        record = await _record(app, reader, {**operation.record_in(envelope), **arguments})
        if record is None:
            return envelope if reader.name not in app.offered else _unread(envelope, reader.tool_answer_key)
        earlier = {f"{name}_before": was[name] for name in operation.after.before if name in was}
        envelope[reader.tool_answer_key] = {**_shown(reader, record), **earlier}
    if operation.after.each and was:
        envelope |= await _each(app, operation, (was, operation.record_in(envelope), arguments))
    return envelope


async def explained(app: ServerContext, operation: Operation, arguments: Json, problem: RejectedError) -> RejectedError:
    """The refusal with advice that depends on the record's status."""
    reader = app.catalog.operations.get(operation.outcome.read) if operation.outcome and operation.instead else None
    record = await _record(app, reader, arguments) if reader else None
    status = str((record or {}).get("status", ""))
    if status not in operation.instead:
        return problem
    return RejectedError(f"{problem.what} Its status is {status}.", operation.instead[status], code=problem.code)


async def _each(app: ServerContext, operation: Operation, sources: Iterable[Json]) -> Envelope:
    """The new state of the records that a list names, or named before: the invoices of a payment."""
    after, reader = operation.after, app.catalog.operations[operation.after.each_read]
    own_id = str(reader.input["required"][0])
    parts = [part for source in sources for part in records_in(source.get(after.each))]
    ids = dict.fromkeys(str(part[own_id]) for part in parts if part.get(own_id))
    found = [await _record(app, reader, {own_id: record_id}) for record_id in list(ids)[:MOST]]
    shown = [_shown(reader, record) for record in found if record]
    missing = {} if len(shown) == len(ids) else {"left_out": f"{len(ids) - len(shown)} {after.each}"}
    return ({f"{after.each}_now": shown} if shown else {}) | missing


async def _record(app: ServerContext, reader: Operation, arguments: Json) -> Json | None:
    """The record; None if the caller may not read it, or it cannot be read in time."""
    if reader.name not in app.offered:
        return None
    with anyio.move_on_after(LONGEST):
        try:
            return await app.api.record(reader.name, arguments, wait=LONGEST)
        except ZohoMcpError:
            return None
    return None


def _reader_of_before(app: ServerContext, operation: Operation, arguments: Json) -> Operation | None:
    if operation.after.each and not operation.after.read:
        # An update changes only what it names.
        if not set(arguments) & operation.replaces.keys():
            return None
        return app.catalog.operations[operation.outcome.read if operation.outcome else ""]
    return app.catalog.operations.get(operation.after.read) if not operation.handler else None


def _deletes(app: ServerContext, operation: Operation) -> bool:
    """Whether the change deletes the record itself, not just a part of it."""
    reader = app.catalog.operations.get(operation.after.read)
    return operation.http.method == "DELETE" and reader is not None and reader.http.path == operation.http.path


def _shown(reader: Operation, record: Json) -> dict[str, Any]:
    return project(record, field_tree(reader.answer.state or reader.answer.fields), reader.renames)


def _unread(envelope: Envelope, what: str) -> Envelope:
    remark = f"It is done; how the {what.replace('_', ' ')} stands now could not be read."
    return {**envelope, "remarks": [*envelope.get("remarks", []), remark]}
