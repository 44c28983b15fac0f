"""Attacks with files: only a regular file inside the upload folder is ever read, and nothing holds up the server."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import Zoho, call
from mcp import Client

from zoho_mcp.audit.verify import entries

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of POSIX")]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
NAMES = ("a\0.png", "x" * 300 + ".png", "x/" * 3000 + "a.png", "../a.png", "inner/../../a.png", "/etc/a.png", "CON.png",
         "inner/lpt1.tar.png", "nul .png", "a.png:stream.png", "a\n.png", "\ud800.png", ".", "", " ")  # fmt: skip


async def kind_of(client: Client, expense: str, path: str) -> str:
    with anyio.fail_after(10):
        result = await client.call_tool("upload_expense_receipt", {"expense_id": expense, "file_path": path})
    content: dict[str, Any] = result.structured_content or {}
    return content["error"]["kind"] if result.is_error else ""


async def expense_of(client: Client) -> str:
    return (await call(client, "list_expenses", per_page=1))["expenses"][0]["expense_id"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_a_name_that_leads_nowhere_good_gives_an_error_of_our_own(zoho: Zoho, tmp_path: Path, name: str) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path.parent / "a.png").write_bytes(PNG)
    async with zoho.client(upload_dir=tmp_path) as client:
        assert await kind_of(client, await expense_of(client), name) == "arguments"
    assert zoho.changes() == []


async def test_whatever_is_not_a_regular_file_is_refused_and_nothing_waits_for_it(zoho: Zoho, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (outside / "a.png").write_bytes(PNG)
    (folder / "folder.pdf").mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "link.png").symlink_to(outside / "a.png")
    (folder / "way").symlink_to(outside)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.png"))
        async with zoho.client(upload_dir=folder) as client:
            expense = await expense_of(client)
            for name in ("folder.pdf", "pipe.png", "device.png", "link.png", "way/a.png", "socket.png", "none.png"):
                assert await kind_of(client, expense, name) == "arguments", name
    assert zoho.changes() == []


async def test_the_audit_says_not_sent_where_a_file_was_refused(zoho: Zoho, tmp_path: Path) -> None:
    audit = tmp_path / "state" / "audit.jsonl"
    async with zoho.client(upload_dir=tmp_path, audit_file=str(audit)) as client:
        expense = await expense_of(client)
        assert await kind_of(client, expense, "none.png") == "arguments"
        result = await client.call_tool("upload_expense_receipt", {"expense_id": "999", "file_path": "none.png"})
        assert result.is_error
        (tmp_path / "fine.png").write_bytes(PNG)
        assert await kind_of(client, "999", "fine.png") == "not_found"
        assert await kind_of(client, expense, "fine.png") == ""
    ended = [entry for entry in entries(audit.read_bytes()) if entry["event"] == "ended"]
    assert [(entry["outcome"], entry["kind"]) for entry in ended][-1] == ("done", "")
    assert ("not sent", "arguments") in {(entry["outcome"], entry["kind"]) for entry in ended}
    assert b"none.png" not in audit.read_bytes()


@pytest.mark.parametrize("number", ["CON", "x" * 400, "../../a", "a\0b", "..", "a/b\\c:d"], ids=ascii)
async def test_a_file_is_saved_under_a_name_that_every_system_takes(zoho: Zoho, tmp_path: Path, number: str) -> None:
    from zoho_mcp.server.tools.local_files import save

    path = await save(tmp_path, f"{number}.pdf", b"%PDF-")
    assert path.parent == tmp_path
    assert path.read_bytes() == b"%PDF-"
    assert path.suffix == ".pdf"
    assert len(path.name) <= 130
    assert path.stem.upper() != "CON"


async def test_a_saved_file_never_goes_through_a_link_or_into_a_pipe(zoho: Zoho, tmp_path: Path) -> None:
    async with zoho.client(download_dir=tmp_path) as client:
        invoice = (await call(client, "list_invoices", per_page=1))["invoices"][0]
        (tmp_path / f"{invoice['invoice_number']}.pdf").symlink_to(tmp_path / "elsewhere")
        os.mkfifo(tmp_path / f"{invoice['invoice_number']} (2).pdf")
        saved = await call(client, "get_invoice_pdf", invoice_id=invoice["invoice_id"], save=True)
    assert saved["saved_as"].endswith(" (3).pdf")
    assert not (tmp_path / "elsewhere").exists()
