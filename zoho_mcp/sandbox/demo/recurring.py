"""The demo studio's recurring invoices: two active, one stopped, one expired."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from zoho_mcp.sandbox.demo.steps import run, shown
from zoho_mcp.sandbox.kinds.invoices import invoices
from zoho_mcp.sandbox.kinds.recurring_invoices import actions as recurring_actions
from zoho_mcp.sandbox.kinds.recurring_invoices import recurring_invoices
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request

SPREADSHEET = "982000000000000203"
STOP, RESUME, CHANGE = "stop", "resume", "template"
HANDLERS: dict[str, Callable[[Request], Reply]] = {
    STOP: recurring_actions.stop, RESUME: recurring_actions.resume, CHANGE: recurring_actions.set_template,
}  # fmt: skip


@dataclass(frozen=True)
class Repeated:
    """One recurring invoice: how often what goes to whom, and what was done to it how many days ago."""

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
    """Write them; the ids are those of the studio's customers and items, whose invoices are there."""
    made = [
        _repeat(request, repeated, f"SL-{2000 + number}", customers[repeated.customer], catalogue[repeated.item])
        for number, repeated in enumerate(REPEATED, 1)
    ]
    # The first one's invoices are in the books already: they are those of its customer on its dates.
    first = REPEATED[0]
    for days_ago in range(first.started, 0, -first.every):
        _adopt(request, made[0], customers[first.customer], days_ago)


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
    made = run(replace(request, now=start - timedelta(days=1)), recurring_invoices.create_recurring_invoice, body)
    there = {"recurring_invoice_id": str(shown(made, "recurring_invoice")["recurring_invoice_id"])}
    for days_ago, event in repeated.events:
        at = replace(request, now=request.now - timedelta(days=days_ago), path={**there, "template_id": SPREADSHEET})
        run(at, HANDLERS[event], {})
    return there["recurring_invoice_id"]


def _adopt(request: Request, parent: str, customer_id: str, days_ago: int) -> None:
    when = request.now - timedelta(days=days_ago)
    for invoice in request.books.of_customer("invoice", customer_id):
        if invoice["date"] == when.date().isoformat():
            body: Record = {"recurring_invoice_id": parent, "reason": "Belongs to the monthly care"}
            run(replace(request, now=when, path={"invoice_id": invoice["invoice_id"]}), invoices.update_invoice, body)
