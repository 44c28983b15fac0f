"""Completes ids, names and numbers that match the letters typed. `search` sends the requests to Zoho."""

from collections.abc import Mapping

import mcp_types as types

from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.server.authorization import require_allowed
from zoho_mcp.server.completion.search import TARGETS, Target
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.prompts.handlers import months
from zoho_mcp.server.prompts.prompt import all_prompts
from zoho_mcp.zoho.client import ORGANIZATION

MOST_VALUES = 100
"""The protocol's limit."""
_LONGEST = 100
_AN_ID = 15
"""This many digits are an id being typed, which Zoho cannot search for."""


async def complete(ctx: RequestContext, params: types.CompleteRequestParams) -> types.CompleteResult:
    """Handles completion/complete, for arguments of resource templates and prompts."""
    app, kind = ctx.lifespan_context, _kind_of(params.ref, params.argument.name)
    organization = ((params.context.arguments if params.context else None) or {}).get(ORGANIZATION, "")
    app = app.within(organization if organization in app.api.organizations else "")
    values, more = await _values(ctx, app, kind, params.argument.value)
    shown = values[:MOST_VALUES]
    total = None if more else len(values)
    return types.CompleteResult(
        completion=types.Completion(values=shown, total=total, has_more=more or len(values) > len(shown))
    )


def _kind_of(ref: types.ResourceTemplateReference | types.PromptReference, argument: str) -> str:
    """The kind of an argument: its name in a template, its declared kind in a prompt; empty if it is unknown."""
    if isinstance(ref, types.ResourceTemplateReference):
        return argument if f"{{{argument}}}" in ref.uri else ""
    prompt = all_prompts().get(ref.name)
    return next((one.kind for one in prompt.arguments if one.name == argument), "") if prompt else ""


async def _values(ctx: RequestContext, app: ServerContext, kind: str, typed: str) -> tuple[list[str], bool]:
    known = TARGETS.get(kind)
    if kind in ("month", ORGANIZATION):
        every = months(12) if kind == "month" else list(app.api.organizations)
        return [one for one in every if one.startswith(typed.strip())], False
    # JSON may hold half of a surrogate pair.
    letters = typed.encode("utf-8", "ignore").decode().strip().casefold()[:_LONGEST]
    whose = app.api.organization_id or len(app.settings.organizations) < 2
    if (
        known is None
        or not whose
        or (letters.isdecimal() and len(letters) >= _AN_ID)
        or not await _allowed(ctx, app, known)
    ):
        return [], False
    # A single letter matches half of all records: only the newest are searched.
    found = await app.completion_search.search(
        app.api, known, letters if len(letters) > 1 or not letters.isascii() else ""
    )
    if found is None:
        return [], True
    fitting = [row for row in found.rows if found.letters == letters or _fits(row, known, letters)]
    fitting.sort(key=lambda row: not any(row[name].casefold().startswith(letters) for name in known.texts))
    return list(dict.fromkeys(row[known.value] for row in fitting)), not found.complete


async def _allowed(ctx: RequestContext, app: ServerContext, kind: Target) -> bool:
    """Whether the list is offered as a tool and the policy allows reading it without approval."""
    if kind.operation not in app.offered:
        return False
    try:
        await require_allowed(ctx, app, [kind.operation], {})
    except ZohoMcpError:
        return False
    return True


def _fits(row: Mapping[str, str], kind: Target, letters: str) -> bool:
    return any(letters in row[name].casefold() for name in kind.texts)
