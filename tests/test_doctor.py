"""`doctor` says what works and what to do about the rest, and changes nothing."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from machine import Machine

from zoho_mcp.cli.clients.apps import CLIENTS
from zoho_mcp.cli.clients.apps import Machine as Here
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.processes

READING = ("ZohoInvoice.invoices.READ", "ZohoInvoice.contacts.READ", "ZohoInvoice.settings.READ")


def doctor(machine: Machine, **environment: str) -> tuple[int, dict[str, str]]:
    """The exit status, and what it says about each thing; the mark comes first."""
    result = machine.run("doctor", **environment)
    assert result.stderr == ""
    rows: dict[str, str] = {}
    what = ""
    for line in result.stdout.splitlines():
        if line.startswith(" "):
            rows[what] += " " + line.strip()
        else:
            what = line[7:25].strip()
            rows[what] = f"{line[:6].strip()} {line[26:]}"
    return result.returncode, rows


def test_all_is_well_after_login(machine: Machine) -> None:
    assert machine.login().returncode == 0
    status, rows = doctor(machine)
    assert status == 0
    assert list(rows) == [
        "settings", "data centre", "token", "scopes", "organisation", "clock", "limits", "files", "chat apps",
    ]  # fmt: skip
    assert {row.split(" ")[0] for name, row in rows.items() if name != "chat apps"} == {"ok"}
    assert "Studio Linden (900000001)" in rows["organisation"]
    assert rows["limits"].startswith("ok 99")


def test_before_the_first_login_it_says_just_that(machine: Machine) -> None:
    status, rows = doctor(machine)
    assert status == 1
    assert rows["account"].startswith("FAILS ")
    assert "settings" not in rows
    _, rows = doctor(machine, ZOHO_CLIENT_ID="1000.x")
    assert rows["settings"].startswith("FAILS ZOHO_CLIENT_SECRET")


def test_demo_data_needs_no_account(machine: Machine) -> None:
    (machine.home / ".cursor").mkdir()
    assert machine.run("install", "cursor", "--sandbox", "--yes").returncode == 0
    status, rows = doctor(machine)
    assert status == 0
    assert rows["account"].startswith("ok ")
    (machine.home / ".codeium" / "windsurf").mkdir(parents=True)
    assert machine.run("install", "windsurf", "--yes").returncode == 0
    status, rows = doctor(machine)
    assert status == 1
    assert rows["account"].startswith("FAILS ")


def test_an_app_on_demo_data_on_another_login_or_read_only_is_noticed(machine: Machine) -> None:
    for name in ("default", "acme"):
        assert machine.login("--profile", name).returncode == 0
    for app, options in {
        "cursor": ("--sandbox",), "codex": ("--profile", "acme"), "gemini": ("--read-only",), "windsurf": (),
    }.items():  # fmt: skip
        configuration(machine, app)
        assert machine.run("install", app, *options, "--yes").returncode == 0
    _, rows = doctor(machine)
    marks = {CLIENTS[app].title: rows[CLIENTS[app].title].partition(" ")[0] for app in ("cursor", "codex", "gemini")}
    assert set(marks.values()) == {"note"}
    assert "acme" in rows["Codex"]
    assert rows["Windsurf"].startswith("ok ")
    # Logging in names them as well, with the command that changes each.
    said = machine.login().stdout
    assert [f"install {app}" in said for app in ("cursor", "codex", "gemini", "windsurf")] == [True, True, True, False]


def test_it_changes_nothing(machine: Machine) -> None:
    assert machine.login().returncode == 0

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in machine.home.rglob("*") if path.is_file()}

    before = files()
    doctor(machine)
    assert files() == before


def test_tools_that_the_scopes_do_not_cover_are_named(machine: Machine) -> None:
    assert machine.login("--code", machine.accounts.new_code(*READING)).returncode == 0
    status, rows = doctor(machine)
    assert status == 0
    assert rows["scopes"].startswith("note ")
    assert f"of {len(chosen(load(), from_environment({}, account=False)))} tools" in rows["scopes"]
    assert "create_customer" in rows["scopes"]
    assert "ZohoInvoice.contacts.CREATE, " in rows["scopes"]
    # Its own scope is there, but not the one of the question that comes before it.
    assert "list_payments" in rows["scopes"]


def test_scopes_for_another_product_leave_no_tools(machine: Machine) -> None:
    grant = machine.accounts.new_grant("ZohoBooks.fullaccess.all")
    status, rows = doctor(machine, **machine.account(grant))
    assert status == 1
    assert rows["scopes"].startswith("FAILS 0 of")


def test_a_revoked_token_is_said_with_what_to_do(machine: Machine) -> None:
    grant = machine.accounts.new_grant()
    machine.accounts.revoke(grant)
    status, rows = doctor(machine, **machine.account(grant))
    assert status == 1
    assert rows["token"].startswith("FAILS ")
    assert "zoho-invoice-mcp login" in rows["token"]
    assert "organisation" not in rows


@pytest.mark.parametrize(
    ("number", "says"),
    [("", "900000001 (Studio Linden)"), ("5", "5: ")],
)
def test_the_organisation_is_looked_up(machine: Machine, number: str, says: str) -> None:
    variables = machine.account(machine.accounts.new_grant()) | {"ZOHO_ORGANIZATION_ID": number}
    status, rows = doctor(machine, **variables)
    assert status == 1
    assert rows["organisation"].startswith("FAILS ")
    assert says in rows["organisation"]


def test_no_network_is_said(machine: Machine) -> None:
    away = "http://127.0.0.1:9"
    account = machine.account(machine.accounts.new_grant()) | {"ZOHO_ACCOUNTS_URL": away, "ZOHO_API_URL": away}
    status, rows = doctor(machine, **account)
    assert status == 1
    assert rows["token"].startswith("FAILS ")


def test_files_that_others_can_read_are_named(machine: Machine) -> None:
    assert machine.login().returncode == 0
    machine.tokens.chmod(0o777)
    result = machine.run("doctor")
    assert result.returncode == 1
    assert f"chmod 700 '{machine.tokens}'" in result.stdout
    machine.profile().chmod(0o640)
    status, rows = doctor(machine)
    assert status == 1
    assert f"chmod 600 '{machine.profile()}'" in rows["settings"]


def configuration(machine: Machine, name: str) -> Path:
    """The file of an installed chat app."""
    here = Here(sys.platform, machine.home, machine.environment(APPDATA=str(machine.home / "Roaming")))
    path = CLIENTS[name].file(here)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"command": sys.executable, "args": ["-m", "zoho_mcp.cli.main"]}, "ok "),
        ({"command": "uvx", "args": ["zoho-invoice-mcp@0.1.0"]}, "ok "),
        ({"command": "/gone/zoho-invoice-mcp"}, "/gone/zoho-invoice-mcp"),
        ({"command": "zoho-invoice-mcp", "env": {"ZOHO_CLIENT_SECRET": "s"}}, "ZOHO_CLIENT_SECRET"),
        ({"command": "other"}, "-> zoho-invoice-mcp install claude-desktop"),
        ("nonsense", "-> zoho-invoice-mcp install claude-desktop"),
        (None, "note "),
    ],
)
def test_claude_desktops_configuration_is_looked_at(machine: Machine, entry: object, says: str) -> None:
    path = configuration(machine, "claude-desktop")
    path.write_text(json.dumps({"mcpServers": {"zoho": entry}}) if entry else "{")
    _, rows = doctor(machine, APPDATA=str(machine.home / "Roaming"))
    assert says in rows["Claude Desktop"]


def test_every_installed_app_is_examined_where_install_writes(machine: Machine) -> None:
    for name in CLIENTS:
        configuration(machine, name)
    (machine.home / ".claude").mkdir()
    for name in CLIENTS:
        done = machine.run("install", name, "--sandbox", "--yes", APPDATA=str(machine.home / "Roaming"))
        assert done.returncode == 0, done.stderr
    _, rows = doctor(machine, APPDATA=str(machine.home / "Roaming"))
    for client in CLIENTS.values():
        assert rows[client.title].startswith("ok ")


def test_a_configuration_that_holds_what_json_has_no_word_for_is_read(machine: Machine) -> None:
    configuration(machine, "codex").write_text('[mcp_servers.z]\ncommand = "zoho-invoice-mcp"\nsince = 2026-01-01\n')
    _, rows = doctor(machine)
    assert rows["Codex"].startswith("ok ")


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
        status, rows = doctor(machine, **account)
        server.shutdown()
    assert status == 1
    assert rows["clock"].startswith("FAILS ")
    assert rows["limits"].startswith("FAILS 0 of 1000 ")
    assert "2 h 1 min" in rows["limits"]
    assert rows["scopes"].startswith("note ")
    assert [
        part for part in ("note ", "https://www.zohoapis.eu", "ZOHO_DC=eu") if part not in rows["data centre"]
    ] == []
