"""Organisations: the only records that are asked for without naming an organisation."""

from zoho_mcp.sandbox.wire.errors import wrong_organization
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done

ROW = (
    "organization_id", "name", "contact_name", "email", "is_default_org", "language_code", "fiscal_year_start_month",
    "account_created_date", "time_zone", "is_org_active", "currency_id", "currency_code", "currency_symbol",
    "currency_format", "price_precision", "date_format", "field_separator", "industry_type", "industry_size",
    "plan_type", "plan_name", "plan_period", "country", "country_code", "state", "tax_group_enabled", "user_role",
    "user_status", "org_action", "mode", "version",
)  # fmt: skip


def list_organizations(request: Request) -> Reply:
    """GET /organizations: no organization_id needed, no page_context given."""
    found = request.books.store.shared.all("organization")
    return done(organizations=[{name: organization[name] for name in ROW} for organization in found])


def get_organization(request: Request) -> Reply:
    """GET /organizations/{organization_id}."""
    found: Record | None = request.books.store.shared.get("organization", request.path["organization_id"])
    if found is None:
        raise wrong_organization(request.path["organization_id"])
    return done(organization=found)


ROUTES = [
    Route("GET", "/organizations", "settings.READ", list_organizations, needs_organization=False),
    Route("GET", "/organizations/{organization_id}", "settings.READ", get_organization, needs_organization=False),
]
