"""The refunds of credit notes."""

from zoho_mcp.sandbox import listing
from zoho_mcp.sandbox.kinds.credit_notes.credit_notes import CREDIT_NOTE
from zoho_mcp.sandbox.kinds.payments import payment_mode
from zoho_mcp.sandbox.kinds.refunds import RefundKind, refund_row
from zoho_mcp.sandbox.listing import Listing
from zoho_mcp.sandbox.wire.errors import refused
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request


def _new(request: Request, note: Record) -> Record:
    if note["status"] != "open":
        raise refused(f"Credit notes in the {note['status']} status cannot be refunded.")
    return {"payment_form": ""}


REFUNDS = RefundKind(
    source=CREDIT_NOTE,
    path_id="creditnote_refund_id",
    listing=Listing(
        key="creditnote_refunds",
        report_name="Credit Note Refunds",
        sortable=("date", "refund_mode", "reference_number", "creditnote_number", "customer_name", "amount_bcy",
                  "amount_fcy"),
        exact=("customer_id",),
    ),
    shown=lambda refund: {"creditnote_refund": refund},
    listed="The refunds of the existing credit note are displayed successfully.",
    read="The refund of the credit note is displayed successfully.",
    created="The credit note amount is refunded successfully.",
    updated="The credit note refund is updated successfully.",
    deleted="The refund has been successfully deleted.",
    too_much="The amount refunded is more than the balance of the credit note.",
    new=_new,
    mode=payment_mode,
)  # fmt: skip
router = REFUNDS.router()


@router.on_all("GET", "/refunds", "refunds")
def list_all(request: Request) -> Reply:
    """The refunds of every credit note."""
    refunds = [refund for refund in request.books.all("refund") if refund["source_kind"] == "creditnote"]
    rows = [
        refund_row("creditnote", CREDIT_NOTE.find(request.books, refund["source_id"]), refund) for refund in refunds
    ]
    return listing.respond(request, REFUNDS.listing, rows)
