"""What hangs on an invoice: one attached file, comments, a payment link. From Zoho's documentation only."""

from base64 import b64decode, b64encode
from urllib.parse import quote

from zoho_mcp.sandbox.kinds.documents import documents
from zoho_mcp.sandbox.kinds.invoices.views import find
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

LARGEST = 10 * 1024 * 1024
"""Bytes; Zoho's pages name 5 MB and 10 MB (unverified)."""


def get_attachment(request: Request) -> Reply:
    """GET /invoices/{invoice_id}/attachment: the file that was attached last."""
    invoice = find(request.books, request.path["invoice_id"])
    kept = request.books.get("attachment", invoice["invoice_id"])
    if kept is None:
        raise does_not_exist("Attachment")
    name = quote(kept["file_name"], safe=" ()+,;=@&'")
    return Reply(content=b64decode(kept["content"]), content_type=kept["content_type"], file_name=name)


def add_attachment(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/attachment, the file as `attachment` of a multipart form; it replaces the last."""
    invoice = find(request.books, request.path["invoice_id"])
    upload = request.files.get("attachment")
    if upload is None or not upload.content or len(upload.content) > LARGEST:
        raise invalid_value("attachment")
    name = upload.file_name.encode("utf-8", "replace").decode().replace("\\", "/").rpartition("/")[2].strip()
    kept = {
        "file_name": name or "attachment", "content_type": upload.content_type,
        "content": b64encode(upload.content).decode(),
    }  # fmt: skip
    request.books.put("attachment", invoice["invoice_id"], kept)
    documents.change(request, "invoice", invoice, has_attachment=True, attachment_name=kept["file_name"])
    return done("Your file has been successfully attached to the invoice.")


def delete_attachment(request: Request) -> Reply:
    """DELETE /invoices/{invoice_id}/attachment."""
    invoice = find(request.books, request.path["invoice_id"])
    if request.books.get("attachment", invoice["invoice_id"]) is None:
        raise does_not_exist("Attachment")
    request.books.drop("attachment", invoice["invoice_id"])
    documents.change(request, "invoice", invoice, has_attachment=False, attachment_name="")
    return done("Your file is no longer attached to the invoice.")


def list_comments(request: Request) -> Reply:
    """GET /invoices/{invoice_id}/comments, the newest first (unverified)."""
    invoice = find(request.books, request.path["invoice_id"])
    kept = [part for part in request.books.all("invoice_comment") if part["invoice_id"] == invoice["invoice_id"]]
    return done(comments=kept[::-1])


def add_comment(request: Request) -> Reply:
    """POST /invoices/{invoice_id}/comments."""
    invoice = find(request.books, request.path["invoice_id"])
    description = text(request.body, "description", limit=2000)
    if not description:
        raise invalid_value("description")
    comment_id = request.books.new_id()
    comment: Record = {
        "comment_id": comment_id, "invoice_id": invoice["invoice_id"], "description": description,
        "commented_by_id": "", "commented_by": request.organization["contact_name"], "comment_type": "user",
        "operation_type": "", "date": request.today, "date_description": "", "time": request.now.strftime("%I:%M %p"),
        "transaction_id": invoice["invoice_id"], "transaction_type": "invoice",
    }  # fmt: skip
    request.books.put("invoice_comment", comment_id, comment)
    return done("Comments added.")


def payment_link(request: Request) -> Reply:
    """GET /share/paymentlink?transaction_id=&transaction_type=invoice&link_type=public&expiry_time=yyyy-mm-dd."""
    for name in ("transaction_id", "transaction_type", "link_type", "expiry_time"):
        if not request.query.get(name):
            raise invalid_value(name)
    if request.query["transaction_type"] != "invoice":
        raise invalid_value("transaction_type")
    if request.query["link_type"] not in ("public", "private"):
        raise invalid_value("link_type")
    invoice = find(request.books, request.query["transaction_id"])
    return done(data={"share_link": f"https://sandbox.invalid/secure?CInvoiceID={invoice['invoice_id']}"})


INVOICE = "/invoices/{invoice_id}"
ATTACHMENT_ROUTES = [
    Route("GET", f"{INVOICE}/attachment", "invoices.READ", get_attachment),
    Route("POST", f"{INVOICE}/attachment", "invoices.CREATE", add_attachment),
    Route("DELETE", f"{INVOICE}/attachment", "invoices.DELETE", delete_attachment),
    Route("GET", f"{INVOICE}/comments", "invoices.READ", list_comments, "invoices.comments"),
    Route("POST", f"{INVOICE}/comments", "invoices.CREATE", add_comment),
    Route("GET", "/share/paymentlink", "settings.READ", payment_link, "invoices.payment_link"),
]
