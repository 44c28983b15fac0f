"""The routes of an expense's receipt, documented for Zoho Books; that Zoho Invoice has them too is unverified."""

from zoho_mcp.sandbox.kinds.expenses.expenses import EXPENSE, NO_RECEIPT, store_receipt
from zoho_mcp.sandbox.kinds.files import file_reply, stored_file
from zoho_mcp.sandbox.kinds.record_kind import Router
from zoho_mcp.sandbox.wire.errors import invalid_value
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request

router = Router(EXPENSE)


@router.on_one("GET", "/receipt")
def get_receipt(request: Request, expense: Record) -> Reply:
    """The file of the receipt; `preview` has no effect in the sandbox."""
    return file_reply(stored_file(request, "receipt", expense["expense_id"], "Receipt"))


@router.on_one("POST", "/receipt", "The expense receipt has been attached.")
def add_receipt(request: Request, expense: Record) -> None:
    """Store `receipt` of a multipart form, in place of an earlier file."""
    if "receipt" not in request.files:
        raise invalid_value("receipt")
    store_receipt(request, expense, request.files["receipt"])
    EXPENSE.save(request, expense)


@router.on_one("DELETE", "/receipt", "The attached expense receipt has been deleted.")
def delete_receipt(request: Request, expense: Record) -> None:
    """Remove the file."""
    stored_file(request, "receipt", expense["expense_id"], "Receipt")
    request.books.drop("receipt", expense["expense_id"])
    EXPENSE.save(request, expense, **NO_RECEIPT)
