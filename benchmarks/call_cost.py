"""What a call costs beside the least it could: a bare SDK server whose only tool makes the same request with httpx.

`python benchmarks/call_cost.py [pairs] [calls]`: so many pairs of calls, taking turns, to the same embedded Zoho on
loopback, for a record and for a list; then so many calls to ours alone, with the memory at start, middle and end.
"""

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

from zoho_mcp.sandbox.demo_data import seed
from zoho_mcp.sandbox.store import Store
from zoho_mcp.server.app import create_server
from zoho_mcp.settings import Settings
from zoho_mcp.specs.load import load


def bare_server(settings: Settings, http: httpx.AsyncClient, token: str) -> Server[Any]:
    """The least: the request, and its JSON passed on as text."""

    async def list_tools(
        ctx: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="fetch", input_schema={"type": "object"})])

    async def call_tool(ctx: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        arguments: Mapping[str, Any] = params.arguments or {}
        response = await http.get(
            f"{settings.api_url}/invoice/v3{arguments['path']}",
            params={"organization_id": settings.organization_id, **arguments["query"]},
            headers={"Authorization": f"Zoho-oauthtoken {token}"},
        )
        return types.CallToolResult(content=[types.TextContent(text=response.text)])

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
    print(f"{pairs} pairs, medians         bare      ours     ratio")
    for name, (fetch, tool, arguments) in kinds.items():
        times: dict[str, list[float]] = {"bare": [], "ours": []}
        for number in range(pairs + 20):
            for who, call in (("bare", timed(bare, "fetch", fetch)), ("ours", timed(ours, tool, arguments))):
                took = await call
                if number >= 20:
                    times[who].append(took)
        least, own = statistics.median(times["bare"]), statistics.median(times["ours"])
        print(f"{name:24} {least:6.2f} ms {own:6.2f} ms   {own / least:5.2f}")


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
        rows = (await ours.call_tool("list_invoices", {"per_page": 1})).structured_content["invoices"]
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
