"""Makes the pictures of README.md: `python docs/pictures.py`. Needs Chromium; on Linux, macOS or the like.

Everything in them ran: a server on the embedded Zoho, driven by the SDK's client, and the page it opened. Only what the
two people say in the chat is written for the picture, around the figures of the answers.
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
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import mcp_types as types
from mcp import Client, StdioServerParameters
from rich.console import Console
from rich.text import Text

from zoho_mcp.server.results.result import compact_json

PICTURES = Path(__file__).parent / "pictures"
_COMMAND = (sys.executable, "-m", "zoho_mcp.cli.main")
_LONGEST_ANSWER = 155
_STYLE = """
*{box-sizing:border-box}
body{margin:0;background:#f4f5f7;color:#1b1f24;font:16px/1.5 "Liberation Sans",Arial,sans-serif}
main{width:820px;margin:0 auto;padding:28px 24px;display:flex;flex-direction:column;gap:14px}
.you{align-self:flex-end;max-width:80%;background:#0b5cad;color:#fff;border-radius:16px 16px 4px 16px;padding:10px 16px}
.it{max-width:88%;background:#fff;border:1px solid #d0d7de;border-radius:16px 16px 16px 4px;padding:10px 16px}
.it b{font-variant-numeric:tabular-nums}
.call{border-left:3px solid #8a94a0;padding:2px 0 2px 12px;font:13px/1.5 "DejaVu Sans Mono",monospace;color:#3d4650;
overflow-wrap:anywhere}
.call b{color:#0b5cad}
.answer{margin-top:-14px;color:#6a7480}
.asked,.asked+.answer{border-left-color:#b42318}
.asked b{color:#b42318}
"""


@dataclass
class Chat:
    """What was said and done, as HTML, in order."""

    client: Client
    turns: list[str] = field(default_factory=list[str])

    def you(self, text: str) -> None:
        """The user says."""
        self.turns.append(f'<div class="you">{escape(text)}</div>')

    def it(self, text: str) -> None:
        """The assistant says; **bold** is."""
        said = re.sub(r"[*]{2}(.+?)[*]{2}", r"<b>\1</b>", escape(text))
        self.turns.append(f'<div class="it">{said}</div>')

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A call that runs, and its answer as it came, cut where the picture would get too big."""
        self._card(f"<b>{tool}</b> {_whole(compact_json(arguments))}")
        result = await self.client.call_tool(tool, arguments)
        text = " ".join(part.text for part in result.content if isinstance(part, types.TextContent))
        if result.is_error:
            raise RuntimeError(text)
        self._card(_whole(text if len(text) <= _LONGEST_ANSWER else text[: _LONGEST_ANSWER - 1] + "…"), "answer")
        return result.structured_content

    def approved(self, title: str) -> None:
        """The approval page stood in the browser, and its question was answered there."""
        self._card(f"<b>asked on a page in the browser</b> {_whole(title)}", "asked")
        self._card("approved there", "answer asked")

    def _card(self, html: str, kind: str = "") -> None:
        self.turns.append(f'<div class="call {kind}">{html}</div>')


def _whole(text: str) -> str:
    """As HTML that is broken after commas and never within a number or a date."""
    return escape(text).replace("-", "\u2011").replace(",", ",<wbr>")


@dataclass
class Page:
    """The approval page as it was served."""

    html: str = ""


async def session(folder: Path) -> tuple[Chat, Page]:
    """A chat on the embedded Zoho; the page is kept, then approved as a person would."""
    opened = folder / "opened"
    os.mkfifo(opened)
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {shlex.quote(str(opened))}\n')
    browser.chmod(0o700)
    server = StdioServerParameters(
        command=_COMMAND[0], args=[*_COMMAND[1:], "--sandbox"], env={**_plain(folder), "BROWSER": str(browser)}
    )
    page = Page()
    async with Client(server, client_info=types.Implementation(name="Your chat program", version="1")) as client:
        chat = Chat(client)
        await _who_owes(chat)
        await _void(chat, page, opened)
    return chat, page


async def _who_owes(chat: Chat) -> None:
    chat.you("Who owes us money, and since when?")
    aging = await chat.call("get_receivables_aging")
    late = [f"**{code} {each['overdue']:,.2f}**" for code, each in aging["currencies"].items()]
    worst = min((row for row in aging["customers"] if row.get("overdue")), key=lambda row: row["oldest_due_date"])
    chat.it(
        f"{' and '.join(late)} are overdue. The oldest is {worst['customer_name']}: {worst['currency_code']} "
        f"{worst['overdue']:,.2f}, due since {worst['oldest_due_date']}."
    )


async def _void(chat: Chat, page: Page, opened: Path) -> None:
    chat.you("The one for Grünwald & Söhne was written twice by mistake. Void it, please.")
    [row] = (await chat.call("list_invoices", search_text="Grünwald", status="overdue"))["invoices"]
    async with anyio.create_task_group() as group:
        group.start_soon(_approve, chat, page, opened, row["invoice_number"])
        await chat.call("void_invoice", invoice_id=row["invoice_id"])
    now = (await chat.client.call_tool("get_invoice", {"invoice_id": row["invoice_id"]})).structured_content
    chat.it(f"Done, after your yes: {row['invoice_number']} is now **{now['invoice']['status']}**.")


async def _approve(chat: Chat, page: Page, opened: Path, number: str) -> None:
    address = await anyio.to_thread.run_sync(opened.read_text)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
    async with httpx.AsyncClient() as browser:
        page.html = (await browser.get(address)).text
        title = re.search(r"<title>Approve\? (.*?)</title>", page.html)
        view = re.search(r'name="view" value="([^"]+)"', page.html)
        assert title
        assert view
        chat.approved(unescape(title[1]))
        form = {"view": unescape(view[1]), "decision": "approve", "number": number}
        await browser.post(address, data=form, headers={"origin": origin, "sec-fetch-site": "same-origin"})


def _plain(folder: Path) -> dict[str, str]:
    """The environment of a user without settings, whose home is empty."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LANG")}
    return {**kept, "HOME": str(folder), "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "100"}


def doctor(folder: Path) -> str:
    """What `doctor` shows in a terminal, with a stored login at the embedded Zoho and one chat program."""
    environment = _plain(folder)
    install = [*_COMMAND, "install", "claude-desktop", "--force", "--yes"]
    subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=True)
    with subprocess.Popen([*_COMMAND, "sandbox"], env=environment, stdout=subprocess.PIPE, text=True) as sandbox:
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
        chat, page = anyio.run(session, folder)
        photograph(f"<style>{_STYLE}</style><main>{''.join(chat.turns)}</main>", PICTURES / "chat.png", folder, 868)
        photograph(page.html, PICTURES / "approval.png", folder, 700)
        shown = terminal_html(doctor(folder), "zoho-invoice-mcp doctor")
        photograph(shown, PICTURES / "doctor.png", folder, 900)


if __name__ == "__main__":
    main()
