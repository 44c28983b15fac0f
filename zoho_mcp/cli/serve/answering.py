"""Answers lines on stdio that cannot be parsed: the SDK drops them, and the client would wait forever."""

import re
from typing import Any, cast

import mcp_types as types
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

_ID = re.compile(r'"id"\s*:\s*(?:"([^"\\]{1,100})"|(-?\d{1,15}))')


class AnsweringStream:
    """The incoming stream without the lines that cannot be parsed; those are answered with -32700."""

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._incoming, name)

    async def __aenter__(self) -> "AnsweringStream":
        await self._incoming.__aenter__()
        return self

    async def __aexit__(self, *problem: Any) -> None:
        await self._incoming.__aexit__(*problem)

    def __aiter__(self) -> "AnsweringStream":
        return self

    async def __anext__(self) -> SessionMessage:
        item: SessionMessage | Exception = await anext(self._incoming)
        while isinstance(item, Exception):
            error = types.ErrorData(code=types.PARSE_ERROR, message="Parse error: this line is not a JSON-RPC message.")
            answer = types.JSONRPCError(jsonrpc="2.0", id=_id_in(item), error=error)
            await self._outgoing.send(SessionMessage(answer))
            item = await anext(self._incoming)
        return item


def _id_in(problem: Exception) -> str | int | None:
    """The id of the message that was refused, where it can be seen."""
    for part in problem.errors(include_url=False) if isinstance(problem, ValidationError) else ():
        given: Any = part["input"]
        found = cast("dict[str, object]", given).get("id") if isinstance(given, dict) else None
        if isinstance(found, str | int):
            return found
        if isinstance(given, str) and (match := _ID.search(given)):
            return match[1] if match[1] is not None else int(match[2])
    return None
