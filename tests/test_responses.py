"""From an answer of Zoho's to a value or an error: the cases stand in cases/payloads."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from zoho_mcp import errors
from zoho_mcp.errors import UnavailableError
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


def error_of(case: dict[str, Any]) -> errors.ZohoMcpError:
    """What an answer of Zoho's becomes. The wording of each is in snapshots/messages.md."""
    request = {"read": READ, "write": WRITE, "file": FILE}[case["request"]]
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    with pytest.raises(errors.ZohoMcpError) as caught:
        decode(request, answer(body, case["status"], case.get("media_type", "application/json")))
    return caught.value


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_an_answer_becomes_this_error(case: dict[str, Any]) -> None:
    assert type(error_of(case)).__name__ == case["error"]


def test_figures_keep_every_digit() -> None:
    value = decode(READ, answer('{"code":0,"message":"success","invoice":{"total":7052.50,"balance":0.1,"n":3}}'))
    assert isinstance(value, dict)
    assert value["invoice"] == {"total": Decimal("7052.50"), "balance": Decimal("0.1"), "n": 3}
    assert str(value["invoice"]["total"]) == "7052.50"


def test_a_file_is_given_as_its_bytes() -> None:
    assert decode(FILE, answer(b"%PDF-1.4 \xff", media_type="application/pdf")) == b"%PDF-1.4 \xff"


@pytest.mark.parametrize("media_type", ["application/json", "text/html; charset=utf-8", "", "text/plain"])
def test_a_page_or_refusal_is_not_taken_for_a_file_of_any_type(media_type: str) -> None:
    receipt = replace(FILE, accept="*/*")
    assert decode(receipt, answer(b"GIF8", media_type="image/gif")) == b"GIF8"
    with pytest.raises(UnavailableError):
        decode(receipt, answer("<h1>Down for maintenance</h1>", media_type=media_type))


LIST = Request("GET", "/invoices", (("page", "2"), ("per_page", "2")), scope="invoices.READ", rows_in="invoices")


def listed(**envelope: Any) -> Any:
    body = json.dumps({"code": 0, "message": "success"} | envelope).encode()
    return decode(LIST, Response(200, {"content-type": "application/json"}, body))


@pytest.mark.parametrize(
    ("context", "more"),
    [
        (None, True), ("none", True), ([], True), ({}, True), ({"page": None, "per_page": None}, True),
        ({"page": "2", "per_page": "2", "has_more_page": "false"}, False), ({"page": 2.0, "has_more_page": 0}, False),
        ({"page": 2, "per_page": 2, "has_more_page": True}, True), ({"page": "x", "has_more_page": 1}, True),
    ],
)  # fmt: skip
def test_a_page_context_of_any_type_gives_page_size_and_whether_more_follows(context: Any, more: bool) -> None:
    found = listed(invoices=[{"invoice_id": 1}, {"invoice_id": 2}], page_context=context)["page_context"]
    assert (found["page"], found["per_page"], found["has_more_page"]) == (2, 2, more)


@pytest.mark.parametrize("envelope", [{}, {"records": []}, {"invoices": None}, {"invoices": "none"}])
def test_a_response_without_the_list_is_an_error_and_no_empty_list(envelope: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError) as caught:
        listed(**envelope)
    assert all(key in caught.value.what for key in envelope)


def test_another_page_than_the_one_requested_is_an_error() -> None:
    with pytest.raises(UnavailableError):
        listed(invoices=[{"invoice_id": 1}], page_context={"page": 1, "per_page": 2})


def test_ids_sent_as_numbers_are_text() -> None:
    row = {"invoice_id": 460000000026049, "payment_ids": [1, "2"], "customer_id": 46.0, "contact": {"contact_id": 7}}
    assert listed(invoices=[row])["invoices"] == [
        {
            "invoice_id": "460000000026049",
            "payment_ids": ["1", "2"],
            "customer_id": "46",
            "contact": {"contact_id": "7"},
        }
    ]
