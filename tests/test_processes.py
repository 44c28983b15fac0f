"""The real processes: the command, a server over stdio in both eras, the served sandbox."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from conftest import ERAS, Era, Person, call
from mcp import Client, StdioServerParameters

from zoho_mcp.cli.local_sandbox import sandboxed
from zoho_mcp.cli.main import main
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.request import Request

pytestmark = pytest.mark.processes

COMMAND = [sys.executable, "-m", "zoho_mcp.cli.main"]
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("ZOHO_")} | {
    # The person who runs the tests may have a policy and an audit file of their own.
    "XDG_CONFIG_HOME": "/nonexistent",
    "XDG_STATE_HOME": "/nonexistent",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=PLAIN | environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_the_server_speaks_over_stdio(era: Era) -> None:
    person = Person(reads=1.2)
    server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "--sandbox"], env=PLAIN)
    with anyio.fail_after(60):
        async with Client(server, mode=era, elicitation_callback=person.elicit) as client:
            invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]["invoice_id"]
            await call(client, "void_invoice", invoice_id=invoice)
            assert (await call(client, "get_invoice", invoice_id=invoice))["invoice"]["status"] == "void"
    assert len(person.questions) == 1


@pytest.mark.anyio
async def test_the_sandbox_can_keep_its_books_in_a_file(tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "--sandbox", str(tmp_path / "books.db")], env=PLAIN
    )
    with anyio.fail_after(60):
        async with Client(server) as client:
            await call(client, "create_customer", contact_name="Kept")
        async with Client(server) as client:
            assert (await call(client, "list_customers", contact_name="Kept"))["customers"][0]["contact_name"] == "Kept"


@pytest.mark.anyio
async def test_books_in_a_file_can_be_opened_more_often_than_zoho_gives_tokens(tmp_path: Path) -> None:
    for _ in range(12):
        settings, transport = sandboxed({}, str(tmp_path / "books.db"))
        client = ZohoClient(settings, transport=transport)
        await client.send(Request("GET", "/contacts"))
        await client.aclose()


def test_an_account_in_part_ends_the_start_with_status_2_and_names_what_is_missing() -> None:
    result = run(ZOHO_CLIENT_ID="1000.PART")
    assert result.returncode == 2
    assert result.stdout == ""
    for name in ("ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN", "--sandbox"):
        assert name in result.stderr


def test_a_wrong_setting_is_named_even_with_the_sandbox() -> None:
    result = run("--sandbox", ZOHO_CONFIRM="maybe")
    assert result.returncode == 2
    assert [word for word in ("ZOHO_CONFIRM", "ask", "refuse", "allow") if word not in result.stderr] == []


def test_the_sandbox_has_a_token_of_its_own_whatever_account_the_environment_names() -> None:
    settings, _ = sandboxed({"ZOHO_SOID": "ZohoInvoice.1", "ZOHO_SCOPES": "a.b.READ", "ZOHO_PROFILE": "none"})
    assert (settings.soid, settings.scopes, settings.token_cache) == ("", (), None)


def test_a_sandbox_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "books.db").write_text("this is no database, and long enough to be sure of it" * 100)
    result = run("--sandbox", str(tmp_path / "books.db"))
    assert result.returncode == 2
    assert "books.db" in result.stderr


def test_a_command_after_the_sandbox_option_is_not_taken_for_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--sandbox", "doctor"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_commands_and_another_word_is_wrong_usage() -> None:
    helped = run("--help").stdout
    for word in ("--sandbox", "check", "demo", "sandbox"):
        assert word in helped
    assert run("frobnicate").returncode == 2


@pytest.mark.anyio
async def test_the_served_sandbox_prints_the_settings_that_reach_it() -> None:
    with subprocess.Popen(
        [*COMMAND, "sandbox"], env=PLAIN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            # What a shell evaluates is on stdout alone; what a person reads is not.
            assert "http://127.0.0.1:" in process.stderr.readline()
            printed = "".join(process.stdout.readline() for _ in range(6))
            found = dict(re.findall(r"^export (ZOHO_\w+)=(\S+)$", printed, re.MULTILINE))
            assert len(found) == 6
            server = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=PLAIN | found)
            with anyio.fail_after(60):
                async with Client(server) as client:
                    assert (await call(client, "list_organizations"))["organizations"]
                    assert (await call(client, "list_customers"))["customers"]
        finally:
            process.terminate()


@pytest.mark.parametrize("fault", ["late=3600", "delay=3600", "big=100000", "cut-after"])
def test_a_sandbox_ends_when_told_to_while_a_fault_delays_a_response_to_a_client_that_has_gone(fault: str) -> None:
    command = [*COMMAND, "sandbox", "--fault", f"* *:{fault}:*"]
    with subprocess.Popen(command, env=PLAIN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(re.findall(r":(\d+)", process.stdout.readline())[0])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"GET /invoice/v3/contacts HTTP/1.1\r\nHost: x\r\n\r\n")
                if fault.startswith("big"):
                    client.recv(1)
            process.terminate()
            process.wait(timeout=30)
        finally:
            process.kill()
