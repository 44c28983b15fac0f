"""A call of a tool as a value: the operation, its arguments, the organisation and the caller."""

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
"""The argument with a person's consent if clients cannot ask; not an argument of the operation."""
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call on its way from request to result.

    Attributes:
        arguments: those of the operation, with the organisation if there are several.
        organization_id: the organisation whose books the call uses.
        principal: the logged-in caller; None without logins.
        client: the client's name and version, safe to display.
        id: shared by the log lines, spans and audit lines of the call.
        request_id: identifies the call if the client cancels it; unique as far as possible.
        token: a confirmation token that came with the call.
        state: the state that the client was asked to return with its answer; None in the first round.
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
        """The organisation in the arguments; empty if only one is configured."""
        return str(self.arguments.get(ORGANIZATION, ""))

    @property
    def unresolved(self) -> list[tuple[str, str, str]]:
        """Texts in id arguments that may be record numbers: the argument, the kind of id (`invoice_id`), the text."""
        found: list[tuple[str, str, str]] = []
        for name, value in self.arguments.items():
            for part in cast("list[Any]", value) if isinstance(value, list) else [value]:
                inside = cast("Mapping[str, Any]", part) if isinstance(part, Mapping) else {name: part}
                found += [(name, key.removesuffix("s"), one) for key, one in inside.items() if _is_no_id(key, one)]
        return found

    @classmethod
    def from_request(cls, ctx: RequestContext, params: types.CallToolRequestParams) -> "ToolCall":
        """The call of a request. Raises MCPError for a tool that is not offered."""
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
    """The client's name and version, safe to display; empty if it gives no name."""
    info = ctx.session.client_params.client_info if ctx.session.client_params is not None else None
    words = f"{info.title or info.name} {info.version}" if info is not None else ""
    return one_line(words, _LONGEST_NAME)


def principal_of(ctx: RequestContext) -> str | None:
    """The principal of the request's token; None on stdio, where the caller is the user of this machine."""
    return logged_in()


def logged_in() -> str | None:
    """The principal of the current request; see `principal_of`."""
    token = get_access_token()
    return None if token is None else token.subject or token.client_id


def request_id_of(ctx: RequestContext, request_id: object) -> str:
    """Identifies a client's request as far as possible: without sessions, two clients may use the same id."""
    session = ctx.request.headers.get("mcp-session-id", "") if ctx.request is not None else ""
    return f"{principal_of(ctx) or ''}|{session}|{request_id}"
