"""Projects: they can be set up and listed. The sandbox has no tasks, hours or users of projects."""

from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.kinds.contacts.parts import primary_of
from zoho_mcp.sandbox.kinds.record_kind import RecordKind
from zoho_mcp.sandbox.listing import Listing, status_filters
from zoho_mcp.sandbox.pricing import ZERO
from zoho_mcp.sandbox.wire.errors import invalid_value
from zoho_mcp.sandbox.wire.fields import custom_field_hash, custom_fields, number, one_of, text_fields
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

BILLING_TYPES = ("fixed_cost_for_project", "based_on_project_hours", "based_on_staff_hours", "based_on_task_hours")


def _write(request: Request, project: Record) -> None:
    for name in ("project_name", "billing_type"):
        if not project[name]:
            raise invalid_value(name)
    customer = CONTACT.find(request.books, project["customer_id"], "Customer")
    project |= {"customer_name": customer["contact_name"], "status": "active"}


def _view(request: Request, project: Record) -> Record:
    customer = request.books.get("contact", project["customer_id"]) or {}
    person = primary_of(customer) if customer else None
    fixed = project["billing_type"] == "fixed_cost_for_project"
    total = project["rate"] if fixed else ZERO
    shown = {name: value for name, value in project.items() if name != "last_modified_time"}
    return shown | {
        "currency_id": customer.get("currency_id", ""),
        "currency_code": customer.get("currency_code", ""),
        "customer_first_name": person["first_name"] if person else "",
        "customer_email": person["email"] if person else "",
        "billing_rate_frequency": "fixed" if fixed else "per_hour",
        "total_amount": total,
        "un_billed_amount": f"{total:.2f}",
        "created_by_id": request.organization.get("user_id", ""),
        "last_modified_by_id": request.organization.get("user_id", ""),
        "custom_field_hash": custom_field_hash(project["custom_fields"]),
    }


PROJECT = RecordKind(
    name="project",
    path="/projects",
    scope="projects",
    tables="projects",
    word="Project",
    listing=Listing(
        key="projects",
        report_name="Projects",
        sortable=("project_name", "customer_name", "rate"),
        exact=("customer_id",),
        filters=status_filters({"Active": "active", "Inactive": "inactive"}),
        default_filter="Status.All",
    ),
    created="The project has been created.",
    fields={
        **text_fields(project_name=100, customer_id=None, description=500),
        "billing_type": (one_of(*BILLING_TYPES), ""), "rate": (number, ZERO), "custom_fields": (custom_fields, []),
    },
    write=_write,
    view=_view,
    overview=lambda request: request.books.all("project"),
)  # fmt: skip
router = PROJECT.router()
