"""One call of a tool as a value: of what, with which arguments, in whose books, and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import mcp_types as types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.context import RequestContext
from zoho_mcp.specs.arguments import normalize
from zoho_mcp.specs.model import Operation
from zoho_mcp.telemetry.calls import current_call
from zoho_mcp.text import one_line
from zoho_mcp.zoho.client import ORGANIZATION

TOKEN = "confirmation_token"
"""The argument that carries a person's consent where clients cannot ask; it is not an argument of the operation."""
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call on its way from request to result. Nothing about it changes.

    Attributes:
        arguments: those of the operation, with the organisation where there are several.
        organization_id: whose books it is about.
        principal: the logged-in caller; None without logins.
        client: what the client calls itself, harmless to show.
        id: shared by its log lines, spans and audit lines.
        request_id: what the client names the call by when it cancels it, unique as far as that can be told.
        token: a confirmation token that came with the call.
        state: what this server asked the client to bring back with the answer; None in the first round.
        answers: the client's answers to the questions of the last round.
    """

    operation: Operation
    arguments: Mapping[str, Any]
    organization_id: str = ""
    principal: str | None = None
    client: str = ""
    id: str = ""
    request_id: str = ""
    token: str = ""
    state: str | None = None
    answers: Mapping[str, object] | None = None

    @property
    def named_organization(self) -> str:
        """The organisation that the arguments name; empty where only one is configured."""
        return str(self.arguments.get(ORGANIZATION, ""))

    @property
    def unresolved(self) -> list[tuple[str, str, str]]:
        """Ids that are no ids, perhaps numbers of records: the argument, the kind of id (`invoice_id`), the text."""
        found: list[tuple[str, str, str]] = []
        for name, value in self.arguments.items():
            for part in cast("list[Any]", value) if isinstance(value, list) else [value]:
                inside = cast("Mapping[str, Any]", part) if isinstance(part, Mapping) else {name: part}
                found += [(name, key.removesuffix("s"), one) for key, one in inside.items() if _is_no_id(key, one)]
        return found

    @classmethod
    def from_request(cls, ctx: RequestContext, params: types.CallToolRequestParams) -> "ToolCall":
        """The call that a request makes. Raises MCPError for a tool that is not offered."""
        operation = ctx.lifespan_context.offered.get(params.name)
        if operation is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        arguments = dict(params.arguments or {})
        asks_twice = ctx.lifespan_context.settings.confirm_fallback == "token"
        token = arguments.pop(TOKEN, "") if asks_twice else ""
        arguments = normalize(operation, arguments)
        named = arguments.get(ORGANIZATION, "")
        return cls(
            operation,
            arguments,
            organization_id=str(named) or ctx.lifespan_context.api.books,
            principal=principal_of(ctx),
            client=client_of(ctx),
            id=current_call().id,
            request_id=request_id_of(ctx, ctx.request_id),
            token=token if isinstance(token, str) else "",
            state=params.request_state,
            answers=params.input_responses,
        )


def _is_no_id(name: str, value: object) -> bool:
    return name.endswith(("_id", "_ids")) and isinstance(value, str) and not value.strip().isdigit()


def client_of(ctx: RequestContext) -> str:
    """What the client calls itself, with its version, made harmless to show; empty when it gives no name."""
    info = ctx.session.client_params.client_info if ctx.session.client_params is not None else None
    words = f"{info.title or info.name} {info.version}" if info is not None else ""
    return one_line(words, _LONGEST_NAME)


def principal_of(ctx: RequestContext) -> str | None:
    """Whom the token of this request stands for; None on stdio, where the caller is the user of this machine."""
    return logged_in()


def logged_in() -> str | None:
    """The same, of the request under way."""
    token = get_access_token()
    return None if token is None else token.subject or token.client_id


def request_id_of(ctx: RequestContext, request_id: object) -> str:
    """One request of one client, as far as that can be known: without sessions, ids of two clients can be the same."""
    session = ctx.request.headers.get("mcp-session-id", "") if ctx.request is not None else ""
    return f"{principal_of(ctx) or ''}|{session}|{request_id}"
