"""What a call costs beside the least it could: bare SDK tools that make the same request with httpx, and pass the text
of the answer on, or read it as JSON to give it as structured content too.

`python benchmarks/call_cost.py [pairs] [calls]`: so many rounds of calls, taking turns, to the same sandbox on
loopback, for a record and for a list; then so many calls to ours alone, with the memory at start, middle and end.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import httpx
import mcp_types as types
from loopback import client_of, served
from mcp import Client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from zoho_mcp.sandbox.demo.organization import seed
from zoho_mcp.sandbox.store import Store
from zoho_mcp.server.app import create_server
from zoho_mcp.settings import Settings
from zoho_mcp.specs.load import load


def bare_server(settings: Settings, http: httpx.AsyncClient, token: str) -> Server[Any]:
    """The least: the request, and its JSON passed on as text."""

    async def list_tools(
        ctx: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in ("fetch", "fetch_json")]
        )

    async def call_tool(ctx: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        arguments: Mapping[str, Any] = params.arguments or {}
        response = await http.get(
            f"{settings.api_url}/invoice/v3{arguments['path']}",
            params={"organization_id": settings.organization_id, **arguments["query"]},
            headers={"Authorization": f"Zoho-oauthtoken {token}"},
        )
        if params.name == "fetch":
            return types.CallToolResult(content=[types.TextContent(text=response.text)])
        found = response.json()
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=found)

    return Server("bare", on_list_tools=list_tools, on_call_tool=call_tool)


async def a_token(settings: Settings, http: httpx.AsyncClient) -> str:
    form = {
        "grant_type": "refresh_token",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.get_secret_value(),
        "refresh_token": settings.refresh_token.get_secret_value(),
    }
    return (await http.post(f"{settings.accounts_url}/oauth/v2/token", data=form)).json()["access_token"]


async def timed(client: Client, tool: str, arguments: dict[str, Any]) -> float:
    began = time.perf_counter()
    result = await client.call_tool(tool, arguments)
    seconds = time.perf_counter() - began
    assert not result.is_error, result.content
    return seconds * 1000


async def compare(bare: Client, ours: Client, invoice: str, pairs: int) -> None:
    """Both in turn, so that what else the machine does hits them alike."""
    kinds: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
        "get_invoice": ({"path": f"/invoices/{invoice}", "query": {}}, "get_invoice", {"invoice_id": invoice}),
        "list_invoices, 40 rows": ({"path": "/invoices", "query": {"per_page": 40}}, "list_invoices", {"per_page": 40}),
    }
    print(f"{pairs} rounds, medians in ms   text passed on   read as JSON   ours   ratios")
    for name, (fetch, tool, arguments) in kinds.items():
        calls = ((bare, "fetch", fetch), (bare, "fetch_json", fetch), (ours, tool, arguments))
        rounds = [[await timed(*call) for call in calls] for _ in range(pairs + 20)][20:]
        text, read, own = (statistics.median(times) for times in zip(*rounds, strict=True))
        print(f"{name:25}{text:14.2f}{read:15.2f}{own:9.2f}   {own / text:.2f}, {own / read:.2f}")


def resident() -> float:
    """What this process has in memory, in MB (Linux only)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def endure(ours: Client, invoice: str, calls: int) -> None:
    marks: list[float] = []
    for number in range(calls + 1):
        if number in (calls // 20, calls // 2, calls):
            marks.append(resident())
        await timed(ours, "get_invoice", {"invoice_id": invoice})
    shown = ", ".join(f"{mark:.1f}" for mark in marks)
    print(f"{calls:,} calls, memory after a twentieth, after half, at the end: {shown} MB")


async def measure(settings: Settings, pairs: int, calls: int) -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        token = await a_token(settings, http)
        bare = await stack.enter_async_context(Client(bare_server(settings, http, token)))
        ours = await stack.enter_async_context(Client(create_server(settings, load(), client_of(settings))))
        rows = (await ours.call_tool("list_invoices", {"per_page": 1})).structured_content["invoices"]["rows"]
        await bare.list_tools()
        await compare(bare, ours, rows[0]["invoice_id"], pairs)
        await endure(ours, rows[0]["invoice_id"], calls)


def main() -> None:
    given = [int(value) for value in sys.argv[1:]]
    pairs, calls = [*given, *(300, 10_000)[len(given) :]]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "books.db"
        store = Store.open(file)
        seed(store, today=date(2026, 6, 15))
        store.close()
        with served(file) as settings:
            anyio.run(measure, settings, pairs, calls)


if __name__ == "__main__":
    main()
