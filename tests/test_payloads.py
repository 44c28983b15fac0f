"""From an answer of Zoho's to a value or an error: the cases stand in cases/payloads."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from zoho_mcp import errors
from zoho_mcp.zoho.request import Request
from zoho_mcp.zoho.response import Response, decode

CASES: list[dict[str, Any]] = [
    case
    for path in sorted((Path(__file__).parent / "cases" / "payloads").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]
READ = Request("GET", "/invoices/1", scope="invoices.READ")
WRITE = Request("POST", "/invoices", body={}, scope="invoices.CREATE")
FILE = Request("GET", "/invoices/1", accept="application/pdf", scope="invoices.READ")


def answer(body: bytes | str, status: int = 200, media_type: str = "application/json;charset=UTF-8") -> Response:
    return Response(status, {"content-type": media_type}, body.encode() if isinstance(body, str) else body)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_an_answer_becomes_this_error(case: dict[str, Any]) -> None:
    request = {"read": READ, "write": WRITE, "file": FILE}[case["request"]]
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    with pytest.raises(errors.ZohoMcpError) as caught:
        decode(request, answer(body, case["status"], case.get("media_type", "application/json")))
    assert type(caught.value).__name__ == case["error"]
    for part in case["says"]:
        assert part in str(caught.value)


def test_figures_keep_every_digit() -> None:
    value = decode(READ, answer('{"code":0,"message":"success","invoice":{"total":7052.50,"balance":0.1,"n":3}}'))
    assert isinstance(value, dict)
    assert value["invoice"] == {"total": Decimal("7052.50"), "balance": Decimal("0.1"), "n": 3}
    assert str(value["invoice"]["total"]) == "7052.50"


def test_a_file_is_given_as_its_bytes() -> None:
    assert decode(FILE, answer(b"%PDF-1.4 \xff", media_type="application/pdf")) == b"%PDF-1.4 \xff"
