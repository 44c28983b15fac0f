"""The file attached to an invoice, its comments and its payment link. From Zoho's documentation only."""

from zoho_mcp.sandbox.kinds.files import LARGEST, file_reply, store_file, stored_file
from zoho_mcp.sandbox.kinds.invoices.invoices import INVOICE
from zoho_mcp.sandbox.kinds.record_kind import Router
from zoho_mcp.sandbox.wire.errors import invalid_value
from zoho_mcp.sandbox.wire.fields import text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

router = Router(INVOICE)


@router.on_one("GET", "/attachment")
def get_attachment(request: Request, invoice: Record) -> Reply:
    """The file that was attached last."""
    return file_reply(stored_file(request, "attachment", invoice["invoice_id"], "Attachment"))


@router.on_one("POST", "/attachment", "Your file has been successfully attached to the invoice.")
def add_attachment(request: Request, invoice: Record) -> None:
    """Store `attachment` of a multipart form, in place of an earlier file."""
    upload = request.files.get("attachment")
    if upload is None or not upload.content or len(upload.content) > LARGEST:
        raise invalid_value("attachment")
    name = upload.plain_name or "attachment"
    store_file(request, "attachment", invoice["invoice_id"], name, upload.content_type, upload.content)
    INVOICE.save(request, invoice, has_attachment=True, attachment_name=name)


@router.on_one("DELETE", "/attachment", "Your file is no longer attached to the invoice.")
def delete_attachment(request: Request, invoice: Record) -> None:
    """Remove the file."""
    stored_file(request, "attachment", invoice["invoice_id"], "Attachment")
    request.books.drop("attachment", invoice["invoice_id"])
    INVOICE.save(request, invoice, has_attachment=False, attachment_name="")


@router.on_one("GET", "/comments", shape="comments")
def list_comments(request: Request, invoice: Record) -> Record:
    """The comments, the newest first (unverified)."""
    comments = [part for part in request.books.all("invoice_comment") if part["invoice_id"] == invoice["invoice_id"]]
    return {"comments": comments[::-1]}


@router.on_one("POST", "/comments", "Comments added.")
def add_comment(request: Request, invoice: Record) -> None:
    """Add a comment with the text `description`."""
    description = text(request.body, "description", limit=2000)
    if not description:
        raise invalid_value("description")
    comment_id = request.books.new_id()
    comment: Record = {
        "comment_id": comment_id, "invoice_id": invoice["invoice_id"], "description": description,
        "commented_by": request.organization["contact_name"], "comment_type": "user",
        "date": request.today, "time": request.now.strftime("%I:%M %p"),
        "transaction_id": invoice["invoice_id"], "transaction_type": "invoice",
    }  # fmt: skip
    request.books.put("invoice_comment", comment_id, comment)


def payment_link(request: Request) -> Reply:
    """GET /share/paymentlink?transaction_id=&transaction_type=invoice&link_type=public&expiry_time=yyyy-mm-dd."""
    for name in ("transaction_id", "transaction_type", "link_type", "expiry_time"):
        if not request.query.get(name):
            raise invalid_value(name)
    if request.query["transaction_type"] != "invoice":
        raise invalid_value("transaction_type")
    if request.query["link_type"] not in ("public", "private"):
        raise invalid_value("link_type")
    invoice = INVOICE.find(request.books, request.query["transaction_id"])
    return done(data={"share_link": f"https://sandbox.invalid/secure?CInvoiceID={invoice['invoice_id']}"})


router.routes.append(Route("GET", "/share/paymentlink", "settings.READ", payment_link, "invoices.payment_link"))
