"""Customers are found by every contact person, whatever the spelling."""

from typing import Any

import pytest
from conftest import Zoho, call
from mcp import Client
from rewriting import Json, Rewriting

pytestmark = pytest.mark.anyio
PRODUCTS = pytest.mark.parametrize("product", ["invoice", "books"])
PEOPLE: list[Json] = [
    {"first_name": "Ada", "last_name": "Byron", "email": "ada@harbour.example", "is_primary_contact": True},
    {"first_name": "Zoë", "last_name": "O'Neill", "email": "zoe@suppliers.example", "phone": "+44 20 7946 0991",
     "mobile": "07700 900123"},
]  # fmt: skip


async def customer(client: Client, name: str = "Café de l'Été", people: list[Json] = PEOPLE) -> str:
    made = await call(client, "create_customer", contact_name=name, contact_persons=people)
    return made["customer"]["customer_id"]


async def ids(client: Client, **arguments: Any) -> list[str]:
    return [row["customer_id"] for row in (await call(client, "list_customers", **arguments))["customers"]]


@PRODUCTS
@pytest.mark.parametrize(
    "arguments",
    [
        {"search_text": "Zoë"}, {"search_text": "neill"}, {"search_text": "Zoë O'Neill"},
        {"search_text": "zoe@suppliers.example"}, {"search_text": "@suppliers.example"},
        {"search_text": "7946 0991"}, {"search_text": "020-79460991"[1:]}, {"email": "zoe@suppliers.example"},
        {"contact_name_contains": "O'Neill"},
    ],
)  # fmt: skip
async def test_a_customer_is_found_by_any_of_its_contact_persons(zoho: Zoho, product: str, arguments: Json) -> None:
    async with zoho.client(product=product) as client:
        own = await customer(client)
        answer = await call(client, "list_customers", **arguments)
    [row] = answer["customers"]
    assert (row["customer_id"], row["email"]) == (own, "ada@harbour.example")
    assert "Zoë O'Neill" in answer["found_by"][own]
    assert answer["sums"]["USD"]["count"] == 1
    assert "remarks" not in answer


@PRODUCTS
async def test_what_is_found_by_a_person_fits_the_other_filters(zoho: Zoho, product: str) -> None:
    async with zoho.client(product=product) as client:
        own = await customer(client)
        assert await ids(client, search_text="Zoë", filter_by="Status.Active") == [own]
        assert await ids(client, search_text="Zoë", filter_by="Status.Inactive") == []


@PRODUCTS
async def test_people_of_more_than_a_page_are_found_by_their_names(zoho: Zoho, product: str) -> None:
    async with zoho.client(product=product) as client:
        many = [{"first_name": f"Person{number}", "email": f"p{number}@many.example"} for number in range(201)]
        await customer(client, "Many", many)
        own = await customer(client)
        assert await ids(client, search_text="O'Neill") == [own]


async def test_the_primary_person_needs_no_naming(zoho: Zoho) -> None:
    async with zoho.client() as client:
        own = await customer(client)
        answer = await call(client, "list_customers", search_text="ada@harbour.example")
    assert [row["customer_id"] for row in answer["customers"]] == [own]
    assert "found_by" not in answer


async def test_where_zoho_does_not_search_at_all_only_what_shows_the_text_is_left(zoho: Zoho) -> None:
    async with zoho.client() as client:
        own = await customer(client)
        zoho.app = Rewriting(zoho.app, lambda method, path, envelope: envelope, ("organization_id", "page", "per_page"))
    async with zoho.client() as client:
        answer = await call(client, "list_customers", search_text="Zoë O'Neill")
    assert [row["customer_id"] for row in answer["customers"]] == [own]
    assert answer["remarks"]


@pytest.mark.parametrize(
    "spelling",
    [
        "Café de l\u2019Été",
        "  Café de l'Été ",
        "Cafe\u0301 de l'E\u0301te\u0301",
        "Cafe\u0301 de l\u2019E\u0301te\u0301",
    ],
)
@pytest.mark.parametrize("argument", ["search_text", "contact_name_contains", "contact_name"])
async def test_a_name_is_found_in_other_spellings(zoho: Zoho, argument: str, spelling: str) -> None:
    async with zoho.client() as client:
        own = await customer(client)
        assert await ids(client, **{argument: spelling}) == [own]


async def test_a_curly_apostrophe_in_the_record_is_found_with_a_straight_one(zoho: Zoho) -> None:
    async with zoho.client() as client:
        own = await customer(client, "Rosie\u2019s Flowers", [])
        assert await ids(client, contact_name_contains="Rosie's") == [own]


@pytest.mark.parametrize(("tool", "argument"), [("list_customers", "search_text"), ("list_invoices", "customer_name")])
async def test_a_name_that_nothing_has_comes_back_with_what_was_tried(zoho: Zoho, tool: str, argument: str) -> None:
    async with zoho.client() as client:
        answer = await call(client, tool, **{argument: "Zoë\u2019s"})
        plain = await call(client, tool, **{argument: "Nobody"})
    [remark] = answer["remarks"]
    assert all(spelling in remark for spelling in ("Zoë\u2019s", "Zoë's", "Zoe's"))
    assert "remarks" not in plain


async def test_names_are_sent_composed_and_trimmed(zoho: Zoho) -> None:
    async with zoho.client() as client:
        made = await call(client, "create_customer", contact_name=" Cafe\u0301 ", notes=" two  blanks ")
        assert made["customer"]["contact_name"] == "Café"
        await call(client, "list_invoices", customer_name=" Cafe\u0301 ")
    assert zoho.app.state.request_log[-1].query["customer_name"] in ("Café", "Cafe")
    sent = next(
        one.body for one in zoho.app.state.request_log if one.method == "POST" and one.path.endswith("/contacts")
    )
    assert (sent["contact_name"], sent["notes"]) == ("Café", " two  blanks ")
