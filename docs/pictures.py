"""Makes the pictures of the docs: `python docs/pictures.py`. Needs Chromium; on Linux, macOS or the like.

Everything in them ran: a server on the sandbox, driven by the SDK's client, and the page it opened.
"""

import io
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import mcp_types as types
from mcp import Client, StdioServerParameters
from rich.console import Console
from rich.text import Text
from tour import TOUR, Figures, drawing

from zoho_mcp.server.results.projection import with_records

PICTURES = Path(__file__).parent / "pictures"
_COMMAND = (sys.executable, "-m", "zoho_mcp.cli.main")


@dataclass(frozen=True)
class Session:
    """What a session on the sandbox found, and the approval page as it was served."""

    figures: Figures
    page: str
    status: str
    """The invoice's status in the end."""


async def session(folder: Path) -> Session:
    """Ask who owes money, then void an invoice, approved on the page as a person would."""
    server, opened = _server(folder, "--sandbox")
    async with Client(server, client_info=types.Implementation(name="Claude Desktop", version="1")) as client:
        figures, invoice = await _questions(client)
        pages: list[str] = []
        async with anyio.create_task_group() as group:
            group.start_soon(_approve, pages, opened, figures.number)
            await _call(client, "void_invoice", invoice_id=invoice)
        status = (await _call(client, "get_invoice", invoice_id=invoice))["invoice"]["status"]
    return Session(figures, pages[0], status)


async def connecting(folder: Path) -> str:
    """The page that takes what Zoho's API console shows, of a server without an account."""
    server, opened = _server(folder)
    page, nothing = "", dict[str, Any]()
    async with Client(server) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "connect_zoho", nothing)
        address = await anyio.to_thread.run_sync(opened.read_text)
        async with httpx.AsyncClient() as browser:
            page = (await browser.get(f"{address}/account/eu")).text
        group.cancel_scope.cancel()
    # As it is with a script, which a picture does not run.
    return page.replace('id="copy" hidden', 'id="copy"')


def _server(folder: Path, *options: str) -> tuple[StdioServerParameters, Path]:
    """A server, and a pipe that its browser writes the address to."""
    opened = folder / "opened"
    opened.unlink(missing_ok=True)
    os.mkfifo(opened)
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {shlex.quote(str(opened))}\n')
    browser.chmod(0o700)
    variables = {**_plain(folder), "BROWSER": str(browser)}
    return StdioServerParameters(command=_COMMAND[0], args=[*_COMMAND[1:], *options], env=variables), opened


async def _questions(client: Client) -> tuple[Figures, str]:
    """The figures of the picture, and the id of the invoice to void."""
    aging = await _call(client, "get_receivables_aging")
    late = [f"{code} {each['overdue']:,.2f}" for code, each in sorted(aging["currencies"].items())]
    debts = [row for row in aging["customers"] if row.get("overdue")]
    oldest = min(debts, key=lambda row: row["oldest_due_date"])
    [row] = (await _call(client, "list_invoices", search_text="Grünwald", status="overdue"))["invoices"]
    figures = Figures(
        overdue=" and ".join(late),
        oldest=oldest["customer_name"],
        number=row["invoice_number"],
        customer=row["customer_name"],
        amount=f"{row['currency_code']} {row['total']:,.2f}",
        status=row["status"],
    )
    return figures, row["invoice_id"]


async def _call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    if result.is_error:
        raise RuntimeError(" ".join(part.text for part in result.content if isinstance(part, types.TextContent)))
    return with_records(result.structured_content)


async def _approve(pages: list[str], opened: Path, number: str) -> None:
    address = await anyio.to_thread.run_sync(opened.read_text)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
    async with httpx.AsyncClient() as browser:
        page = (await browser.get(address)).text
        view = re.search(r'name="view" value="([^"]+)"', page)
        assert view
        pages.append(page)
        form = {"view": unescape(view[1]), "decision": "approve", "number": number}
        await browser.post(address, data=form, headers={"origin": origin, "sec-fetch-site": "same-origin"})


def _plain(folder: Path) -> dict[str, str]:
    """The environment of a user without settings, whose home is empty."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LANG")}
    return {**kept, "HOME": str(folder), "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "100"}


def doctor(folder: Path) -> str:
    """What `doctor` shows in a terminal, with a stored login at the sandbox and one chat app."""
    environment = _plain(folder)
    install = [*_COMMAND, "install", "claude-desktop", "--force", "--yes"]
    subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=True)
    with subprocess.Popen(
        [*_COMMAND, "sandbox"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as sandbox:
        try:
            assert sandbox.stdout
            said = [shlex.split(sandbox.stdout.readline())[1].split("=", 1) for _ in range(6)]
            return in_a_terminal((*_COMMAND, "doctor"), environment | dict(said), folder)
        finally:
            sandbox.terminate()


def in_a_terminal(command: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> str:
    """What a command shows in a terminal, with its colours."""
    outside, inside = pty.openpty()
    with subprocess.Popen(command, env=environment, cwd=folder, stdin=inside, stdout=inside, stderr=inside):
        os.close(inside)
        shown = b""
        try:
            while data := os.read(outside, 65_536):
                shown += data
        except OSError:
            pass  # The end, on Linux.
    os.close(outside)
    # Of the line that says what is under way, nothing is left on a screen either.
    text = re.sub(r"\x1b\[\?25l.*?\x1b\[\?25h\r\x1b\[1A\x1b\[2K", "", shown.decode(), flags=re.DOTALL)
    return text.replace("\r\n", "\n")


def terminal_html(shown: str, title: str) -> str:
    """Rich's picture of a terminal."""
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(shown.rstrip()))
    return f"<body style='margin:0'>{console.export_svg(title=title)}</body>"


def photograph(html: str, target: Path, folder: Path, width: int) -> None:
    """A PNG of the page, as high as it is."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    file = folder / f"{target.stem}.html"
    measure = "<script>document.documentElement.dataset.height=document.documentElement.scrollHeight</script>"
    file.write_text("<!doctype html><meta charset=utf-8>" + html + measure, encoding="utf-8")
    options = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text",
               f"--user-data-dir={folder / 'chromium'}", "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip
    done = subprocess.run(
        [*options, f"--window-size={width},200", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        check=True,
    )
    height = re.search(r'data-height="(\d+)"', done.stdout)
    assert height
    size = f"--window-size={width},{height[1]}"
    subprocess.run([*options, size, f"--screenshot={target}", file.as_uri()], capture_output=True, check=True)
    print(f"{target.name}: {width} x {height[1]}, {target.stat().st_size:,} bytes")


def main() -> None:
    """Write them all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seen = anyio.run(session, folder)
        TOUR.write_text(drawing(seen.figures), encoding="utf-8")
        photograph(seen.page, PICTURES / "approval.png", folder, 700)
        photograph(anyio.run(connecting, folder), PICTURES / "connect.png", folder, 700)
        shown = terminal_html(doctor(folder), "zoho-invoice-mcp doctor")
        photograph(shown, PICTURES / "doctor.png", folder, 900)


if __name__ == "__main__":
    main()
