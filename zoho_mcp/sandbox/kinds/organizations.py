"""Organisations: the only records that can be read without an organization_id."""

from zoho_mcp.sandbox.times import zone
from zoho_mcp.sandbox.wire.errors import wrong_organization
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


def list_organizations(request: Request) -> Reply:
    """GET /organizations: no organization_id needed, no page_context given."""
    found = request.books.store.shared.all("organization")
    return done(organizations=[_view(request, organization) for organization in found])


def get_organization(request: Request) -> Reply:
    """GET /organizations/{organization_id}."""
    found: Record | None = request.books.store.shared.get("organization", request.path["organization_id"])
    if found is None:
        raise wrong_organization(request.path["organization_id"])
    return done(organization=_view(request, found))


def _view(request: Request, organization: Record) -> Record:
    moment = request.now.astimezone(zone(organization["time_zone"]))
    return {
        **organization,
        "is_dst_active": bool(moment.dst()),
        "org_settings": {"is_org_active": organization["is_org_active"]},
    }


ROUTES = [
    Route("GET", "/organizations", "settings.READ", list_organizations, "organizations.list", needs_organization=False),
    Route("GET", "/organizations/{organization_id}", "settings.READ", get_organization, "organizations.one",
          needs_organization=False),
]  # fmt: skip
