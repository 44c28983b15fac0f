"""Claims in the state folder: a write is noticed as a repetition by other servers of the user, and after a restart."""

import sqlite3
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from conftest import Zoho, call
from mcp import Client

pytestmark = pytest.mark.anyio
NO = types.ElicitResult(action="decline")
NO_PROCESS = 2**30
"""Above what any system numbers its processes with."""
CREATE = "POST /invoice/v3/invoices"


async def invoice_for(client: Client) -> dict[str, Any]:
    customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
    return {"customer_id": customer, "line_items": [{"name": "Logo", "rate": 450, "quantity": 1}]}


def kind(result: types.CallToolResult) -> str:
    content: dict[str, dict[str, str]] = result.structured_content or {}
    return content["error"]["kind"] if result.is_error else ""


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "claims.db")


def process_is_gone(file: str) -> None:
    """The process that holds the claims was killed in the middle of its calls."""
    with sqlite3.connect(file) as database:
        database.execute("update claims set running = 1, record = null, pid = ?", (NO_PROCESS,))
    database.close()


async def test_another_server_and_a_restarted_one_ask_before_they_write_the_same(zoho: Zoho, file: str) -> None:
    zoho.person.answer = NO
    async with zoho.client(claims_file=file) as client:
        arguments = await invoice_for(client)
        made = (await call(client, "create_invoice", **arguments))["invoice"]["invoice_number"]
        async with zoho.client(claims_file=file) as other:
            assert kind(await other.call_tool("create_invoice", arguments)) == "declined"
    async with zoho.client(claims_file=file) as restarted:
        assert kind(await restarted.call_tool("create_invoice", arguments)) == "declined"
    assert [made in question for question in zoho.person.questions] == [True, True]
    assert zoho.changes() == [CREATE]


async def test_a_confirmed_repetition_is_written_and_the_next_one_is_asked_about_it(zoho: Zoho, file: str) -> None:
    async with zoho.client(claims_file=file) as client:
        arguments = await invoice_for(client)
        await call(client, "create_invoice", **arguments)
        async with zoho.client(claims_file=file) as other:
            again = (await call(other, "create_invoice", **arguments))["invoice"]["invoice_number"]
    zoho.person.answer = NO
    async with zoho.client(claims_file=file) as restarted:
        assert kind(await restarted.call_tool("create_invoice", arguments)) == "declined"
    assert [again in question for question in zoho.person.questions] == [False, True]
    assert zoho.changes() == [CREATE, CREATE]


async def test_what_a_killed_server_had_sent_is_found_and_asked_about(zoho: Zoho, file: str) -> None:
    zoho.person.answer = NO
    async with zoho.client(claims_file=file) as client:
        arguments = await invoice_for(client)
        made = (await call(client, "create_invoice", **arguments))["invoice"]["invoice_number"]
    process_is_gone(file)
    with sqlite3.connect(file) as database:
        database.execute("delete from created")
    database.close()
    async with zoho.client(claims_file=file) as restarted:
        assert kind(await restarted.call_tool("create_invoice", arguments)) == "declined"
    assert made in zoho.person.questions[0]
    assert zoho.changes() == [CREATE]


async def test_what_a_killed_server_had_not_sent_is_written_once_it_is_surely_over(zoho: Zoho, file: str) -> None:
    async with zoho.client(claims_file=file) as client:
        arguments = await invoice_for(client)
        zoho.faults.add("POST /invoices:status=504")
        assert kind(await client.call_tool("create_invoice", arguments)) == "unknown"
    process_is_gone(file)
    zoho.clock.advance(minutes=2)
    async with zoho.client(claims_file=file) as restarted:
        await call(restarted, "create_invoice", **arguments)
    assert zoho.changes() == [CREATE]


async def test_of_two_servers_at_the_same_time_one_writes(zoho: Zoho, file: str) -> None:
    zoho.person.answer = NO
    results: list[str] = []

    async def write(client: Client, arguments: dict[str, Any]) -> None:
        results.append(kind(await client.call_tool("create_invoice", arguments)))

    async with zoho.client(claims_file=file) as one, zoho.client(claims_file=file) as two:
        arguments = await invoice_for(one)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(write, one, arguments)
                group.start_soon(write, two, arguments)
    assert sorted(results) == ["", "declined"]
    assert zoho.changes() == [CREATE]


async def test_defaults_blanks_and_decimals_do_not_make_another_call(zoho: Zoho, file: str) -> None:
    zoho.person.answer = NO
    async with zoho.client(claims_file=file) as client:
        arguments = await invoice_for(client)
        await call(client, "create_invoice", **arguments)
        for line in (
            {"name": "Logo", "rate": 450},
            {"name": "Logo ", "rate": 450.0, "quantity": 1},
            {"name": "Logo", "rate": 450, "discount": 0},
        ):
            same = {**arguments, "line_items": [line]}
            assert kind(await client.call_tool("create_invoice", same)) == "declined"
    assert zoho.changes() == [CREATE]


async def test_the_file_is_private_and_holds_no_argument(zoho: Zoho, file: str) -> None:
    async with zoho.client(claims_file=file) as client:
        arguments = await invoice_for(client)
        await call(client, "create_invoice", **{**arguments, "notes": "confidential-marker"})
    assert Path(file).stat().st_mode & 0o777 == 0o600
    assert all(b"confidential-marker" not in path.read_bytes() for path in Path(file).parent.iterdir())


async def test_without_a_usable_file_a_server_keeps_its_own_claims(zoho: Zoho, tmp_path: Path) -> None:
    zoho.person.answer = NO
    (tmp_path / "claims.db").mkdir()
    async with zoho.client(claims_file=str(tmp_path / "claims.db")) as client:
        arguments = await invoice_for(client)
        await call(client, "create_invoice", **arguments)
        assert kind(await client.call_tool("create_invoice", arguments)) == "declined"
    assert zoho.changes() == [CREATE]
