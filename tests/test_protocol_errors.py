"""Lines that are no messages, and bugs: the client gets a response, and no text that was not meant for it."""

from typing import Any

import anyio
import mcp_types as types
import pytest
from conftest import Zoho
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from zoho_mcp.cli.serve.answering import AnsweringStream

pytestmark = pytest.mark.anyio
LINES: dict[str, str | int | None] = {
    '{"jsonrpc":"2.0","id":8,"method":': 8,
    '{"jsonrpc":"2.0","id":"a-1","method"': "a-1",
    '{"id":"q","foo":1}': "q",
    "garbage": None,
    "[]": None,
}


@pytest.mark.parametrize("line", LINES)
async def test_a_line_that_cannot_be_parsed_is_answered_with_its_id(line: str) -> None:
    with pytest.raises(ValidationError) as problem:
        types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    into, incoming = anyio.create_memory_object_stream[Any](2)
    outgoing, answers = anyio.create_memory_object_stream[Any](2)
    ping = SessionMessage(types.JSONRPCRequest(jsonrpc="2.0", id=1, method="ping"))
    with into, incoming, outgoing, answers:
        await into.send(problem.value)
        await into.send(ping)
        assert await anext(AnsweringStream(incoming, outgoing)) is ping
        answer = (await answers.receive()).message
    assert (answer.id, answer.error.code) == (LINES[line], types.PARSE_ERROR)


async def test_an_unexpected_exception_never_reaches_a_client_with_its_own_text(zoho: Zoho) -> None:
    async def broken(ctx: Any, call_next: Any) -> Any:
        if ctx.method == "tools/call":
            raise RuntimeError("secret-marker")
        return await call_next(ctx)

    server = zoho.server()
    server.middleware.append(broken)
    async with Client(server, raise_exceptions=False) as client:
        with pytest.raises(MCPError) as problem:
            await client.call_tool("list_invoices", {})
    assert problem.value.error.code == types.INTERNAL_ERROR
    assert "secret-marker" not in str(problem.value)
