"""From arguments to the request that is sent: the cases stand in cases/requests, one file per toolset."""

import json
from pathlib import Path
from typing import Any

import pytest

from zoho_mcp.errors import ArgumentsError
from zoho_mcp.specs.arguments import ArgumentChecker, normalize
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.request import build

CATALOGS = {product: load(product) for product in ("invoice", "books")}
CASES: list[dict[str, Any]] = [
    case
    for path in sorted((Path(__file__).parent / "cases" / "requests").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_arguments_become_this_request(case: dict[str, Any]) -> None:
    catalog = CATALOGS[case.get("product", "invoice")]
    operation = catalog.operations[case["tool"]]
    arguments = normalize(operation, case["arguments"])
    ArgumentChecker(catalog).check(operation, arguments)
    request = build(operation, arguments)
    sent: dict[str, Any] = {"method": request.method, "path": request.path}
    sent |= {"query": [list(pair) for pair in request.query]} if request.query else {}
    sent |= {"headers": dict(request.headers)} if request.headers else {}
    sent |= {"body": request.body} if request.body is not None else {}
    assert sent == case["request"]


def test_every_tool_that_is_one_request_has_a_case() -> None:
    plain = {name for name, operation in CATALOGS["invoice"].operations.items() if not operation.handler}
    assert plain - {case["tool"] for case in CASES} == set()


@pytest.mark.parametrize("value", ["1/void", "..", "1?x=1", "1#", "%2e%2e", "", 7, None])
def test_no_value_reaches_another_endpoint_even_unchecked(value: Any) -> None:
    with pytest.raises(ArgumentsError, match="invoice_id"):
        build(CATALOGS["invoice"].operations["get_invoice"], {"invoice_id": value})
