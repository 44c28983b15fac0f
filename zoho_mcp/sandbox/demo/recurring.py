"""The demo studio's recurring invoices: two active, one stopped, one expired."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from zoho_mcp.sandbox.demo.steps import change_invoices, send
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

SPREADSHEET = "982000000000000203"
# Method and path below a recurring invoice.
STOP, RESUME, CHANGE = "POST /status/stop", "POST /status/resume", f"PUT /templates/{SPREADSHEET}"


@dataclass(frozen=True)
class Repeated:
    """One recurring invoice: its schedule, customer and item, and the changes of its status or template."""

    name: str
    customer: int
    item: int
    quantity: str
    started: int  # days ago
    every: int
    unit: str
    ended: int | None = None  # days ago
    events: tuple[tuple[int, str], ...] = ()


REPEATED = (
    Repeated("Monthly care - Harbor Coffee", 0, 4, "1", 120, 30, "days"),
    Repeated("Website care - Northwind Cycles", 2, 4, "2", 75, 1, "months", events=((40, CHANGE),)),
    Repeated("Quarterly design days - Lighthouse Legal", 6, 2, "3", 200, 3, "months",
             events=((110, STOP), (80, RESUME), (18, STOP))),
    Repeated("Shop window posters - Bluebird Books", 1, 6, "12", 190, 2, "weeks", ended=85),
)  # fmt: skip


def write_recurring_invoices(request: Request, customers: list[str], catalogue: list[str]) -> None:
    """Write them, after the invoices. The ids are those of the studio's customers and items."""
    made = [
        _repeat(request, repeated, f"SL-{2000 + number}", customers[repeated.customer], catalogue[repeated.item])
        for number, repeated in enumerate(REPEATED, 1)
    ]
    # The first one's invoices are in the books already: they are those of its customer on its dates.
    first = REPEATED[0]
    for days_ago in range(first.started, 0, -first.every):
        body: Record = {"recurring_invoice_id": made[0], "reason": "Belongs to the monthly care"}
        change_invoices(request, customers[first.customer], days_ago, lambda invoice, body=body: body)


def _repeat(request: Request, repeated: Repeated, contract: str, customer_id: str, item_id: str) -> str:
    start = request.now - timedelta(days=repeated.started)
    body: Record = {
        "recurrence_name": repeated.name, "customer_id": customer_id, "recurrence_frequency": repeated.unit,
        "repeat_every": repeated.every, "start_date": start.date().isoformat(),
        "line_items": [{"item_id": item_id, "quantity": Decimal(repeated.quantity)}],
        "custom_fields": [{"api_name": "cf_contract", "value": contract}],
        "notes": "Thank you for working with us.",
    }  # fmt: skip
    if repeated.ended is not None:
        body["end_date"] = (request.now - timedelta(days=repeated.ended)).date().isoformat()
    made = send(replace(request, now=start - timedelta(days=1)), "POST", "/recurringinvoices", body)
    own_id = str(made["recurring_invoice"]["recurring_invoice_id"])
    for days_ago, event in repeated.events:
        method, path = event.split()
        at = replace(request, now=request.now - timedelta(days=days_ago))
        send(at, method, f"/recurringinvoices/{own_id}{path}")
    return own_id
