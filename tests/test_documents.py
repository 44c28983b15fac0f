"""Files of records: PDFs, attachments and receipts, as links, in the download folder, and from the upload folder."""

import base64
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from conftest import Zoho, call
from mcp import Client
from mcp.shared.exceptions import MCPError

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
PDF = b"%PDF-1.4 contract"
both = pytest.mark.parametrize("product", ["invoice", "books"])


def everything(zoho: Zoho, **changes: Any) -> Any:
    return zoho.client(toolsets=("all",), repeat_window=0, **changes)


async def content(client: Client, link: dict[str, Any]) -> tuple[str, bytes]:
    """Media type and bytes of what a link leads to."""
    [found] = (await client.read_resource(link["uri"])).contents
    assert isinstance(found, types.BlobResourceContents)
    return str(found.mime_type), base64.b64decode(found.blob)


async def first(client: Client, tool: str, key: str, own_id: str, **filters: Any) -> str:
    return (await call(client, tool, per_page=1, **filters))[key][0][own_id]


@both
@pytest.mark.parametrize(
    ("tool", "listed", "key", "own_id", "number"),
    [
        ("get_invoice_pdf", "list_invoices", "invoices", "invoice_id", "invoice_number"),
        ("get_estimate_pdf", "list_estimates", "estimates", "estimate_id", "estimate_number"),
        ("get_credit_note_pdf", "list_credit_notes", "creditnotes", "creditnote_id", "creditnote_number"),
    ],
)
async def test_a_document_comes_as_a_pdf(
    zoho: Zoho, product: str, tmp_path: Path, tool: str, listed: str, key: str, own_id: str, number: str
) -> None:
    async with everything(zoho, product=product, download_dir=tmp_path) as client:
        row = (await call(client, listed, per_page=1))[key][0]
        link = await call(client, tool, **{own_id: row[own_id]}, save=True)
        media_type, file = await content(client, link)
    assert (link["name"], link["mime_type"], media_type) == (f"{row[number]}.pdf", "application/pdf", media_type)
    assert file.startswith(b"%PDF-")
    assert Path(link["saved_as"]).read_bytes() == file


async def test_several_invoices_are_pages_of_one_pdf(zoho: Zoho, tmp_path: Path) -> None:
    async with everything(zoho, download_dir=tmp_path) as client:
        ids = [row["invoice_id"] for row in (await call(client, "list_invoices", per_page=3))["invoices"]]
        link = await call(client, "get_invoices_pdf", invoice_ids=ids)
        one = (await content(client, await call(client, "get_invoice_pdf", invoice_id=ids[0])))[1]
        media_type, file = await content(client, link)
        result = await client.call_tool("get_invoices_pdf", {"invoice_ids": [*ids, "999"]})
        assert result.is_error
        too_many = await client.call_tool("get_invoices_pdf", {"invoice_ids": [str(number) for number in range(26)]})
        assert too_many.structured_content["error"]["kind"] == "arguments"
    assert media_type == "application/pdf"
    assert file.count(b"/Type /Page ") >= 3 * one.count(b"/Type /Page ") > 0
    assert list(tmp_path.iterdir()) == []


@both
async def test_a_file_is_attached_to_an_invoice_shown_and_deleted(zoho: Zoho, product: str, tmp_path: Path) -> None:
    (tmp_path / "contract.pdf").write_bytes(PDF)
    (tmp_path / "photo.png").write_bytes(PNG)
    async with everything(zoho, product=product, upload_dir=tmp_path) as client:
        one = {"invoice_id": await first(client, "list_invoices", "invoices", "invoice_id", status="unpaid")}
        missing = await client.call_tool("get_invoice_attachment", one)
        assert missing.structured_content["error"]["kind"] == "not_found"
        await call(client, "attach_file_to_invoice", **one, file_path="contract.pdf", can_send_in_mail=True)
        assert zoho.person.questions == []
        link = await call(client, "get_invoice_attachment", **one)
        assert (link["name"], link["mime_type"]) == ("contract.pdf", "application/pdf")
        assert await content(client, link) == ("application/pdf", PDF)
        await call(client, "attach_file_to_invoice", **one, file_path="photo.png")
        assert "contract.pdf" in zoho.person.questions[0]
        assert await content(client, await call(client, "get_invoice_attachment", **one)) == ("image/png", PNG)
        await call(client, "delete_invoice_attachment", **one)
        assert "photo.png" in zoho.person.questions[1]
        assert (await client.call_tool("get_invoice_attachment", one)).is_error


@both
async def test_a_receipt_is_shown_saved_and_deleted(zoho: Zoho, product: str, tmp_path: Path) -> None:
    folder, saved = tmp_path / "up", tmp_path / "down"
    folder.mkdir()
    saved.mkdir()
    (folder / "lunch.png").write_bytes(PNG)
    async with everything(zoho, product=product, upload_dir=folder, download_dir=saved) as client:
        rows = (await call(client, "list_expenses"))["expenses"]
        one = {"expense_id": next(row["expense_id"] for row in rows if not row.get("expense_receipt_name"))}
        assert (await client.call_tool("get_expense_receipt", one)).is_error
        await call(client, "upload_expense_receipt", **one, file_path="lunch.png")
        link = await call(client, "get_expense_receipt", **one, save=True)
        assert (link["name"], link["mime_type"]) == ("lunch.png", "image/png")
        assert await content(client, link) == ("image/png", PNG)
        assert (saved / "lunch.png").read_bytes() == PNG
        await call(client, "delete_expense_receipt", **one)
        assert "lunch.png" in zoho.person.questions[0]
        assert "expense_receipt_name" not in (await call(client, "get_expense", **one))["expense"]


async def test_files_are_resources_only_where_their_tools_are_offered(zoho: Zoho) -> None:
    async with everything(zoho) as client:
        templates = {one.uri_template for one in (await client.list_resource_templates()).resource_templates}
        assert {
            "zoho-invoice://invoices/pdf{?invoice_ids}",
            "zoho-invoice://invoices/{invoice_id}/attachment",
            "zoho-invoice://expenses/{expense_id}/receipt",
        } <= templates
        expense = await first(client, "list_expenses", "expenses", "expense_id")
    async with zoho.client() as client:
        with pytest.raises(MCPError):
            await client.read_resource(f"zoho-invoice://expenses/{expense}/receipt")
