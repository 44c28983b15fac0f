"""What the tests of the sandbox share: a sandbox with a clock that a test moves, and a client of exact numbers."""

import json
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from zoho_mcp.sandbox import oauth
from zoho_mcp.sandbox.app import create_app
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.demo import organization as demo_data
from zoho_mcp.sandbox.limits import UNLIMITED, Limits
from zoho_mcp.sandbox.request_log import LoggedRequest
from zoho_mcp.sandbox.store import Store

Json = dict[str, Any]
NOON = datetime(2026, 10, 9, 16, 0, tzinfo=UTC)  # noon in New York
TODAY = date(2026, 10, 9)
SALES_TAX = "982000000000000101"  # 8.875 %
REDUCED_TAX = "982000000000000103"  # 4 %
EURO = "982000000000000099"
NO_SUCH_ID = "982000000000999999"
# Records name others as well: an invoice may have an estimate_id. The first kind whose id a record has is its own.
PATHS = {
    "expense": "/expenses", "creditnote": "/creditnotes", "invoice": "/invoices", "estimate": "/estimates",
    "recurring_invoice": "/recurringinvoices",
}  # fmt: skip


def demo_store(today: date) -> Store:
    """The demo data of that day in memory. It is written once: each test works in a copy."""
    books = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _demo_books(today).backup(books)
    return Store(books)


@cache
def _demo_books(today: date) -> sqlite3.Connection:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "books.db")
        demo_data.seed(store, today=today)
        store.close()
        books = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(Path(folder) / "books.db")) as written:
            written.backup(books)
    return books


class Sandbox:
    """A sandbox in memory, or in a file, and somebody who is logged in."""

    def __init__(self, *, limits: Limits = UNLIMITED, demo: bool = False, path: Path | None = None) -> None:
        self.now = NOON
        self.store = demo_store(TODAY) if demo else Store.open(path)
        demo_data.empty(self.store)
        self.app = create_app(self.store, clock=lambda: self.now, limits=limits)
        self.transport = httpx.ASGITransport(self.app)
        self.http = httpx.AsyncClient(transport=self.transport, base_url="http://sandbox")
        self._token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    @property
    def request_log(self) -> list[LoggedRequest]:
        return self.app.state.request_log

    def pass_time(self, **by: float) -> None:
        self.now += timedelta(**by)

    def log_in_again(self) -> None:
        """Forget the access token, which expired by the time that a test let pass."""
        self._token = ""

    async def accounts(self, **params: str) -> Json:
        """What the token endpoint answers to these parameters, on top of the client's credentials."""
        client = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
        return (await self.http.post("/oauth/v2/token", data={**client, **params})).json()

    async def token(self, *scopes: str) -> str:
        """A fresh access token, of the demo's grant or of one with these scopes."""
        refresh = oauth.add_refresh_token(self.store, CREDENTIALS.client_id, scopes) if scopes else ""
        answer = await self.accounts(grant_type="refresh_token", refresh_token=refresh or CREDENTIALS.refresh_token)
        return answer["access_token"]

    async def send(
        self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        """A request with token and organisation; the path is under /invoice/v3 unless it names a product."""
        if "Authorization" not in (headers or {}):
            self._token = self._token or await self.token()
        base = path if path.startswith(("/invoice/v3", "/books/v3")) else f"/invoice/v3{path}"
        params = {"organization_id": CREDENTIALS.organization_id, **query}
        sent = {"Authorization": f"Zoho-oauthtoken {self._token}", **(headers or {})}
        content = None if body is None else json.dumps(body, default=str)
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        return await self.http.request(method, base, params=params, headers=sent, content=content)

    async def ask(self, method: str, path: str, body: object = None, **query: Any) -> Json:
        """The answer of a request that must succeed."""
        response = await self.send(method, path, body, **query)
        answer = exact(response)
        assert answer["code"] == 0, answer
        return answer

    async def refusal(self, method: str, path: str, body: object = None, **query: Any) -> tuple[int, int]:
        """HTTP status and code of a request that must be refused."""
        response = await self.send(method, path, body, **query)
        answer = exact(response)
        assert answer["code"] != 0, answer
        assert answer["message"]
        return response.status_code, answer["code"]

    async def customer(self, name: str = "Acme", **fields: Any) -> str:
        """The id of a new customer with one contact person."""
        person = {"first_name": "Ann", "last_name": "Lee", "email": "ann@acme.example", "is_primary_contact": True}
        body = {"contact_name": name, "contact_persons": [person], **fields}
        return (await self.ask("POST", "/contacts", body))["contact"]["contact_id"]

    async def invoice(self, customer_id: str, *amounts: str, sent: bool = False, **fields: Any) -> Json:
        """A new invoice with one line per amount."""
        lines = [{"name": "Work", "rate": amount, "quantity": 1} for amount in amounts or ("100",)]
        body = {"customer_id": customer_id, "line_items": lines, **fields}
        made = (await self.ask("POST", "/invoices", body))["invoice"]
        if sent:
            await self.ask("POST", f"/invoices/{made['invoice_id']}/status/sent")
        return await self.read(made)

    async def read(self, record: Json) -> Json:
        """A record as it is now."""
        answer = await self.ask("GET", path_of(record))
        return answer[_kind_of(record)]

    async def pay(self, invoice: Json, amount: str) -> Json:
        """A payment of the invoice's customer that goes to it entirely."""
        applied = [{"invoice_id": invoice["invoice_id"], "amount_applied": amount}]
        body = {"customer_id": invoice["customer_id"], "amount": amount, "invoices": applied}
        return (await self.ask("POST", "/customerpayments", body))["payment"]

    async def contact(self, customer_id: str) -> Json:
        return (await self.ask("GET", f"/contacts/{customer_id}"))["contact"]


def path_of(record: Json) -> str:
    """The path of a record, below the product's base."""
    kind = _kind_of(record)
    return f"{PATHS[kind]}/{record[f'{kind}_id']}"


def _kind_of(record: Json) -> str:
    return next(kind for kind in PATHS if f"{kind}_id" in record)


def exact(response: httpx.Response) -> Json:
    """The answer's JSON with exact numbers."""
    return json.loads(response.content, parse_float=Decimal)
