"""Many processes, killed processes, throttled and revoked tokens: real ones, against the served sandbox."""

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from filelock import FileLock, Timeout
from machine import COMMAND, Accounts, Machine

from zoho_mcp.sandbox import oauth
from zoho_mcp.sandbox.times import stamp
from zoho_mcp.settings.profiles import settings_for
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.request import ORGANIZATIONS

pytestmark = pytest.mark.processes

DEADLINE = 30.0
TOKEN = """\
import os, sys, anyio, httpx
from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.settings.profiles import settings_for
from zoho_mcp.zoho.oauth.tokens import TokenSource

async def main():
    async with httpx.AsyncClient() as http:
        source = TokenSource(settings_for(os.environ), lambda: http)
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            print((await source.current()).secret)
        except ZohoMcpError as problem:
            print(problem)

anyio.run(main)
"""
DEBUG = """\
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from zoho_mcp.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def grant(accounts: Accounts) -> str:
    return accounts.new_grant()


class Process:
    """Wants a token as soon as it is told to go."""

    def __init__(self, machine: Machine, grant: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", TOKEN], env=machine.environment(**machine.account(grant)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ready(self) -> "Process":
        assert self.popen.stdout is not None
        assert self.popen.stdout.readline() == "ready\n"
        return self

    def go(self) -> "Process":
        assert self.popen.stdin is not None
        self.popen.stdin.write("go\n")
        self.popen.stdin.flush()
        return self

    def said(self) -> str:
        """What it printed, to its end."""
        out, errors = self.popen.communicate(timeout=DEADLINE)
        assert errors == ""
        return out.strip()

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.communicate(timeout=DEADLINE)


def token(machine: Machine, grant: str) -> str:
    return Process(machine, grant).ready().go().said()


def is_token(text: str) -> bool:
    return re.fullmatch(r"1000\.[0-9a-f]{32}\.[0-9a-f]{32}", text) is not None


def test_twenty_processes_started_together_do_one_refresh(machine: Machine, grant: str) -> None:
    processes = [Process(machine, grant) for _ in range(20)]
    for process in processes:
        process.ready()
    for process in processes:
        process.go()
    found = {process.said() for process in processes}
    assert len(found) == 1
    assert is_token(found.pop())
    assert machine.accounts.refreshes(grant) == 1


def test_a_process_killed_in_the_middle_of_a_refresh_leaves_nothing_locked(machine: Machine, grant: str) -> None:
    victim = Process(machine, grant).ready()
    with machine.accounts.store() as store, store.transaction():
        # Zoho's answer cannot come while this goes on.
        victim.go()
        until = time.monotonic() + DEADLINE
        while not _locked(machine):
            assert time.monotonic() < until
        victim.kill()
    assert not _locked(machine)
    assert is_token(token(machine, grant))
    assert machine.accounts.refreshes(grant) <= 2


def _locked(machine: Machine) -> bool:
    try:
        for path in machine.tokens.glob("*.lock"):
            with FileLock(path, timeout=0):
                pass
    except Timeout:
        return True
    return False


def test_processes_killed_at_any_moment_lose_nothing(machine: Machine, grant: str) -> None:
    for wait in range(8):
        process = Process(machine, grant).ready().go()
        with suppress(subprocess.TimeoutExpired):
            process.popen.wait(wait * 0.004)
        process.kill()
        for path in machine.tokens.glob("*.json"):
            assert is_token(json.loads(path.read_text())["access_token"])
    assert is_token(token(machine, grant))
    assert machine.accounts.refreshes(grant) <= 9


def test_the_throttle_holds_for_every_process(machine: Machine, grant: str) -> None:
    _use_up(machine.accounts, grant, 10)
    assert "It does again at" in token(machine, grant)
    _use_up(machine.accounts, grant, 0)
    assert "It does again at" in token(machine, grant)
    assert machine.accounts.refreshes(grant) == 0


def _use_up(accounts: Accounts, grant: str, times: int) -> None:
    with accounts.store() as store, store.transaction():
        record = store.shared.get("refresh_token", grant) or {}
        store.shared.put("refresh_token", grant, {**record, "refreshes": [stamp(datetime.now(UTC))] * times})


def test_a_revoked_token_is_named_and_the_refusal_is_shared(machine: Machine, grant: str) -> None:
    machine.accounts.revoke(grant)
    assert "wrong, revoked" in token(machine, grant)
    with machine.accounts.store() as store, store.transaction():
        oauth.add_refresh_token(store, machine.account(grant)["ZOHO_CLIENT_ID"], ["ZohoInvoice.fullaccess.all"], grant)
    # It would work again, but nobody asks within the minute.
    assert "wrong, revoked" in token(machine, grant)
    assert machine.accounts.refreshes(grant) == 0


@pytest.mark.anyio
async def test_many_calls_whose_token_was_revoked_meanwhile_share_one_renewal(machine: Machine, grant: str) -> None:
    settings = settings_for(machine.environment(**machine.account(grant)))
    client = ZohoClient(settings)
    await client.send(ORGANIZATIONS)
    [cache] = machine.tokens.glob("*.json")
    with machine.accounts.store() as store, store.transaction():
        store.shared.drop("access_token", json.loads(cache.read_text())["access_token"])
    # As many as there are connections: the renewal needs one too.
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(client.send, ORGANIZATIONS)
    await client.aclose()
    assert machine.accounts.refreshes(grant) == 2


def test_no_output_of_any_process_shows_a_secret(machine: Machine) -> None:
    secrets = {"client_id": "1000.PLANTED", "client_secret": "plant3d-s3cret"}
    with machine.accounts.store() as store, store.transaction():
        oauth.add_client(store, **secrets)
    machine.write_browser(
        "import glob\nfor path in glob.glob('/proc/[0-9]*/cmdline'):\n"
        + "    try: open(__file__ + '.log', 'ab').write(open(path, 'rb').read() + b'\\n')\n    except OSError: pass\n"
    )
    client = {"ZOHO_CLIENT_ID": secrets["client_id"], "ZOHO_CLIENT_SECRET": secrets["client_secret"]}
    outputs = [_debug(machine, "login", "--port", str(machine.port), **machine.to_zoho(), **client)]
    profile = json.loads(machine.profile().read_text())
    [cache] = machine.tokens.glob("*.json")
    planted = {secrets["client_secret"], profile["refresh_token"], json.loads(cache.read_text())["access_token"]}
    outputs += [_debug(machine, "doctor"), _served(machine), _debug(machine, "profiles")]
    # What goes wrong tells no more: an open file, a broken file, a revoked token, a host that is no Zoho.
    cache.chmod(0o644)
    outputs.append(_served(machine))
    planted.add(json.loads(cache.read_text())["access_token"])
    machine.accounts.revoke(profile["refresh_token"])
    cache.write_text("{")
    outputs += [_served(machine), _debug(machine, "doctor")]
    outputs.append(_debug(machine, "doctor", ZOHO_ACCOUNTS_URL=f"{machine.accounts.url}/no"))
    machine.profile().chmod(0o644)
    outputs.append(_debug(machine, "doctor"))
    machine.profile().chmod(0o600)
    outputs += [_debug(machine, "logout"), machine.pages()]
    everything = "".join(outputs)
    assert "zoho_mcp.cli.main" in machine.pages() or not Path("/proc").exists()
    assert "HTTP Request: POST" in everything
    for secret in planted:
        assert secret not in everything


def _debug(machine: Machine, *arguments: str, **environment: str) -> str:
    """Everything a command says with all logs switched on."""
    result = subprocess.run(
        [sys.executable, "-c", DEBUG, *arguments], env=machine.environment(**environment), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return result.stdout + result.stderr


def _served(machine: Machine) -> str:
    """The same of a server that is asked for something."""
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_organizations", "arguments": {}}},
    ]
    with subprocess.Popen(
        [sys.executable, "-c", DEBUG], env=machine.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
        process.stdin.flush()
        lines = [process.stdout.readline(), process.stdout.readline()]
        out, errors = process.communicate(timeout=DEADLINE)
    assert '"id":2' in lines[1]
    return "".join(lines) + out + errors


def test_the_command_line_has_no_place_for_a_secret() -> None:
    shown = subprocess.run([*COMMAND, "login", "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "--client-secret" not in shown
    assert "--refresh-token" not in shown
