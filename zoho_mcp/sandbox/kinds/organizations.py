"""Organisations: the only records that can be read without an organization_id."""

from zoho_mcp.sandbox.times import zone
from zoho_mcp.sandbox.wire.errors import wrong_organization
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


def list_organizations(request: Request) -> Reply:
    """GET /organizations: no organization_id needed, no page_context given."""
    organizations = request.books.store.shared.all("organization")
    return done(organizations=[_view(request, organization) for organization in organizations])


def get_organization(request: Request) -> Reply:
    """GET /organizations/{organization_id}."""
    organization_id = request.path["organization_id"]
    organization = request.books.store.shared.get("organization", organization_id)
    if organization is None:
        raise wrong_organization(organization_id)
    return done(organization=_view(request, organization))


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
