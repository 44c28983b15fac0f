"""What answers cost a model: bytes and estimated tokens of Zoho's own JSON, and of what this server gives.

`python benchmarks/answers.py`, on the sandbox with 300 more invoices; without any network.
"""

import json
from datetime import date
from typing import Any

import anyio
import httpx
import mcp_types as types
from large_books import fill
from mcp import Client

from zoho_mcp.cli.local_sandbox import environment_for
from zoho_mcp.sandbox.app import create_app
from zoho_mcp.sandbox.demo.organization import seed
from zoho_mcp.sandbox.limits import UNLIMITED
from zoho_mcp.sandbox.store import Store
from zoho_mcp.server.app import create_server
from zoho_mcp.server.results.projection import with_records
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.check import BYTES_PER_TOKEN
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.request import build

LISTS = ("customers", "invoices", "payments", "estimates", "credit_notes", "expenses", "items", "recurring_invoices")
LINES = [
    {"name": f"Design work, part {number}", "description": "Screens and texts", "rate": 125.5, "quantity": number,
     "tax_id": "982000000000000101", "unit": "hours"}
    for number in range(1, 11)
]  # fmt: skip


def size(result: types.CallToolResult) -> int:
    """Bytes of the text."""
    return sum(len(part.text.encode()) for part in result.content if isinstance(part, types.TextContent))


async def compare(client: Client, zoho: ZohoClient, tool: str, arguments: dict[str, Any]) -> None:
    operation = load().operations[tool]
    raw = await zoho.send(build(operation, arguments))
    before = len(json.dumps(raw, default=str, separators=(",", ":"), ensure_ascii=False).encode())
    after = size(await client.call_tool(tool, arguments))
    rows = len(raw[operation.answer.key]) if operation.answer.columns and isinstance(raw, dict) else 1
    print(
        f"{tool:28} {rows:4} {before:9,} {before / BYTES_PER_TOKEN:9,.0f} {after:8,} {after / BYTES_PER_TOKEN:8,.0f} "
        f"{before / after:6.1f}x {after / BYTES_PER_TOKEN / rows:6.0f}"
    )


async def measure() -> None:
    store = Store.open(None)
    seed(store, today=date(2026, 6, 15))
    fill(store, 300, "2026-05")
    app = create_app(store, limits=UNLIMITED)
    environment = {**environment_for("http://127.0.0.1"), "ZOHO_MAX_ANSWER": "1000000"}
    settings = from_environment(environment)
    zoho = ZohoClient(settings, transport=httpx.ASGITransport(app))
    print("tool                         rows Zoho bytes   tokens ours bytes   tokens   less  per row")
    async with Client(create_server(settings, load(), zoho)) as client:
        customer = with_records((await client.call_tool("list_customers", {})).structured_content)["customers"][0][
            "customer_id"
        ]
        written = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": LINES})
        invoice = written.structured_content["invoice"]["invoice_id"]
        for kind in LISTS:
            await compare(client, zoho, f"list_{kind}", {})
        await compare(client, zoho, "get_invoice", {"invoice_id": invoice})
        await compare(client, zoho, "get_customer", {"customer_id": customer})


if __name__ == "__main__":
    anyio.run(measure)
