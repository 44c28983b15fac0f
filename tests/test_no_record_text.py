"""No text of a record is written to this machine, whatever is done or refused: a marker in every text that a record can
have is looked for in everything that was written. The old values of changes, which are kept for 90 days to restore
them, are the one exception (docs/storage.md).
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import mcp_types as types
import pytest
from conftest import Zoho
from mcp import Client

from zoho_mcp import errors
from zoho_mcp.errors import ZohoMcpError

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MARK = "zqmarkerqz"
NO = types.ElicitResult(action="decline")
NOT_PROVOKED = {
    "settings": "stops the start, before there is a record",
    "spec": "stops the start, before there is a record",
    "not_connected": "there is no account, so no record",
    "failed": "the base of all errors; never raised itself",
    "audit": "means that nothing can be written",
    "expired": "needs a question that is older than its life; the message is the same as of waiting",
    "answered_by_client": "needs a client that answers too fast; recorded by the same path as declined",
    "waiting": "needs a page in a browser; recorded by the same path as declined",
}
"""Kinds of errors that are not provoked here, and why."""
DECLINED = {"declined", "refused_by_policy", "duplicate", "could_not_ask", "waiting", "expired", "paused",
            "answered_by_client"}  # fmt: skip


def kinds() -> Iterator[str]:
    """Every kind that there is."""
    yield from DECLINED
    for one in vars(errors).values():
        if isinstance(one, type) and issubclass(one, ZohoMcpError):
            yield one.kind


@dataclass
class Books:
    """Marked records, and the kinds of error that were met so far."""

    zoho: Zoho
    folder: Path
    met: set[str] = field(default_factory=set[str])

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "audit_file": str(self.folder / "audit.jsonl"),
            "claims_file": str(self.folder / "claims.db"),
            "clients_file": str(self.folder / "clients.json"),
            "limits_file": str(self.folder / "limits.db"),
        }

    async def use(self, client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        content: dict[str, Any] = result.structured_content or {}
        if result.is_error:
            self.met.add(content["error"]["kind"])
        return content

    def mark_every_text(self) -> None:
        """Every text of every record of the books, but ids, dates, numbers and fixed words."""
        books = self.zoho.store.books(self.zoho.settings.organization_id)
        with self.zoho.store.transaction():
            for kind in ("contact", "invoice", "estimate", "payment", "creditnote", "item", "expense"):
                for record in books.all(kind):
                    books.put(kind, record[f"{kind}_id"], _marked(record))


_TEXTS = ("_name", "name", "notes", "terms", "description", "reference_number", "email", "company_name", "phone",
          "address", "_number")  # fmt: skip


def _marked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _marked(part, key) for key, part in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_marked(part, name) for part in cast("list[Any]", value)]
    if isinstance(value, str) and name.endswith(_TEXTS) and not name.endswith("_id"):
        return f"{value or 'x'} {MARK}" if name != "email" else f"{MARK}@harbour.example"
    return value


async def _changes(books: Books, client: Client, person: Any) -> None:
    customers: dict[str, Any] = (await client.call_tool("list_customers", {})).structured_content or {}
    at = customers["customers"]["columns"].index("customer_id")
    customer = customers["customers"]["rows"][0][at]
    line = {"name": f"Work {MARK}", "description": MARK, "rate": 10, "quantity": 1}
    texts = {"notes": MARK, "terms": MARK, "reference_number": MARK}
    made = await books.use(client, "create_invoice", customer_id=customer, line_items=[line], **texts)
    invoice = made["invoice"]["invoice_id"]
    await books.use(client, "create_customer", contact_name=f"New {MARK}", notes=MARK)
    await books.use(client, "create_customer", contact_name=f"New {MARK}", notes=f"{MARK} again")
    await books.use(client, "update_invoice", invoice_id=invoice, notes=f"{MARK} other")
    await books.use(client, "record_invoice_payment", invoice_id=invoice, amount=1, description=MARK)
    await books.use(client, "create_invoice", customer_id=customer, line_items=[line], nonsense=MARK)
    await books.use(client, "update_invoice", invoice_id="999", notes=MARK)
    await books.use(client, "delete_customer", customer_id=customer)
    person.answer = NO
    for _ in range(4):
        await books.use(client, "void_invoice", invoice_id=invoice)
    await books.use(client, "create_invoice", customer_id=customer, line_items=[line], **texts)


async def test_no_text_of_a_record_is_written_whatever_is_done_or_refused(
    zoho: Zoho, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "zoho_mcp")
    books = Books(zoho, tmp_path / "state")
    books.mark_every_text()
    async with zoho.client(**books.settings) as client:
        await _changes(books, client, zoho.person)
    async with zoho.client(can_ask=False, confirm_fallback="refuse", **books.settings) as client:
        invoice = await _an_invoice(client)
        await books.use(client, "void_invoice", invoice_id=invoice)
    async with zoho.client(confirm="refuse", **books.settings) as client:
        await books.use(client, "void_invoice", invoice_id=invoice)
        for _ in range(2):
            await books.use(client, "create_customer", contact_name=f"Twice {MARK}")
    for fault in ("status=504", "code=1070", "status=500", "cut-after", "html"):
        zoho.faults.add(f"POST /contacts:{fault}:*")
        async with zoho.client(**books.settings) as client:
            await books.use(client, "create_customer", contact_name=f"{fault} {MARK}")
            await books.use(client, "create_customer", contact_name=f"{fault} {MARK}")
        zoho.faults.clear()
    async with zoho.client(organization_id="900000009", **books.settings) as client:
        await books.use(client, "create_customer", contact_name=MARK)
    written = [path for path in books.folder.rglob("*") if path.is_file() and "before" not in path.name]
    assert any(MARK.encode() in path.read_bytes() for path in books.folder.glob("*-before.jsonl"))
    assert {path.name for path in written} >= {"audit.jsonl", "claims.db"}
    assert [path.name for path in written if MARK.encode() in path.read_bytes()] == []
    assert MARK not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("zoho_mcp"))
    assert set(kinds()) - books.met - NOT_PROVOKED.keys() == set()


async def _an_invoice(client: Client) -> str:
    content: dict[str, Any] = (await client.call_tool("list_invoices", {"status": "sent"})).structured_content or {}
    table = content["invoices"]
    return str(table["rows"][0][table["columns"].index("invoice_id")])
