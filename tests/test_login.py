"""Logging in and out, with real processes, against the served sandbox."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from conftest import call
from file_keyring import FILE
from machine import COMMAND, INTERRUPTED, Machine, add_organization, serving
from mcp import Client, StdioServerParameters

from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

pytestmark = pytest.mark.processes


def stored(machine: Machine, name: str = "default") -> dict[str, Any]:
    return json.loads(machine.profile(name).read_text(encoding="utf-8"))


def by_default() -> Mapping[str, Operation]:
    """The tools that are offered where nobody chose any."""
    return chosen(load(), from_environment({}, account=False))


async def tools(machine: Machine, **environment: str) -> set[str]:
    """The tools of a server that is started with nothing but the home folder, after it has answered a call."""
    server = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=machine.environment(**environment))
    with anyio.fail_after(60):
        async with Client(server) as client:
            assert (await call(client, "list_customers", per_page=1))["customers"]
            return {tool.name for tool in (await client.list_tools()).tools}


@pytest.mark.anyio
async def test_after_login_the_server_needs_no_settings_and_no_second_token(machine: Machine) -> None:
    result = machine.login()
    assert result.returncode == 0, result.stderr
    assert "Studio Linden (900000001)" in result.stdout
    assert await tools(machine) == set(by_default())
    assert machine.accounts.refreshes(str(stored(machine)["refresh_token"])) == 0


def test_login_asks_for_exactly_the_scopes_of_all_tools_offline_and_with_pkce(machine: Machine) -> None:
    assert machine.login().returncode == 0
    asked = parse_qs(urlsplit(machine.pages().split("\n")[0]).query)
    expected = {f"ZohoInvoice.{operation.scope}" for operation in load().operations.values()}
    assert set(asked["scope"][0].split(",")) == expected == set(stored(machine)["scopes"])
    assert (asked["access_type"], asked["prompt"], asked["code_challenge_method"]) == (
        ["offline"],
        ["consent"],
        ["S256"],
    )
    assert asked["redirect_uri"] == [f"http://localhost:{machine.port}/callback"]


@pytest.mark.anyio
async def test_read_only_asks_for_read_alone_and_offers_only_what_reads(machine: Machine) -> None:
    assert machine.login("--read-only").returncode == 0
    scopes = stored(machine)["scopes"]
    assert {str(scope).rpartition(".")[2] for scope in scopes} == {"READ"}
    reading = {name for name, operation in by_default().items() if operation.effect == "read"}
    assert await tools(machine) == reading


def test_toolsets_narrow_the_scopes_and_an_unknown_one_is_named(machine: Machine) -> None:
    assert machine.login("--toolsets", "customers", "--organization", CREDENTIALS.organization_id).returncode == 0
    scopes = stored(machine)["scopes"]
    assert scopes == [f"ZohoInvoice.contacts.{verb}" for verb in ("CREATE", "DELETE", "READ", "UPDATE")]
    result = machine.login("--toolsets", "customers,magic")
    assert (result.returncode, result.kind) == (2, "settings")
    assert "magic" in result.stderr


def test_the_client_can_be_typed_and_books_has_its_own_scopes(machine: Machine) -> None:
    typed = f"{CREDENTIALS.client_id}\n{CREDENTIALS.client_secret}\n"
    result = machine.run(
        "login", "--product", "books", "--port", str(machine.port), stdin=typed, **machine.to_zoho()
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "ZohoBooks.invoices.READ" in str(stored(machine)["scopes"])
    assert "ZohoInvoice." not in str(stored(machine)["scopes"])


def test_logging_in_again_uses_the_same_client_and_forgets_the_old_token(machine: Machine) -> None:
    assert machine.login().returncode == 0
    again = machine.run("login", "--port", str(machine.port))
    assert again.returncode == 0, again.stderr
    assert len(list(machine.tokens.glob("*.json"))) == 1


def test_logging_in_again_without_reaching_zohos_organisations_keeps_the_one_there_was(machine: Machine) -> None:
    assert machine.login().returncode == 0
    again = machine.run("login", "--port", str(machine.port), "--organization", "900000009")
    assert again.returncode == 0
    assert "900000001" in again.stderr
    assert stored(machine)["organization_id"] == "900000001"
    other = machine.run("login", "--port", str(machine.port), "--organization", "900000009", "--product", "books")
    assert other.returncode == 1
    assert stored(machine)["organization_id"] == ""


@pytest.mark.parametrize(
    ("option", "wrong", "says"),
    [
        ("--dc", "mars", "ZOHO_DC"),
        ("--product", "crm", "--product"),
        ("--port", "70000", "--port 70000"),
        ("--profile", "../../etc/passwd", "../../etc/passwd"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(machine: Machine, option: str, wrong: str, says: str) -> None:
    result = machine.login(option, wrong)
    assert result.returncode == 2
    assert says in result.stderr
    assert not machine.profile().parent.exists()


def test_a_wrong_secret_is_named_and_nothing_is_kept(machine: Machine) -> None:
    result = machine.login(stdin="wrong\n")
    assert (result.returncode, result.kind) == (1, "auth")
    assert "ZOHO_CLIENT_SECRET" in result.stderr
    assert not machine.profile().exists()


def test_a_missing_secret_is_asked_for_not_taken_from_the_command_line(machine: Machine) -> None:
    result = machine.login(stdin="")
    assert (result.returncode, result.kind) == (2, "settings")
    assert "ZOHO_CLIENT_SECRET" in result.stderr
    assert "--client-secret" not in machine.run("login", "--help").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_it_asks_and_does_not_show_the_secret(machine: Machine) -> None:
    import pty

    leader, follower = pty.openpty()
    # The proxy keeps it from reaching Europe's real accounts server.
    environment = machine.environment(HTTPS_PROXY="http://127.0.0.1:9")
    command = [*COMMAND, "login", "--profile", "typed", "--code", machine.accounts.new_code()]
    shown = ""
    with subprocess.Popen(
        command, env=environment, stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    ):
        os.close(follower)
        for question, answer in (
            ("Number", "2"),
            ("Client id", CREDENTIALS.client_id),
            ("secret (not shown)", "plant3d"),
        ):
            while question not in shown:
                shown += os.read(leader, 1024).decode()
            os.write(leader, f"{answer}\n".encode())
        try:
            while data := os.read(leader, 1024):
                shown += data.decode()
        except OSError:
            pass  # What a terminal says on Linux when nobody writes to it any more.
    os.close(leader)
    assert "2  Europe (accounts.zoho.eu)" in shown
    assert "plant3d" not in shown
    assert "https://accounts.zoho.eu" in shown


def test_a_port_that_is_taken_is_named(machine: Machine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", machine.port))
        other.listen()
        result = machine.login()
    assert (result.returncode, result.kind) == (2, "settings")
    assert str(machine.port) in result.stderr


def test_a_self_clients_code_needs_no_browser(machine: Machine) -> None:
    result = machine.login(
        "--code", machine.accounts.new_code("ZohoInvoice.settings.READ", "ZohoInvoice.invoices.READ")
    )
    assert result.returncode == 0, result.stderr
    assert not machine.log.exists()
    assert stored(machine)["scopes"] == ["ZohoInvoice.invoices.READ", "ZohoInvoice.settings.READ"]


def test_the_code_can_be_asked_for_after_the_scopes_are_told(machine: Machine) -> None:
    result = machine.login("--code", stdin=f"{CREDENTIALS.client_secret}\n{machine.accounts.new_code()}\n")
    assert result.returncode == 0, result.stderr
    assert "ZohoInvoice.contacts.CREATE,ZohoInvoice.contacts.DELETE" in result.stdout


def test_a_code_that_was_used_is_refused(machine: Machine) -> None:
    code = machine.accounts.new_code()
    assert machine.login("--code", code).returncode == 0
    result = machine.login("--code", code, "--profile", "other")
    assert (result.returncode, result.kind) == (1, "auth")
    assert not machine.profile("other").exists()


@pytest.mark.anyio
async def test_a_self_client_without_a_user_has_no_refresh_token(machine: Machine) -> None:
    result = machine.login(
        "--client-credentials", "--soid", f"ZohoInvoice.{CREDENTIALS.organization_id}", "--read-only"
    )
    assert result.returncode == 0, result.stderr
    assert stored(machine)["refresh_token"] == ""
    assert "list_invoices" in await tools(machine)
    assert machine.run("doctor").returncode == 0
    assert machine.run("logout").returncode == 0


@pytest.fixture
def two_organizations(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "zoho").mkdir()
    (tmp_path / "home").mkdir()
    with serving(tmp_path / "zoho") as accounts:
        add_organization(accounts, "900000002", "Linden Export")
        yield Machine(accounts, tmp_path / "home")


def test_of_several_organisations_one_is_chosen(two_organizations: Machine) -> None:
    machine, secret = two_organizations, CREDENTIALS.client_secret
    result = machine.login(stdin=f"{secret}\n3\nx\n2\n")
    assert result.returncode == 0, result.stderr
    assert "Linden Export (900000002)" in result.stdout
    assert stored(machine)["organization_id"] == "900000002"
    assert machine.login("--profile", "first", "--organization", "Studio Linden").returncode == 0
    assert stored(machine, "first")["organization_id"] == "900000001"
    # Nobody to choose: logged in all the same, and told how to go on.
    open_end = machine.login("--profile", "open")
    assert open_end.returncode == 1
    assert "profiles open --organization NUMBER" in open_end.stdout
    assert machine.run("profiles", "open", "--organization", "900000009").returncode == 2
    assert machine.run("profiles", "open", "--organization", "900000002").returncode == 0
    assert stored(machine, "open")["organization_id"] == "900000002"


def test_profiles_are_listed_and_one_is_the_default(machine: Machine) -> None:
    assert machine.run("profiles").returncode == 1
    for name in ("acme", "beta"):
        assert machine.login("--profile", name).returncode == 0
    unclear = machine.run()
    assert (unclear.returncode, unclear.kind) == (2, "settings")
    assert [name for name in ("acme", "beta") if name not in unclear.stderr] == []
    assert machine.run("profiles", "beta", "--use").returncode == 0
    assert [line[:6] for line in machine.run("profiles").stdout.splitlines()] == ["  acme", "* beta"]
    assert str(machine.profile("beta")) in machine.run("doctor").stdout
    assert str(machine.profile("acme")) in machine.run("doctor", "--profile", "acme").stdout
    assert str(machine.profile("acme")) in machine.run("doctor", ZOHO_PROFILE="acme").stdout


def test_variables_win_over_the_profile_but_two_accounts_are_not_mixed(machine: Machine) -> None:
    assert machine.login().returncode == 0
    found = machine.run("doctor", ZOHO_ORGANIZATION_ID="12345")
    assert found.returncode == 1
    assert "12345" in found.stdout
    mixed = machine.run("--profile", "default", ZOHO_REFRESH_TOKEN="1000.another")
    assert (mixed.returncode, mixed.kind) == (2, "settings")
    assert "ZOHO_REFRESH_TOKEN" in mixed.stderr
    alone = machine.run("doctor", **machine.account(machine.accounts.new_grant()))
    assert (alone.returncode, str(machine.profile()) in alone.stdout) == (0, False)


@pytest.mark.anyio
async def test_the_secrets_are_in_the_keyring_where_there_is_one(machine: Machine) -> None:
    machine.variables |= {"PYTHON_KEYRING_BACKEND": "file_keyring.Keyring", FILE: str(machine.home / "ring")}
    result = machine.login(process=True)
    assert result.returncode == 0, result.stderr
    ring = json.loads((machine.home / "ring").read_text())
    [secrets] = [json.loads(value) for value in ring.values()]
    kept = machine.profile().read_text()
    assert secrets["client_secret"] == CREDENTIALS.client_secret
    assert secrets["client_secret"] not in kept
    assert secrets["refresh_token"] not in kept
    assert await tools(machine)
    (machine.home / "ring").rename(machine.home / "elsewhere")
    assert machine.process().returncode == 2
    (machine.home / "elsewhere").rename(machine.home / "ring")
    assert machine.process("logout").returncode == 0
    assert (machine.home / "ring").read_text() == "{}"


def test_what_is_kept_is_for_this_user_alone(machine: Machine) -> None:
    assert machine.login().returncode == 0
    for path in (machine.profile(), *machine.tokens.glob("*.json")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    machine.profile().chmod(0o644)
    result = machine.run()
    assert (result.returncode, result.kind) == (2, "settings")
    assert f"chmod 600 '{machine.profile()}'" in result.stderr


@pytest.mark.parametrize(
    "content",
    [
        "",
        '{"client_id": "x", "client_secret": "y", "data_centre": "mars"}',
        "[]",
        '{"client_id": 5}',
        '{"client_id": "x"}',
        "\x00" * 100,
    ],
)
def test_a_broken_profile_is_named_and_can_be_replaced(machine: Machine, content: str) -> None:
    machine.profile().parent.mkdir(parents=True)
    machine.profile().write_text(content)
    machine.profile().chmod(0o600)
    result = machine.run()
    assert (result.returncode, result.kind) == (2, "settings")
    assert str(machine.profile()) in result.stderr


def test_logout_revokes_at_zoho_and_forgets_everything(machine: Machine) -> None:
    assert machine.login().returncode == 0
    token = str(stored(machine)["refresh_token"])
    assert token in machine.accounts.grants()
    result = machine.run("logout")
    assert result.returncode == 0, result.stderr
    assert token not in machine.accounts.grants()
    assert not machine.profile().exists()
    assert list(machine.tokens.iterdir()) == []
    assert machine.run("logout").kind == "settings"


def test_logout_keeps_the_profile_when_zoho_cannot_be_reached_unless_forced(machine: Machine) -> None:
    assert machine.login().returncode == 0
    fields = stored(machine) | {"accounts_url": "http://127.0.0.1:9"}
    machine.profile().write_text(json.dumps(fields))
    result = machine.run("logout")
    assert result.returncode == 1
    assert machine.profile().exists()
    # Nobody knows whether Zoho has revoked it.
    assert machine.run("logout", "--force").returncode == 1
    assert not machine.profile().exists()


def test_a_token_revoked_at_zoho_is_forgotten_all_the_same(machine: Machine) -> None:
    assert machine.login().returncode == 0
    machine.accounts.revoke(str(stored(machine)["refresh_token"]))
    result = machine.run("logout")
    assert result.returncode == 1
    assert not machine.profile().exists()


def test_ctrl_c_while_waiting_for_the_browser_leaves_nothing(machine: Machine) -> None:
    process = subprocess.Popen(
        [*COMMAND, "login", "--no-browser", "--client-id", CREDENTIALS.client_id, "--port", str(machine.port)],
        env=machine.environment(**machine.to_zoho(), **INTERRUPTED, ZOHO_CLIENT_SECRET=CREDENTIALS.client_secret),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        while "/oauth/v2/auth" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == ""
    assert not machine.profile().exists()
