"""What authors of entries learn from the sandbox's routes: scopes, routes that no tool uses, and how to add one."""

import pytest
from routes import missing, route_of, unused

from zoho_mcp.sandbox.app import MODULES
from zoho_mcp.sandbox.wire.routing import Route
from zoho_mcp.specs.load import load

KINDS = "zoho_mcp/sandbox/kinds/"


@pytest.mark.parametrize("product", ["invoice", "books"])
def test_an_entry_has_the_scope_of_its_route(product: str) -> None:
    operations = load(product).operations.values()
    wrong = {one.name: scope for one in operations if (scope := route_of(one, product).scope) != one.scope}
    assert wrong == {}, "The sandbox asks for these scopes."


@pytest.mark.parametrize(
    ("method", "path", "file", "begins"),
    [
        (
            "POST",
            "/estimates/{estimate_id}/status/nowhere",
            "estimates.py",
            'ESTIMATE: transitions=(…, Transition("/status/',
        ),
        ("PUT", "/projects/{project_id}", "projects.py", "PROJECT: updated="),
        ("DELETE", "/projects/{project_id}", "projects.py", "PROJECT: deleted="),
        ("POST", "/invoices/{invoice_id}/nowhere", "invoices/invoices.py", '@router.on_one("POST", "/nowhere", '),
        ("GET", "/invoices/nowhere?page=1", "invoices/invoices.py", '@router.on_all("GET", "/nowhere", '),
        ("PUT", "/chartofaccounts/{account_id}", "accounts.py", "router: PUT /chartofaccounts"),
        ("GET", "/settings/nowhere", "settings.py", 'ROUTES: Route("GET", "/settings/nowhere", "settings.READ", '),
        ("GET", "/nowhere", "", ""),
    ],
)
def test_a_missing_route_is_declared_like_its_neighbours(method: str, path: str, file: str, begins: str) -> None:
    found = missing("do_it", method, path)
    assert found.file == KINDS + file
    assert found.line.startswith(begins)


@pytest.mark.parametrize("routes", MODULES, ids=lambda routes: routes[0].pattern)
def test_the_routes_of_a_table_are_all_found_in_one_file(routes: list[Route]) -> None:
    [file] = {missing("do_it", route.method, route.pattern).file for route in routes}
    assert file.endswith(".py")


def test_only_routes_that_no_tool_uses_are_listed() -> None:
    listed = {(route.method, route.pattern) for route in unused()}
    assert not listed & {("GET", "/invoices"), ("PUT", "/contacts/{contact_id}"), ("POST", "/settings/taxes")}
    assert len(listed) < sum(len(routes) for routes in MODULES)
