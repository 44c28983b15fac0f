"""What was changed, as a tool, a resource and a command: ids from the audit file, everything else read fresh."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call
from machine import Machine
from mcp import Client

from zoho_mcp.audit.log import Audit
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.server.results.projection import with_records

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "audit.jsonl")


async def changes_of(client: Client, **arguments: Any) -> list[dict[str, Any]]:
    return (await call(client, "list_changes", **arguments)).get("changes", [])


async def invoice_of(client: Client) -> dict[str, Any]:
    return (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]


@both_eras
async def test_each_change_is_listed_once_with_its_record_as_it_is_now(zoho: Zoho, era: Era, file: str) -> None:
    async with zoho.client(era, audit_file=file, toolsets=("all",)) as client:
        invoice = await invoice_of(client)
        await call(client, "void_invoice", invoice_id=invoice["invoice_id"])
        zoho.person.answer = types.ElicitResult(action="decline")
        other = await invoice_of(client)
        await client.call_tool("void_invoice", {"invoice_id": other["invoice_id"]})
        customer = (await call(client, "create_customer", contact_name="Quay & Sons"))["customer"]["customer_id"]
        day = json.loads(Path(file).read_text().splitlines()[0])["time"][:10]
        rows = [row for near in days(day) for row in await changes_of(client, date=near)]
        assert await changes_of(client, date="1999-01-01") == []
        resource = (await client.read_resource("zoho-invoice://changes")).contents[0]
    shown = {(row["record_id"], row["outcome"]): row for row in rows}
    assert len(rows) == 3
    done = shown[invoice["invoice_id"], "done"]
    assert (done["number"], done["customer_name"]) == (invoice["invoice_number"], invoice["customer_name"])
    assert done["amount"] == invoice["total"]
    assert shown[customer, "done"]["customer_name"] == "Quay & Sons"
    [declined] = [row for row in rows if row["record_id"] == other["invoice_id"]]
    assert "reason" in declined
    assert isinstance(resource, types.TextResourceContents)
    today = with_records(json.loads(resource.text))
    assert [row["record_id"] for row in today["changes"]] == [row["record_id"] for row in rows]


def days(day: str) -> list[str]:
    """The day in UTC and the one before: the organisation may be behind it."""
    return [day, (date.fromisoformat(day) - timedelta(days=1)).isoformat()]


async def test_the_resource_is_there_without_the_tool_and_reads_only_what_is_offered(zoho: Zoho, file: str) -> None:
    async with zoho.client(audit_file=file, tools=("create_customer",)) as client:
        made = (await call(client, "create_customer", contact_name="Hidden Ltd"))["customer"]["customer_id"]
        resource = (await client.read_resource("zoho-invoice://changes")).contents[0]
    assert isinstance(resource, types.TextResourceContents)
    assert made in resource.text
    assert "Hidden" not in resource.text


async def test_the_command_shows_number_amount_and_customer_where_the_account_can_be_reached(
    machine: Machine, file: str
) -> None:
    with machine.accounts.store() as store:
        books = store.books(CREDENTIALS.organization_id)
        invoice = books.all("invoice")[0]
        grant = store.shared.all("refresh_token")[0]["token"]
    line = {"call": "1", "event": "ended", "tool": "void_invoice", "organization": CREDENTIALS.organization_id}
    line |= {"arguments": {"invoice_id": invoice["invoice_id"]}, "record_id": invoice["invoice_id"], "outcome": "done"}
    Audit(file).append(line)
    shown = machine.run("audit", "--file", file, **machine.account(grant)).stdout
    offline = machine.run("audit", "--file", file, "--offline", **machine.account(grant)).stdout
    without = machine.run("audit", "--file", file).stdout
    assert offline == without
    assert invoice["invoice_id"] in offline
    assert invoice["invoice_number"] in shown
    assert invoice["invoice_number"] not in offline
    assert f"{invoice['total']:.2f}" in shown
    assert datetime.now().astimezone().strftime("%Y-%m-%d") in shown
