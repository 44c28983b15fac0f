"""Duplicate detection: a write that is identical to a recent one needs approval."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.errors import DeclinedError, ZohoMcpError
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.delivery.claims import SURELY_OVER, Attempt, Previous
from zoho_mcp.server.delivery.reconcile import probe, record_below, record_reader, what_to_check
from zoho_mcp.server.tool_call import ToolCall
from zoho_mcp.specs.entry import Confirm
from zoho_mcp.times import span

Json = Mapping[str, Any]
TWO, MAILED_TWICE = "You would have two.", "The mail would be sent twice."
"""The effect of a repeated call, for the question."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The earlier identical call, as a reason to ask a person.

    Attributes:
        what: what is known of it, as a sentence: "The same call was made 2 minutes ago (INV-33)."
        question: the question, with the operation that reads the earlier record; None if it cannot be read.
        arguments: what this read needs in addition to the call's arguments.
    """

    what: str
    question: Confirm | None = None
    arguments: Json = field(default_factory=dict[str, str])


async def earlier(app: ServerContext, call: ToolCall) -> Duplicate | None:
    """The earlier identical call; None, the right to run, until `claims.done` is called.

    Raises DeclinedError if the outcome of the earlier call is unknown and cannot be read.
    """
    if not app.settings.repeat_window:
        return None
    previous = await _previous(app, call)
    return None if previous is None else _duplicate(app, call, await _read_fresh(app, previous))


async def claim(app: ServerContext, call: ToolCall) -> None:
    """Claim the right to run after a person approved, regardless of earlier calls."""
    if app.settings.repeat_window:
        await app.claims.force(call_key(call), attempt_of(app, call))


def attempt_of(app: ServerContext, call: ToolCall) -> Attempt:
    """An attempt at this call, as of now."""
    return Attempt(call.operation, call.arguments, app.api.client.clock(), app.api.client.skew)


async def _previous(app: ServerContext, call: ToolCall) -> Previous | None:
    key, attempt = call_key(call), attempt_of(app, call)
    while (previous := await app.claims.claim(key, attempt)) is not None and previous.record is None:
        if (resolved := await _resolved(app, key, previous)) is not None:
            return resolved
        # The earlier call did not happen. Of several calls that found this out, one gets the claim.
    return previous


async def _resolved(app: ServerContext, key: str, previous: Previous) -> Previous | None:
    """The earlier call with its outcome, as far as known now; None if it did not happen."""
    attempt = previous.attempt
    verdict = await probe(app, attempt)
    if verdict.result == "done":
        return replace(previous, record=verdict.record)
    if verdict.result == "absent" and app.api.client.clock() - attempt.at > SURELY_OVER:
        await app.claims.forget(key, previous)
        return None
    if record_reader(app, attempt.path) is not None:
        return previous
    raise DeclinedError(
        f"{attempt.operation.title}: the same call was sent {_ago(app, previous)}, and it is not known whether it "
        "happened.",
        what_to_check(app, attempt),
        kind="duplicate",
    )


async def _read_fresh(app: ServerContext, previous: Previous) -> Previous:
    """The earlier call with its record read, if only ids are known because another process created it."""
    reader, arguments = _subject(app, previous)
    if previous.record is None or not arguments or _label(previous.record):
        return previous
    with suppress(ZohoMcpError):
        return replace(previous, record=await app.api.record(reader, arguments))
    return previous


def _duplicate(app: ServerContext, call: ToolCall, previous: Previous) -> Duplicate:
    ago, title = _ago(app, previous), call.operation.title
    what = f"The same call was sent {ago}, and it is not known whether it worked."
    if previous.record is not None:
        what = f"The same call was made {ago}{_label(previous.record)}."
    subject, arguments = _subject(app, previous)
    if not subject:
        return Duplicate(what)
    result = MAILED_TWICE if effect_of(call.operation, call.arguments) == "send" else TWO
    ask = f"{title} again? {what} {result}"
    return Duplicate(what, Confirm(ask=ask, subject=subject), arguments)


def _subject(app: ServerContext, previous: Previous) -> tuple[str, dict[str, str]]:
    """The operation that reads the earlier call's record, and what it needs in addition to the call's arguments."""
    attempt, record = previous.attempt, previous.record or {}
    if reader := record_reader(app, attempt.path):
        return reader.name, {}
    key = attempt.operation.answer.key
    reader = record_below(app, attempt.path)
    if reader is None or f"{key}_id" not in record:
        return "", {}
    [place] = reader.input.get("required", [""])
    return reader.name, {place: str(record[f"{key}_id"])}


def _ago(app: ServerContext, previous: Previous) -> str:
    return f"{span(app.api.client.clock() - previous.attempt.at)} ago"


def _label(record: Json) -> str:
    found = next((str(value) for name, value in record.items() if name.endswith("_number") and value), "")
    found = found or str(record.get("contact_name") or record.get("name") or "")
    # Text in braces would be replaced by fields of the record.
    plain = "".join(sign for sign in found if sign.isprintable() and sign not in "{}")[:60]
    return f" ({plain})" if plain else ""


def call_key(call: ToolCall) -> str:
    """Equal for identical calls, regardless of number formats, order of arguments, white space and given defaults."""
    content = [call.operation.name, call.organization_id, _plain(call.arguments, call.operation.input)]
    return json.dumps(content, sort_keys=True, default=str)


def _plain(value: Any, schema: Json) -> Any:
    if isinstance(value, Mapping):
        schemas: Json = schema.get("properties", {})
        parts = {name: _plain(part, schemas.get(name, {})) for name, part in cast("Mapping[str, Any]", value).items()}
        return {name: part for name, part in parts.items() if part != _default(schemas.get(name, {}))}
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return [_plain(part, schema.get("items", {})) for part in cast("list[Any]", value)]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return format(Decimal(str(value)).normalize(), "f")
    return value


def _default(schema: Json) -> Any:
    """The meaning of leaving an argument out, normalised; None cannot be the value of an argument."""
    return _plain(schema.get("x-default"), {})
