"""Finds out, by reading, the outcome of a change whose response was lost. Never sends it again.

The specs determine what to read: the record itself, or the list that would contain a new record.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from zoho_mcp.errors import NotFoundError, OutcomeUnknownError, UnavailableError, ZohoMcpError
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.delivery.candidates import Search, Verdict, content_of
from zoho_mcp.server.delivery.claims import Attempt
from zoho_mcp.server.delivery.record_diff import compare
from zoho_mcp.specs.model import Operation
from zoho_mcp.telemetry.calls import report_progress
from zoho_mcp.times import seconds_of
from zoho_mcp.zoho.client import ORGANIZATION, Envelope

PROBE_DELAYS = (0.5, 2.0, 5.0)
"""Seconds before each probe: a change may become visible with a delay."""
_PLACEHOLDER = re.compile(r"{(\w+)}")
_LOST = "Zoho's response was lost. A check afterwards shows that the change was made."

Json = Mapping[str, Any]


_ABSENT = Verdict("absent")
Probe = Callable[[ServerContext, Attempt], Awaitable[Verdict]]


async def send_change(app: ServerContext, name: str, arguments: Json) -> Envelope:
    """Send a change once. If its response is lost, find out the outcome by reading.

    Raises UnavailableError if it was not made, OutcomeUnknownError if the outcome stays unknown.
    """
    operation, client = app.catalog.operations[name], app.api.client
    at, skew = client.clock(), client.skew
    try:
        envelope = await app.api.run(name, arguments)
    except OutcomeUnknownError as problem:
        own_arguments = {key: value for key, value in arguments.items() if key != ORGANIZATION}
        envelope = await reconcile(app, Attempt(operation, own_arguments, at, skew), problem)
    created = envelope.get(operation.answer.key)
    if operation.http.method == "POST" and isinstance(created, dict):
        own_id = cast(Json, created).get(f"{operation.answer.key}_id")
        if own_id:
            await app.claims.record_created(str(own_id))
    return envelope


async def reconcile(app: ServerContext, attempt: Attempt, problem: OutcomeUnknownError) -> Envelope:
    """The envelope of a change that was made.

    Raises UnavailableError if it was not made, or OutcomeUnknownError with what is known now.
    """
    await report_progress("Zoho's response was lost. Checking whether the change was made.")
    verdict = await probe(app, attempt)
    if verdict.result == "done":
        key = attempt.operation.answer.key
        return {"code": 0, "message": _LOST, **({key: verdict.record} if key and verdict.record else {})}
    if verdict.result == "absent" and not problem.late:
        raise UnavailableError(
            f"{problem.what} Three checks showed that it was not carried out.", "You can call it again."
        ) from problem
    why = verdict.why or "It was not found, but Zoho may still be working on it."
    raise OutcomeUnknownError(f"{problem.what} {why}", what_to_check(app, attempt), late=problem.late) from problem


async def probe(app: ServerContext, attempt: Attempt) -> Verdict:
    """Read several times until the change is visible; a failed read is followed by another."""
    probe_once = _probe_for(app, attempt)
    verdict = Verdict("unclear", why="Zoho offers no way to check this.")
    for pause in PROBE_DELAYS if probe_once else ():
        await app.api.client.sleep(pause)
        try:
            verdict = await probe_once(app, attempt) if probe_once else verdict
        except ZohoMcpError as error:
            verdict = Verdict("unclear", why=f"Looking for it did not work either: {error.what}")
            continue
        if verdict.result != "absent" and not verdict.cut_off:
            break
    return verdict


def what_to_check(app: ServerContext, attempt: Attempt) -> str:
    """Advice on how to check the outcome."""
    reader = record_reader(app, attempt.path) or list_reader(app, attempt.path)
    where = f"with {reader.name}, or " if reader else ""
    return (
        f"Do not repeat it. In a few minutes, check {where}in Zoho itself whether it happened. Tell the user that it "
        "is uncertain."
    )


def record_reader(app: ServerContext, path: str) -> Operation | None:
    """The operation that reads the record of a path: of the last placeholder that has one."""
    for end in reversed([place.end() for place in _PLACEHOLDER.finditer(path)]):
        if found := _reader(app, lambda operation, own=path[:end]: operation.http.path == own):
            return found
    return None


def list_reader(app: ServerContext, path: str) -> Operation | None:
    """The operation that lists the records created at a path."""
    reads = [read for read in app.catalog.operations.values() if read.effect == "read" and read.answer.columns]
    return next((read for read in reads if read.http.path.partition("?")[0] == path), None)


def _reader(app: ServerContext, fits: Callable[[Operation], bool]) -> Operation | None:
    reads = (read for read in app.catalog.operations.values() if read.effect == "read" and read.answer.key)
    return next((read for read in reads if not (read.answer.columns or read.answer.file) and fits(read)), None)


def _probe_for(app: ServerContext, attempt: Attempt) -> Probe | None:
    sign = attempt.operation.outcome.sign if attempt.operation.outcome else ""
    if sign == "created":
        search = _search(app, attempt)
        return search.find if search else None
    return _PROBES.get(sign)


async def _record(app: ServerContext, attempt: Attempt) -> Json | None:
    reader = record_reader(app, attempt.path)
    return await app.api.record(reader.name, attempt.arguments) if reader else None


async def _deleted(app: ServerContext, attempt: Attempt) -> Verdict:
    reader = record_reader(app, attempt.path)
    if reader is None or reader.http.path != attempt.path:
        return Verdict("unclear", why="Zoho offers no way to check this.")
    try:
        await app.api.record(reader.name, attempt.arguments)
    except NotFoundError:
        return Verdict("done")
    return _ABSENT


async def _changed(app: ServerContext, attempt: Attempt) -> Verdict:
    record = await _record(app, attempt)
    if record is None:
        return Verdict("unclear", why="Zoho offers no way to check this.")
    found = compare(content_of(attempt), record, app.catalog.verbatim)
    changed_at = seconds_of(record.get("last_modified_time"))
    since_then = changed_at is not None and changed_at >= attempt.earliest(app.api.client.skew)
    if found.same or (since_then and not found.differing):
        return Verdict("done", record)
    if found.differing and (found.another if changed_at is None else not since_then):
        return _ABSENT
    return Verdict("unclear", why="The record was changed at that time, but not to what was asked for.")


async def _in_status(app: ServerContext, attempt: Attempt) -> Verdict:
    record = await _record(app, attempt)
    if record is None or "status" not in record:
        return Verdict("unclear", why="Zoho offers no way to check this.")
    return Verdict("done", record) if str(record["status"]).lower() in attempt.operation.sets_status else _ABSENT


async def _mailed(app: ServerContext, attempt: Attempt) -> Verdict:
    record = await _record(app, attempt) or {}
    changed_at = seconds_of(record.get("last_modified_time"))
    if record.get("status") == "draft":
        return _ABSENT  # A mailed draft would be sent.
    if record.get("is_emailed") and changed_at is not None and changed_at >= attempt.earliest(app.api.client.skew):
        return Verdict("done", record)
    return Verdict("unclear", why="Whether the mail went out cannot be seen by reading.")


def _search(app: ServerContext, attempt: Attempt) -> Search | None:
    """A search for the new record; None if no operation reads it."""
    lists, reader = list_reader(app, attempt.path), record_below(app, attempt.path)
    if lists is None or reader is None:
        return None
    [place] = _PLACEHOLDER.findall(reader.http.path)
    own_id = next((zoho_name for zoho_name, own_name in reader.renames.items() if own_name == place), place)
    return Search(lists, reader, place, own_id)


def record_below(app: ServerContext, path: str) -> Operation | None:
    """The operation that reads a record created at a path."""
    below = re.compile(re.escape(path) + r"/{\w+}")
    return _reader(app, lambda operation: below.fullmatch(operation.http.path) is not None)


_PROBES: Mapping[str, Probe] = {
    "changed": _changed,
    "deleted": _deleted,
    "status": _in_status,
    "mailed": _mailed,
}
