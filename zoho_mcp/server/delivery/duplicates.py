"""Against a caller that repeats itself: what was written a short while ago is asked about before it is again."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import mcp_types as types

from zoho_mcp.errors import DeclinedError, OutcomeUnknownError, ZohoMcpError
from zoho_mcp.server.confirmation.request import TELL_THE_USER
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.delivery.claims import Previous, call_key
from zoho_mcp.server.delivery.reconcile import Attempt, probe, record_below, record_reader, what_to_check
from zoho_mcp.specs.model import Confirm, Operation
from zoho_mcp.times import span

Json = Mapping[str, Any]
Ask = Callable[[Operation, Json], Awaitable[types.InputRequiredResult | None]]
"""Puts a call before a person: None for a yes, or the question to pass on, or DeclinedError."""
SURELY_OVER = 60.0
"""Seconds after which a request whose answer never came is no longer being worked on."""


def makes_something(operation: Operation) -> bool:
    """Whether running it twice does more than running it once: creates and mails, not changes of a state."""
    return operation.effect != "read" and not operation.idempotent


async def claim(
    app: ServerContext, operation: Operation, arguments: Json, ask: Ask | None
) -> types.InputRequiredResult | None:
    """None when the call may run; a question to pass on; or DeclinedError. `ask` is None once a person agreed to it."""
    if not app.settings.repeat_window or not makes_something(operation):
        return None
    name, sent = call_key(operation.name, arguments), _sent(app, operation, arguments)
    if ask is not None:
        earlier = await _earlier(app, name, sent)
        if earlier is None:
            return None
        if (question := await _ask(app, earlier, arguments, ask)) is not None:
            return question
    await app.claims.force(name, sent)
    return None


async def give_back(app: ServerContext, operation: Operation, arguments: Json) -> None:
    """A call that might have run does not: nothing of it was sent."""
    with anyio.CancelScope(shield=True):
        await app.claims.done(call_key(operation.name, arguments), None)


@asynccontextmanager
async def noted(app: ServerContext, operation: Operation, arguments: Json) -> AsyncGenerator[Callable[[Json], None]]:
    """Around a call that runs: gives the function that takes its answer. Whoever waits for it goes on afterwards."""
    name = call_key(operation.name, arguments)
    sent = _sent(app, operation, arguments)
    earlier: Previous | None = None

    def note(envelope: Json) -> None:
        nonlocal earlier
        record = envelope.get(operation.answer.key) if operation.answer.key else arguments
        earlier = Previous(sent, record or {})

    try:
        yield note
    except BaseException as problem:
        # Whoever is cancelled may have been heard all the same.
        if not isinstance(problem, ZohoMcpError) or isinstance(problem, OutcomeUnknownError):
            earlier = Previous(sent)
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await app.claims.done(name, earlier if makes_something(operation) else None)


def _sent(app: ServerContext, operation: Operation, arguments: Json) -> Attempt:
    return Attempt(operation, arguments, app.client.clock(), app.client.skew)


async def _earlier(app: ServerContext, name: str, sent: Attempt) -> Previous | None:
    """None with the right to run; or what went before, as far as it is known by now."""
    while (earlier := await app.claims.claim(name, sent)) is not None and earlier.record is None:
        if (found := await _looked_up(app, name, earlier)) is not None:
            return found
        # It did not happen; of those who found that out, one is first to claim it.
    return earlier


async def _looked_up(app: ServerContext, name: str, earlier: Previous) -> Previous | None:
    """What is known by now of a call that nobody knew the end of; None when it did not happen."""
    operation = earlier.sent.operation
    verdict = await probe(app, earlier.sent)
    if verdict.result == "done":
        return replace(earlier, record=verdict.record)
    if verdict.result == "absent" and app.client.clock() - earlier.sent.at > SURELY_OVER:
        await app.claims.forget(name, earlier)
        return None
    if record_reader(app, earlier.sent.path) is not None:
        return earlier
    raise DeclinedError(
        f"{operation.title}: the same call was sent {_ago(app, earlier)}, and it is not known whether it happened.",
        what_to_check(app, earlier.sent),
    )


async def _ask(app: ServerContext, earlier: Previous, arguments: Json, ask: Ask) -> types.InputRequiredResult | None:
    operation, ago, known = earlier.sent.operation, _ago(app, earlier), earlier.record is not None
    what = (
        f"This was done {ago}{_label(earlier.record or {})}" if known else f"Whether this happened {ago} is not known"
    )
    subject, more = _subject(app, earlier)
    if app.settings.confirm == "refuse" or not subject:
        raise DeclinedError(f"{operation.title}: {what[0].lower()}{what[1:]}, by the very same call.", TELL_THE_USER)
    question = Confirm(ask=f"{operation.title} once more? {what}, by the very same call.", subject=subject)
    try:
        return await ask(operation.model_copy(update={"confirm": question}), {**arguments, **more})
    except DeclinedError as problem:
        raise DeclinedError(f"{what}, by the very same call. {problem.what}", problem.next_step) from problem


def _subject(app: ServerContext, earlier: Previous) -> tuple[str, dict[str, str]]:
    """The operation that shows what went before, and the argument that it needs besides the call's own."""
    sent, record = earlier.sent, earlier.record or {}
    if reader := record_reader(app, sent.path):
        return reader.name, {}
    key = sent.operation.answer.key
    reader = record_below(app, sent.path)
    if reader is None or f"{key}_id" not in record:
        return "", {}
    [place] = reader.input.get("required", [""])
    return reader.name, {place: str(record[f"{key}_id"])}


def _ago(app: ServerContext, earlier: Previous) -> str:
    return f"{span(app.client.clock() - earlier.sent.at)} ago"


def _label(record: Json) -> str:
    found = next((str(value) for name, value in record.items() if name.endswith("_number") and value), "")
    found = found or str(record.get("contact_name") or record.get("name") or "")
    # Braces would be filled in as fields of the record.
    plain = "".join(sign for sign in found if sign.isprintable() and sign not in "{}")[:60]
    return f" ({plain})" if plain else ""
