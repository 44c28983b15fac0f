"""A machine of its own for a test: a home folder, a browser, and the sandbox served by a process as its Zoho."""

import io
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoho_mcp.cli.main import report, run
from zoho_mcp.errors import ZohoMcpError
from zoho_mcp.sandbox import oauth
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.store import Store

COMMAND = [sys.executable, "-m", "zoho_mcp.cli.main"]
ROOT = Path(__file__).parent.parent
ALL = ("ZohoInvoice.fullaccess.all",)
BROWSER = f"""\
#!{sys.executable}
import sys, urllib.error, urllib.request
try:
    page = urllib.request.urlopen(sys.argv[1], timeout=20).read().decode()
except urllib.error.HTTPError as refused:
    page = refused.read().decode()
open(__file__ + ".log", "a").write(sys.argv[1] + "\\n" + page + "\\n")
"""


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Accounts:
    """The sandbox process; its store is the same file."""

    url: str
    file: Path

    @contextmanager
    def store(self) -> Generator[Store]:
        store = Store.open(self.file)
        try:
            yield store
        finally:
            store.close()

    def new_grant(self, *scopes: str) -> str:
        """A refresh token for the sandbox's client."""
        with self.store() as store, store.transaction():
            return oauth.add_refresh_token(store, CREDENTIALS.client_id, scopes or ALL)

    def new_code(self, *scopes: str) -> str:
        """A code as a Self Client shows it."""
        with self.store() as store, store.transaction():
            return oauth.add_code(store, CREDENTIALS.client_id, scopes or ALL, datetime.now(UTC))

    def refreshes(self, refresh_token: str) -> int:
        """How often a refresh token was used."""
        with self.store() as store:
            return len((store.shared.get("refresh_token", refresh_token) or {}).get("refreshes", []))

    def revoke(self, refresh_token: str) -> None:
        """As a person does on Zoho's page of connected apps."""
        with self.store() as store, store.transaction():
            oauth.revoke(store, {"token": refresh_token})

    def grants(self) -> list[str]:
        """All refresh tokens that are not revoked."""
        with self.store() as store:
            return [str(grant["token"]) for grant in store.shared.all("refresh_token")]


@contextmanager
def serving(folder: Path) -> Generator[Accounts]:
    """The sandbox on a free port, its books in a file."""
    file = folder / "books.db"
    with subprocess.Popen(
        [*COMMAND, "sandbox", "--file", str(file)],
        env=plain(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            printed = process.stdout.readline()
            found = re.fullmatch(r"export ZOHO_API_URL=(\S+)\n", printed)
            assert found, printed
            yield Accounts(found[1], file)
        finally:
            process.terminate()


def plain() -> dict[str, str]:
    """The environment without settings of ours, able to import the package from the checkout."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("ZOHO_")}
    found |= {"TERM": "xterm-256color", "COLORTERM": "", "NO_COLOR": "", "COLUMNS": "", "LINES": ""}
    return found | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), "PYTHONWARNINGS": "error"}


INTERRUPTED = {"PYTHONWARNINGS": "error,ignore::ResourceWarning"}
"""For a command that Ctrl-C ends: Python complains of the module that it was just reading, ours or not."""


@dataclass(frozen=True)
class Done:
    """What became of a command. `kind`: that of the error that ended it, or empty."""

    returncode: int
    stdout: str
    stderr: str
    kind: str = ""


@dataclass
class Machine:
    """Runs our commands with a home folder of its own."""

    accounts: Accounts
    home: Path
    variables: dict[str, str] = field(default_factory=dict[str, str])
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.browser = self.home / "browser"
        self.write_browser()
        self.variables |= {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "BROWSER": str(self.browser),
        }

    def write_browser(self, more: str = "") -> None:
        """The browser, which does `more` when it has shown its page."""
        end = 'open(__file__ + ".log", "a").write("END\\n")\n'
        self.browser.write_text(BROWSER + more + end, encoding="utf-8")
        self.browser.chmod(0o700)

    @property
    def tokens(self) -> Path:
        """Where access tokens are shared."""
        return self.home / "state" / "zoho-invoice-mcp" / "tokens"

    def profile(self, name: str = "default") -> Path:
        """The file of a profile."""
        return self.home / "config" / "zoho-invoice-mcp" / "profiles" / f"{name}.json"

    @property
    def log(self) -> Path:
        """What the browser was sent to and what it showed, at its end."""
        return self.browser.with_name("browser.log")

    def pages(self) -> str:
        """The same, once the browser is done: it may need longer than login."""
        until = time.monotonic() + 30
        while not self.log.exists() or "END" not in self.log.read_text(encoding="utf-8"):
            assert time.monotonic() < until
        return self.log.read_text(encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        return plain() | self.variables | more

    def to_zoho(self) -> dict[str, str]:
        """What points login at the sandbox."""
        return {"ZOHO_ACCOUNTS_URL": self.accounts.url, "ZOHO_API_URL": self.accounts.url}

    def account(self, refresh_token: str) -> dict[str, str]:
        """Settings for a server without a profile."""
        return self.to_zoho() | {
            "ZOHO_CLIENT_ID": CREDENTIALS.client_id,
            "ZOHO_CLIENT_SECRET": CREDENTIALS.client_secret,
            "ZOHO_REFRESH_TOKEN": refresh_token,
            "ZOHO_ORGANIZATION_ID": CREDENTIALS.organization_id,
        }

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        """A command of ours, in this process but with this machine's environment."""
        return run_here(self.environment(**environment), *arguments, stdin=stdin)

    def process(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        """A command of ours as a process, to its end."""
        done = subprocess.run(
            [*COMMAND, *arguments], env=self.environment(**environment), input=stdin, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def login(self, *arguments: str, stdin: str | None = None, process: bool = False, **environment: str) -> Done:
        """Log in with the sandbox's client, whose secret comes on stdin."""
        given = f"{CREDENTIALS.client_secret}\n" if stdin is None else stdin
        client = ("--client-id", CREDENTIALS.client_id, "--port", str(self.port))
        run = self.process if process else self.run
        return run("login", *client, *arguments, stdin=given, **self.to_zoho() | environment)


def run_here(environment: Mapping[str, str], *arguments: str, stdin: str = "") -> Done:
    """A command as `main` runs it, in a thread of its own: some have an event loop, as their test may have one."""
    before, out, err = dict(os.environ), io.StringIO(), io.StringIO()
    statuses: list[int] = []
    kinds: list[str] = []

    def work() -> None:
        try:
            statuses.append(run(arguments, os.environ))
        except ZohoMcpError as problem:
            kinds.append(problem.kind)
            statuses.append(report(problem))
        except SystemExit as left:
            statuses.append(left.code if isinstance(left.code, int) else 1)

    thread = threading.Thread(target=work)
    stdin_before = sys.stdin
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = io.StringIO(stdin)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            thread.start()
            thread.join()
    finally:
        sys.stdin = stdin_before
        os.environ.clear()
        os.environ.update(before)
    [status] = statuses
    return Done(status, out.getvalue(), err.getvalue(), "".join(kinds))


def add_organization(accounts: Accounts, number: str, name: str) -> None:
    """A second organisation of the same account."""
    with accounts.store() as store, store.transaction():
        first: Mapping[str, Any] = store.shared.all("organization")[0]
        store.shared.put("organization", number, {**first, "organization_id": number, "name": name})
