"""The sandbox sends what Zoho sends: every recorded route over bare HTTP, compared key by key and type by type."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox_support import SALES_TAX, Json, Sandbox

from zoho_mcp.sandbox.limits import Limits

pytestmark = pytest.mark.anyio
RECORDINGS: Json = json.loads((Path(__file__).parent / "recordings" / "responses.json").read_text())
ROUTES: dict[str, Json] = RECORDINGS["routes"]
RECORDED = [name for name in ROUTES if "nested" not in name]
# The sandbox has no plans, and neither code nor words of their error are known.
REFUSALS = [error for error in RECORDINGS["errors"] if error["name"] != "plan cap"]
MEALS, CHECKING = "982000000000000301", "982000000000000313"
ACCOUNT = {"account_name": "Coffee", "account_type": "expense"}


class Books:
    """One record of every kind in a sandbox, and how to ask for each recorded route."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ids: dict[str, str] = {}

    async def fill(self) -> None:
        make = self.sandbox.ask
        place = {"address": "1 Mill Road", "city": "Albany", "country": "U.S.A"}
        person = {"first_name": "Ann", "last_name": "Lee", "email": "ann@acme.example", "is_primary_contact": True}
        contact = {"contact_name": "Acme", "billing_address": place, "contact_persons": [person]}
        self.ids["contacts"] = (await make("POST", "/contacts", contact))["contact"]["contact_id"]
        item = (await make("POST", "/items", {"name": "Poster", "rate": "18.50"}))["item"]["item_id"]
        self.ids["items"] = item
        document = {"customer_id": self.ids["contacts"], "line_items": [{"item_id": item, "tax_id": SALES_TAX}]}
        for kind, one in (("invoices", "invoice"), ("estimates", "estimate"), ("creditnotes", "creditnote")):
            self.ids[kind] = (await make("POST", f"/{kind}", document))[one][f"{one}_id"]
        self.bodies: dict[str, Json] = {
            "contacts": {"contact_name": "Bolt"}, "items": {"name": "Booklet", "rate": 6}, "invoices": document,
            "estimates": document, "creditnotes": document,
            "customerpayments": {"customer_id": self.ids["contacts"], "amount": 5},
            "expenses": {"date": "2026-10-01", "account_id": MEALS, "amount": 9, "paid_through_account_id": CHECKING},
            "chartofaccounts": ACCOUNT,
            "projects": {"project_name": "Move", "customer_id": self.ids["contacts"],
                         "billing_type": "fixed_cost_for_project", "rate": 500},
        }  # fmt: skip
        applied = [{"invoice_id": self.ids["invoices"], "amount_applied": 5}]
        payment = {**self.bodies["customerpayments"], "invoices": applied}
        self.ids["customerpayments"] = (await make("POST", "/customerpayments", payment))["payment"]["payment_id"]
        self.ids["expenses"] = (await make("POST", "/expenses", self.bodies["expenses"]))["expense"]["expense_id"]
        account = (await make("POST", "/books/v3/chartofaccounts", ACCOUNT))["chart_of_account"]
        self.ids["chartofaccounts"] = account["account_id"]
        await make("POST", "/projects", self.bodies["projects"])
        people = (await make("GET", "/contacts/contactpersons"))["contact_persons"]
        self.ids["contactpersons"] = people[0]["contact_person_id"]

    async def ask(self, name: str, product: str = "") -> httpx.Response:
        """The response to a recorded route, "PUT /items/{id} @books", on that product unless another is named."""
        method, path, recorded_on = name.split()
        product = product or recorded_on[1:]
        kind = path.split("/")[2 if path.startswith("/contacts/contactpersons") else 1]
        if method == "DELETE" and kind in ("invoices", "contacts", "items"):
            # What has transactions cannot be deleted, so a fresh one is.
            one = kind.removesuffix("s")
            self.ids[kind] = (await self.sandbox.ask("POST", f"/{kind}", self.bodies[kind]))[one][f"{one}_id"]
        where = f"/{product}/v3{path.replace('{id}', self.ids.get(kind, ''))}"
        return await self.sandbox.send(method, where, self._body(method, path, kind))

    def _body(self, method: str, path: str, kind: str) -> Json | None:
        if path.endswith("/email"):
            return {"to_mail_ids": ["ann@acme.example"]}
        if path.endswith("/credits"):
            return {"apply_creditnotes": [{"creditnote_id": self.ids["creditnotes"], "amount_applied": 1}]}
        if kind == "contactpersons":
            return {"contact_id": self.ids["contacts"], "first_name": "Bo"} if method in ("POST", "PUT") else None
        if method == "PUT":
            return {"notes": "Thanks", "description": "Thanks", "reason": "They asked"}
        return self.bodies[kind] if method == "POST" and path.count("/") == 1 else None


@pytest.fixture
async def books() -> AsyncIterator[Books]:
    with Sandbox() as sandbox:
        filled = Books(sandbox)
        await filled.fill()
        yield filled


def kind_of(value: Any) -> str:
    names = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    return next((name for kind, name in names.items() if type(value) is kind), "null")


def differences(where: str, recorded: Json, sent: Json) -> Iterator[str]:
    """What is invented, absent or of another type in an object or row."""
    for key in recorded.keys() | sent.keys():
        if key not in recorded:
            yield f"{where}.{key} is invented"
        elif key not in sent:
            yield f"{where}.{key} is absent"
        elif isinstance(recorded[key], str) and kind_of(sent[key]) != recorded[key]:
            yield f"{where}.{key} is {kind_of(sent[key])} instead of {recorded[key]}"


def inside(sent: Any, path: str) -> list[Json]:
    """The objects at a path such as invoice.line_items[]."""
    found: list[Any] = [sent]
    for step in path.split("."):
        found = [one[step.removesuffix("[]")] for one in found]
        if step.endswith("[]"):
            found = [part for parts in found for part in parts]
    return found


@pytest.mark.parametrize("name", RECORDED)
async def test_a_recorded_route_is_answered_as_recorded(books: Books, name: str) -> None:
    recorded = ROUTES[name]
    response = await books.ask(name)
    sent: Json = response.json()
    assert sent["message"] == recorded["message"], sent
    assert response.status_code == (recorded["status"] or 200)
    envelope = {"code": "number", "message": "string", **recorded["keys"]}
    found = list(differences("", envelope, sent))
    shapes: dict[str, Any] = recorded["keys"]
    for key, keys in shapes.items():
        # An empty list was recorded of some routes: nothing is known of their rows then.
        if not isinstance(keys, str) and keys:
            rows: list[Json] = sent[key] if isinstance(sent[key], list) else [sent[key]]
            assert rows, key
            for row in rows:
                found += differences(key, keys, row)
    nested = {**ROUTES.get(f"{name} nested", {}).get("nested", {}), **recorded.get("nested", {})}
    for path, keys in nested.items():
        parts = inside(sent, path)
        assert parts, path
        for part in parts:
            found += differences(path, keys, part)
    assert sorted(set(found)) == []


@pytest.mark.parametrize("name", [name for name in RECORDED if name.endswith("@books") and "/chartof" not in name])
async def test_zoho_invoice_answers_in_the_same_words_and_types(books: Books, name: str) -> None:
    recorded = ROUTES[name]
    response = await books.ask(name, "invoice")
    sent: Json = response.json()
    assert (response.status_code, sent["message"]) == (recorded["status"] or 200, recorded["message"])
    shapes: dict[str, Any] = recorded["keys"]
    for key, keys in shapes.items():
        if not isinstance(keys, str):
            rows: list[Json] = sent[key] if isinstance(sent[key], list) else [sent[key]]
            found = [text for row in rows for text in differences(key, keys, row)]
            assert [text for text in found if "instead of" in text] == []


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error["name"])
async def test_a_recorded_refusal_has_its_code_words_and_status(books: Books, error: Json) -> None:
    response = await refused(books, error["name"])
    sent = response.json()
    assert sent["code"] == error["code"] if isinstance(error.get("code"), int) else sent["code"] != 0
    assert response.status_code == (error.get("status") or response.status_code)
    if error.get("message"):
        assert sent["message"] == error["message"].replace("{name}", "Acme")
    assert not set(error.get("absent_headers", ())) & set(response.headers)


async def refused(books: Books, name: str) -> httpx.Response:
    """The response to the request of a recorded refusal."""
    sandbox, document = books.sandbox, books.bodies["invoices"]
    match name:
        case "no token" | "no rate headers without token":
            return await sandbox.http.get("/invoice/v3/organizations")
        case "no organisation":
            return await sandbox.send("GET", "/estimates", organization_id="")
        case "payment terms in words":
            return await sandbox.send("POST", "/invoices", document | {"payment_terms": "Net 15"})
        case "name taken":
            return await sandbox.send("POST", "/contacts", {"contact_name": "Acme"})
        case "customer of another":
            return await sandbox.send("POST", "/invoices", document | {"customer_id": "982000000000999999"})
        case "quote accepted twice":
            path = f"/estimates/{books.ids['estimates']}/status"
            await sandbox.ask("POST", f"{path}/sent")
            await sandbox.ask("POST", f"{path}/accepted")
            return await sandbox.send("POST", f"{path}/accepted")
        case "minute":
            return await one_too_many(Limits(per_minute=1))
        case "at once":
            return await one_too_many(Limits(at_once=0))
        case _:
            pytest.fail(f"No request is known for {name}.")


async def one_too_many(limits: Limits) -> httpx.Response:
    with Sandbox(limits=limits) as small:
        await small.send("GET", "/items")
        return await small.send("GET", "/items")
