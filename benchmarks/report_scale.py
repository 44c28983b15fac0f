"""get_monthly_revenue over many invoices: requests, seconds, peak memory, and whether it is what SQL says.

`python benchmarks/report_scale.py [invoices]`, 20,000 by default, all of one month; and a tenth of that beside it, to
see whether memory grows with the number of pages. The sandbox runs in another process and is what takes the time.
"""

import sqlite3
import sys
import tempfile
import time
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import httpx
from large_books import RECEIVED_SQL, REVENUE_SQL, fill
from loopback import client_of, served
from mcp import Client

from zoho_mcp.sandbox.demo.organization import seed
from zoho_mcp.sandbox.store import Store
from zoho_mcp.server.app import create_server
from zoho_mcp.settings import Settings
from zoho_mcp.specs.load import load

MONTH = "2026-05"


class Counting(httpx.AsyncHTTPTransport):
    """Counts the requests to the API."""

    requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += "/oauth/" not in request.url.path
        return await super().handle_async_request(request)


async def report(settings: Settings) -> tuple[dict[str, Any], int, float, float]:
    """The report, its requests, its seconds, and the peak of what this process had in memory for it, in MB."""
    transport = Counting()
    server = create_server(settings, load(), client_of(settings, transport))
    async with Client(server, raise_exceptions=True) as client:
        await client.call_tool("list_organizations", {})
        transport.requests = 0
        tracemalloc.start()
        began = time.perf_counter()
        result = await client.call_tool("get_monthly_revenue", {"year": 2026, "month": 5})
        seconds, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    assert not result.is_error, result.content
    return result.structured_content, transport.requests, seconds, peak


def differences(found: dict[str, Any], file: Path) -> list[str]:
    """Where the report is not what SQL over the sandbox's tables says."""
    problems: list[str] = []
    with sqlite3.connect(file) as connection:
        for sql, amount, count in (
            (REVENUE_SQL, "revenue", "invoice_count"),
            (RECEIVED_SQL, "received", "payment_count"),
        ):
            wanted = connection.execute(sql, (MONTH,)).fetchall()
            have = [(code, one[count], round(one[amount] * 100)) for code, one in found["currencies"].items()]
            problems += [f"{amount}: {have}, but SQL says {wanted}"] if have != wanted else []
    connection.close()
    return problems


def least(file: Path) -> int:
    """The least number of requests: one per 200 invoices and one per 200 payments."""
    with sqlite3.connect(file) as connection:
        sql = "select count(*) from records where kind = ? and json_extract(body, '$.date') like ? || '%'"
        counts = [connection.execute(sql, (kind, MONTH)).fetchone()[0] for kind in ("invoice", "payment")]
    connection.close()
    return sum(-(-count // 200) for count in counts)


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print("invoices   requests (least)   seconds   peak memory   against SQL")
    for invoices in (most // 10, most):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "books.db"
            store = Store.open(file)
            seed(store, today=date(2026, 6, 15))
            fill(store, invoices, MONTH)
            store.close()
            with served(file) as settings:
                found, requests, seconds, peak = anyio.run(report, settings)
            verdict = "; ".join(differences(found, file)) or "exact to the cent"
            print(f"{invoices:8,}   {requests:8} ({least(file)})   {seconds:7.1f}   {peak:8.2f} MB   {verdict}")


if __name__ == "__main__":
    main()
