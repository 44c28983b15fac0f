"""`doctor` says what works and what to do about the rest, and changes nothing."""

import json
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from machine import Machine

from zoho_mcp.cli.clients.apps import CLIENTS
from zoho_mcp.cli.clients.apps import Machine as Here
from zoho_mcp.cli.doctor.account import Finding
from zoho_mcp.cli.doctor.doctor import examine
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.processes

READING = ("ZohoInvoice.invoices.READ", "ZohoInvoice.contacts.READ", "ZohoInvoice.settings.READ")


def findings(machine: Machine, **variables: str) -> dict[str, Finding]:
    """What it finds, by what each is about."""
    environment = machine.environment(APPDATA=str(machine.home / "Roaming"), **variables)
    return {one.about: one for one in examine(environment, Here(sys.platform, machine.home, environment))}


def marks(found: Mapping[str, Finding]) -> dict[str, str]:
    return {about: finding.mark for about, finding in found.items()}


def test_all_is_well_after_login(machine: Machine) -> None:
    assert machine.login().returncode == 0
    found = findings(machine)
    assert list(found) == [
        "settings", "data centre", "token", "scopes", "organisation", "clock", "limits", "files", "chat apps",
    ]  # fmt: skip
    assert {mark for about, mark in marks(found).items() if about != "chat apps"} == {"ok"}
    assert "Studio Linden (900000001)" in found["organisation"].found
    assert found["limits"].found.startswith("99")
    assert str(machine.profile()) in found["settings"].found


def test_the_exit_status_says_whether_something_has_to_be_done(machine: Machine) -> None:
    assert machine.run("doctor").returncode == 1
    assert machine.login().returncode == 0
    done = machine.run("doctor")
    assert (done.returncode, done.stderr) == (0, "")


def test_before_the_first_login_it_says_just_that(machine: Machine) -> None:
    assert marks(findings(machine)) == {"account": "FAILS", "chat apps": "note"}
    found = findings(machine, ZOHO_CLIENT_ID="1000.x")
    assert found["settings"].mark == "FAILS"
    assert "ZOHO_CLIENT_SECRET" in found["settings"].found


@pytest.mark.parametrize("login", [False, True])
def test_a_server_on_the_sandbox_needs_no_account(machine: Machine, login: bool) -> None:
    if login:
        assert machine.login().returncode == 0
    assert marks(findings(machine, ZOHO_SANDBOX="true"))["account"] == "ok"
    assert machine.run("doctor", "--sandbox").returncode == 0
    wrong = findings(machine, ZOHO_SANDBOX="1")
    assert wrong["settings"].mark == "FAILS"
    assert "ZOHO_SANDBOX" in wrong["settings"].found


def test_demo_data_needs_no_account(machine: Machine) -> None:
    (machine.home / ".cursor").mkdir()
    assert machine.run("install", "cursor", "--sandbox", "--yes").returncode == 0
    assert marks(findings(machine))["account"] == "ok"
    (machine.home / ".codeium" / "windsurf").mkdir(parents=True)
    assert machine.run("install", "windsurf", "--yes").returncode == 0
    assert marks(findings(machine))["account"] == "FAILS"


def test_an_app_on_demo_data_on_another_login_or_read_only_is_noticed(machine: Machine) -> None:
    for name in ("default", "acme"):
        assert machine.login("--profile", name).returncode == 0
    for app, options in {
        "cursor": ("--sandbox",), "codex": ("--profile", "acme"), "gemini": ("--read-only",), "windsurf": (),
    }.items():  # fmt: skip
        configuration(machine, app)
        assert machine.run("install", app, *options, "--yes").returncode == 0
    found = findings(machine)
    apps = {app: found[CLIENTS[app].title] for app in ("cursor", "codex", "gemini", "windsurf")}
    assert marks(apps) == {"cursor": "note", "codex": "note", "gemini": "note", "windsurf": "ok"}
    assert "acme" in apps["codex"].found
    # Logging in names them as well, with the command that changes each.
    said = machine.login().stdout
    assert [f"install {app}" in said for app in apps] == [True, True, True, False]


def test_it_changes_nothing(machine: Machine) -> None:
    assert machine.login().returncode == 0

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in machine.home.rglob("*") if path.is_file()}

    before = files()
    findings(machine)
    assert files() == before


def test_tools_that_the_scopes_do_not_cover_are_named(machine: Machine) -> None:
    assert machine.login("--code", machine.accounts.new_code(*READING)).returncode == 0
    found = findings(machine)
    assert "FAILS" not in marks(found).values()
    scopes = found["scopes"]
    assert scopes.mark == "note"
    assert f" {len(chosen(load(), from_environment({}, account=False)))} " in scopes.found
    assert "create_customer" in scopes.found
    assert "ZohoInvoice.contacts.CREATE, " in scopes.advice
    # Its own scope is there, but not the one of the question that comes before it.
    assert "list_payments" in scopes.found


def test_scopes_for_another_product_leave_no_tools(machine: Machine) -> None:
    found = findings(machine, **machine.account(machine.accounts.new_grant("ZohoBooks.fullaccess.all")))
    assert found["scopes"].mark == "FAILS"


def test_a_revoked_token_is_reported_with_what_to_do(machine: Machine) -> None:
    grant = machine.accounts.new_grant()
    machine.accounts.revoke(grant)
    found = findings(machine, **machine.account(grant))
    assert found["token"].mark == "FAILS"
    assert "zoho-invoice-mcp login" in found["token"].advice
    assert "organisation" not in found


@pytest.mark.parametrize(
    ("number", "names"),
    [("", "900000001 (Studio Linden)"), ("5", "5: ")],
)
def test_the_organisation_is_looked_up(machine: Machine, number: str, names: str) -> None:
    variables = machine.account(machine.accounts.new_grant()) | {"ZOHO_ORGANIZATION_ID": number}
    organisation = findings(machine, **variables)["organisation"]
    assert organisation.mark == "FAILS"
    assert names in organisation.found + organisation.advice


def test_no_network_is_reported(machine: Machine) -> None:
    away = "http://127.0.0.1:9"
    account = machine.account(machine.accounts.new_grant()) | {"ZOHO_ACCOUNTS_URL": away, "ZOHO_API_URL": away}
    assert findings(machine, **account)["token"].mark == "FAILS"


def test_files_that_others_can_read_are_named(machine: Machine) -> None:
    assert machine.login().returncode == 0
    machine.tokens.chmod(0o777)
    files = findings(machine)["files"]
    assert (files.mark, f"chmod 700 '{machine.tokens}'" in files.advice) == ("FAILS", True)
    machine.profile().chmod(0o640)
    settings = findings(machine)["settings"]
    assert settings.mark == "FAILS"
    assert f"chmod 600 '{machine.profile()}'" in settings.found


def configuration(machine: Machine, name: str) -> Path:
    """The file of an installed chat app."""
    here = Here(sys.platform, machine.home, machine.environment(APPDATA=str(machine.home / "Roaming")))
    path = CLIENTS[name].file(here)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize(
    ("entry", "mark", "names"),
    [
        ({"command": sys.executable, "args": ["-m", "zoho_mcp.cli.main"]}, "ok", ""),
        ({"command": "uvx", "args": ["zoho-invoice-mcp@0.1.0"]}, "ok", ""),
        ({"command": "/gone/zoho-invoice-mcp"}, "FAILS", "/gone/zoho-invoice-mcp"),
        ({"command": "zoho-invoice-mcp", "env": {"ZOHO_CLIENT_SECRET": "s"}}, "note", "ZOHO_CLIENT_SECRET"),
        ({"command": "other"}, "note", "zoho-invoice-mcp install claude-desktop"),
        ("nonsense", "note", "zoho-invoice-mcp install claude-desktop"),
        (None, "note", ""),
    ],
)
def test_claude_desktops_configuration_is_examined(machine: Machine, entry: object, mark: str, names: str) -> None:
    path = configuration(machine, "claude-desktop")
    path.write_text(json.dumps({"mcpServers": {"zoho": entry}}) if entry else "{")
    found = findings(machine)["Claude Desktop"]
    assert found.mark == mark
    assert names in found.found + found.advice


def test_every_installed_app_is_examined_where_install_writes(machine: Machine) -> None:
    for name in CLIENTS:
        configuration(machine, name)
    (machine.home / ".claude").mkdir()
    for name in CLIENTS:
        done = machine.run("install", name, "--sandbox", "--yes", APPDATA=str(machine.home / "Roaming"))
        assert done.returncode == 0, done.stderr
    found = findings(machine)
    assert {found[client.title].mark for client in CLIENTS.values()} == {"ok"}


def test_a_configuration_that_holds_what_json_has_no_word_for_is_read(machine: Machine) -> None:
    configuration(machine, "codex").write_text('[mcp_servers.z]\ncommand = "zoho-invoice-mcp"\nsince = 2026-01-01\n')
    assert findings(machine)["Codex"].mark == "ok"


class LateZoho(BaseHTTPRequestHandler):
    """Answers as Zoho, with a clock of another day and no requests left."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Tue, 01 Jan 2030 00:00:00 GMT"

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        for name, text in (("limit", "1000"), ("remaining", "0"), ("reset", "7260")):
            self.send_header(f"x-rate-limit-{name}", text)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer({"access_token": "t", "expires_in": 3600, "api_domain": "https://www.zohoapis.eu"})

    def do_GET(self) -> None:
        self._answer({"code": 0, "organizations": [{"organization_id": "900000001", "name": "Linden"}]})

    def log_message(self, format: str, *args: object) -> None: ...


def test_a_wrong_clock_a_used_up_day_and_another_data_centre_are_said(machine: Machine) -> None:
    with HTTPServer(("127.0.0.1", 0), LateZoho) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        account = machine.account("1000.r") | {"ZOHO_ACCOUNTS_URL": url, "ZOHO_API_URL": url}
        found = findings(machine, **account)
        server.shutdown()
    assert marks(found) | {"clock": "FAILS", "limits": "FAILS", "scopes": "note", "data centre": "note"} == marks(found)
    assert found["limits"].found.startswith("0 of 1000 ")
    assert "https://www.zohoapis.eu" in found["data centre"].found
    assert "ZOHO_DC=eu" in found["data centre"].advice
