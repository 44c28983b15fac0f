"""The receipt of an expense: one file, stored with the expense and returned unchanged.

The calls are documented for Zoho Books; that Zoho Invoice has them too is unverified.
"""

from base64 import b64decode, b64encode
from urllib.parse import quote

from zoho_mcp.sandbox.kinds.expenses.views import find
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.forms import Upload
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

OFFICE = "application/vnd.openxmlformats-officedocument"
# The extensions in Zoho's documentation, and the media type of the returned file. That Zoho checks neither the
# content nor the Content-Type of an upload is unverified.
TYPES = {
    "gif": "image/gif", "png": "image/png", "jpeg": "image/jpeg", "jpg": "image/jpeg", "bmp": "image/bmp",
    "pdf": "application/pdf", "xls": "application/vnd.ms-excel", "xlsx": f"{OFFICE}.spreadsheetml.sheet",
    "doc": "application/msword", "docx": f"{OFFICE}.wordprocessingml.document",
}  # fmt: skip
# Unverified: Zoho's pages say 7 MB in one place and 10 MB in another.
LARGEST = 10 * 1024 * 1024
NO_RECEIPT: Record = {"expense_receipt_name": "", "expense_receipt_type": ""}


def get_receipt(request: Request) -> Reply:
    """GET /expenses/{expense_id}/receipt: the file. `preview` changes nothing here."""
    expense = find(request.books, request.path["expense_id"])
    kept = request.books.get("receipt", expense["expense_id"])
    if kept is None:
        raise no_receipt()
    name, kind = expense["expense_receipt_name"], expense["expense_receipt_type"]
    # A header cannot hold every character; how Zoho encodes such names is unverified.
    file_name = quote(name, safe=" ()+,;=@&'")
    return Reply(content=b64decode(kept["content"]), content_type=TYPES[kind], file_name=file_name)


def add_receipt(request: Request) -> Reply:
    """POST /expenses/{expense_id}/receipt, the file as `receipt` of a multipart form; replaces an existing one."""
    expense = find(request.books, request.path["expense_id"])
    if "receipt" not in request.files:
        raise invalid_value("receipt")
    keep(request, expense, request.files["receipt"])
    _save(request, expense)
    return done("The expense receipt has been attached.")


def delete_receipt(request: Request) -> Reply:
    """DELETE /expenses/{expense_id}/receipt."""
    expense = find(request.books, request.path["expense_id"])
    if not expense["expense_receipt_name"]:
        raise no_receipt()
    request.books.drop("receipt", expense["expense_id"])
    expense |= NO_RECEIPT
    _save(request, expense)
    return done("The attached expense receipt has been deleted.")


def keep(request: Request, expense: Record, upload: Upload) -> None:
    """Store a file as the expense's receipt. The caller saves the expense."""
    # Bytes that are not UTF-8 became surrogates, which cannot be encoded again.
    name = upload.file_name.encode("utf-8", "replace").decode().replace("\\", "/").rpartition("/")[2].strip()
    kind = name.rpartition(".")[2].lower() if "." in name else ""
    if kind not in TYPES:
        raise refused(f"Only files of these types can be attached as a receipt: {', '.join(TYPES)}.")
    if not upload.content:
        raise refused("The receipt is an empty file.")
    if len(upload.content) > LARGEST:
        raise refused(f"The receipt is larger than {LARGEST // 1024 // 1024} MB.")
    request.books.put("receipt", expense["expense_id"], {"content": b64encode(upload.content).decode()})
    expense |= {"expense_receipt_name": name, "expense_receipt_type": kind}


def no_receipt() -> ZohoError:
    """An expense without a receipt; code and status are unverified."""
    return does_not_exist("Receipt")


def _save(request: Request, expense: Record) -> None:
    touch(expense, request.now)
    request.books.put("expense", expense["expense_id"], expense)


RECEIPT = "/expenses/{expense_id}/receipt"
RECEIPT_ROUTES = [
    Route("GET", RECEIPT, "expenses.READ", get_receipt),
    Route("POST", RECEIPT, "expenses.CREATE", add_receipt),
    Route("DELETE", RECEIPT, "expenses.DELETE", delete_receipt),
]
