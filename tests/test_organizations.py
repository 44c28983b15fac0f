"""Several organisations: each call names one of those that are set, and no other is ever called."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call, kind_of, text_of
from mcp import Client
from mcp.shared.exceptions import MCPError

from zoho_mcp.connect.organizations import numbered
from zoho_mcp.errors import AuthError, SettingsError
from zoho_mcp.sandbox.demo.organization import add_organization
from zoho_mcp.server.tools.offered import for_organizations
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.request import Request

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
ONE, TWO, THREE = "900000001", "900000002", "900000003"


@asynccontextmanager
async def client_for_two(zoho: Zoho, era: Era = "2026-07-28", **changes: Any) -> AsyncGenerator[Client]:
    for organization, name in ((TWO, "Studio Two"), (THREE, "Not ours")):
        add_organization(zoho.store, organization, name, today=zoho.clock().date())
    async with zoho.client(era, organization_id=f"{ONE},{TWO}", **changes) as client:
        yield client


def asked_of(zoho: Zoho) -> list[str]:
    requests = [request for request in zoho.app.state.request_log if not request.path.startswith("/oauth")]
    return [request.query.get("organization_id", "") for request in requests]


async def test_every_tool_but_the_list_of_organisations_has_to_be_told_which(zoho: Zoho) -> None:
    async with client_for_two(zoho, toolsets=("all",)) as client:
        tools = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
        assert "organization" not in tools.pop("list_organizations").get("properties", {})
        for schema in tools.values():
            assert schema["properties"]["organization"]["enum"] == [ONE, TWO]
            assert "organization" in schema["required"]
        assert {row["organization_id"] for row in (await call(client, "list_organizations"))["organizations"]} >= {
            ONE,
            TWO,
        }


async def test_the_changes_of_each_organisation_are_listed_apart(zoho: Zoho, tmp_path: Path) -> None:
    async with client_for_two(zoho, toolsets=("all",), audit_file=tmp_path / "audit.jsonl") as client:
        made = await call(client, "create_customer", organization=TWO, contact_name="Harbour Café")
        listed = {one: (await call(client, "list_changes", organization=one))["changes"] for one in (ONE, TWO)}
    assert [row["record_id"] for row in listed[TWO]] == [made["customer"]["customer_id"]]
    assert listed[TWO][0]["customer_name"] == "Harbour Café"
    assert listed[ONE] == []


async def test_with_one_organisation_nobody_is_asked_which(zoho: Zoho) -> None:
    async with zoho.client() as client:
        for tool in (await client.list_tools()).tools:
            assert "organization" not in tool.input_schema.get("properties", {})


@pytest.mark.parametrize("which", [{}, {"organization": THREE}, {"organization": ""}, {"organization": "Studio Two"}])
async def test_a_call_that_names_none_or_another_is_not_sent(zoho: Zoho, which: dict[str, str]) -> None:
    async with client_for_two(zoho) as client:
        result = await client.call_tool("list_customers", which)
    assert kind_of(result) == "arguments"
    assert "organization" in text_of(result)
    assert zoho.received() == []


async def test_an_organisation_that_is_not_allowed_is_not_called_whatever_asks_for_it(zoho: Zoho) -> None:
    server = zoho.server(organization_id=f"{ONE},{TWO}")
    async with server.lifespan(server) as app:
        for organization in (THREE, "", "1"):
            with pytest.raises(AuthError, match=ONE):
                await app.api.client.send(Request("GET", "/invoices", organization_id=organization))
    assert zoho.received() == []


def by_name(zoho: Zoho, tmp_path: Path, *names: str) -> Settings:
    add_organization(zoho.store, TWO, "Studio Two", today=zoho.clock().date())
    return replace(zoho.settings, organization_id=",".join(names), token_cache=tmp_path / "tokens")


def test_organisations_can_be_set_by_name(zoho: Zoho, tmp_path: Path) -> None:
    settings = numbered(by_name(zoho, tmp_path, "Studio Two", ONE), httpx.ASGITransport(zoho.app))
    assert settings.organizations == (TWO, ONE)
    which = for_organizations(load(), settings).operations["list_invoices"].input["properties"]["organization"]
    assert which == {"type": "string", "enum": [TWO, ONE], "description": "Whose books: 900000002 Studio Two"}


def test_a_name_goes_on_meaning_the_same_organisation_and_needs_no_network(zoho: Zoho, tmp_path: Path) -> None:
    settings = by_name(zoho, tmp_path, "Studio Two")
    numbered(settings, httpx.ASGITransport(zoho.app))
    unreachable = httpx.MockTransport(lambda request: httpx.Response(503))
    assert numbered(settings, unreachable).organizations == (TWO,)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Nobody", "Nobody.*Studio Two"),
        ("Studio Two", "Studio Two"),
    ],
)
def test_a_name_that_fits_none_or_several_is_an_error(zoho: Zoho, tmp_path: Path, name: str, problem: str) -> None:
    add_organization(zoho.store, THREE, "Studio Two", today=zoho.clock().date())
    with pytest.raises(SettingsError, match=problem):
        numbered(by_name(zoho, tmp_path, ONE, name), httpx.ASGITransport(zoho.app))


def test_a_name_that_nobody_can_be_asked_about_is_an_error(zoho: Zoho, tmp_path: Path) -> None:
    refused = httpx.MockTransport(lambda request: httpx.Response(500))
    with pytest.raises(SettingsError, match="ZOHO_ORGANIZATION_ID"):
        numbered(by_name(zoho, tmp_path, "Studio Two"), refused)


async def test_a_name_is_never_sent_as_a_number(zoho: Zoho, tmp_path: Path) -> None:
    async with zoho.client(organization_id="Studio Two") as client:
        result = await client.call_tool("list_customers", {})
    assert result.is_error
    assert zoho.received() == []


@both_eras
async def test_the_books_are_kept_apart(zoho: Zoho, era: Era) -> None:
    async with client_for_two(zoho, era) as client:
        made = await call(client, "create_customer", organization=TWO, contact_name="Only here")
        customer = made["customer"]["customer_id"]
        lines = [{"name": "Logo", "rate": 450, "quantity": 1}]
        written = await call(client, "create_invoice", organization=TWO, customer_id=customer, line_items=lines)
        invoice = written["invoice"]["invoice_id"]
        await call(client, "update_invoice", organization=TWO, invoice_id=invoice, notes="x")
        await call(client, "mark_invoice_sent", organization=TWO, invoice_id=invoice)
        await call(client, "record_invoice_payment", organization=TWO, invoice_id=invoice, amount=50)
        assert len((await call(client, "list_customers", organization=TWO))["customers"]) == 1
        assert set(asked_of(zoho)) == {TWO}
        assert (await client.call_tool("get_invoice", {"organization": ONE, "invoice_id": invoice})).is_error


async def test_calls_side_by_side_do_not_get_into_each_others_books(zoho: Zoho) -> None:
    async with client_for_two(zoho) as client:
        await call(client, "create_customer", organization=TWO, contact_name="Only here")
        found: dict[str, set[int]] = {ONE: set(), TWO: set()}

        async def look(organization: str) -> None:
            rows = (await call(client, "list_customers", organization=organization))["customers"]
            found[organization].add(len(rows))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(look, ONE)
                group.start_soon(look, TWO)
    assert found[TWO] == {1}
    assert len(found[ONE]) == 1 != found[ONE].pop()


@both_eras
async def test_a_yes_for_one_organisation_is_none_for_another(zoho: Zoho, era: Era) -> None:
    async with client_for_two(zoho, era) as client:
        invoice = (await call(client, "list_invoices", organization=ONE, status="sent", per_page=1))["invoices"][0]
        await call(client, "void_invoice", organization=ONE, invoice_id=invoice["invoice_id"])
    assert len(zoho.person.questions) == 1
    assert set(asked_of(zoho)) == {ONE}


async def test_an_answer_cannot_be_carried_over_to_another_organisation(zoho: Zoho) -> None:
    async with client_for_two(zoho) as client:
        invoice = (await call(client, "list_invoices", organization=ONE, status="sent", per_page=1))["invoices"][0]
        arguments = {"organization": ONE, "invoice_id": invoice["invoice_id"]}
        question = await client.session.call_tool("void_invoice", arguments, allow_input_required=True)
        assert isinstance(question, types.InputRequiredResult)
        with pytest.raises(MCPError):
            await client.session.call_tool(
                "void_invoice",
                {**arguments, "organization": TWO},
                input_responses={"confirm": types.ElicitResult(action="accept", content={"confirm": True})},
                request_state=question.request_state,
                allow_input_required=True,
            )
    assert zoho.changes() == []


async def test_a_lost_answer_is_looked_for_in_the_right_books(zoho: Zoho) -> None:
    async with client_for_two(zoho) as client:
        zoho.faults.add("POST /contacts:cut-after")
        made = await call(client, "create_customer", organization=TWO, contact_name="Only here")
    assert (made["customer"]["contact_name"], zoho.faults.hits["cut-after"]) == ("Only here", 1)
    assert set(asked_of(zoho)) == {TWO}


async def test_the_same_in_another_organisation_is_no_repeat(zoho: Zoho) -> None:
    async with client_for_two(zoho) as client:
        for organization in (ONE, TWO):
            await call(client, "create_customer", organization=organization, contact_name="Everywhere")
    assert zoho.person.questions == []


async def test_resources_say_whose_they_are(zoho: Zoho) -> None:
    async with client_for_two(zoho) as client:
        listed = [str(found.uri) for found in (await client.list_resources()).resources]
        assert [uri for uri in listed if not uri.startswith("skill://")] == [
            f"zoho-invoice://organizations/{organization}{kind}"
            for kind in ("", "/customers", "/invoices", "/changes")
            for organization in (ONE, TWO)
        ]
        invoice = (await call(client, "list_invoices", organization=ONE, per_page=1))["invoices"][0]["invoice_id"]
        link = await call(client, "get_invoice_pdf", organization=ONE, invoice_id=invoice)
        assert link["uri"] == f"zoho-invoice://organizations/{ONE}/invoices/{invoice}/pdf"
        [contents] = (await client.read_resource(link["uri"])).contents
        assert isinstance(contents, types.BlobResourceContents)
        for wrong in (THREE, "0"):
            with pytest.raises(MCPError):
                await client.read_resource(f"zoho-invoice://organizations/{wrong}/invoices/{invoice}")
    assert set(asked_of(zoho)) == {ONE}


@both_eras
async def test_links_lists_and_statements_stay_in_their_books(zoho: Zoho, era: Era) -> None:
    async with client_for_two(zoho, era) as client:
        customer = await call(client, "create_customer", organization=TWO, contact_name="Only here")
        identity = customer["customer"]["customer_id"]
        result = await client.call_tool("get_customer", {"organization": TWO, "customer_id": identity})
        [link] = [str(part.uri) for part in result.content if isinstance(part, types.ResourceLink)]
        assert link == f"zoho-invoice://organizations/{TWO}/customers/{identity}"
        zoho.app.state.request_log.clear()
        for uri in (link, f"{link}/statement", f"zoho-invoice://organizations/{TWO}/invoices"):
            assert (await client.read_resource(uri)).contents
        assert {one for one in asked_of(zoho) if one} == {TWO}
        [own] = (await client.read_resource(f"zoho-invoice://organizations/{TWO}")).contents
        assert isinstance(own, types.TextResourceContents)
        assert '"name":"Studio Two"' in own.text
        with pytest.raises(MCPError):
            await client.read_resource(f"zoho-invoice://organizations/{ONE}/customers/{identity}")


async def test_newest_records_are_listed_for_each_organisation(zoho: Zoho) -> None:
    async with client_for_two(zoho) as client:
        pages, cursor = list[list[str]](), ""
        while True:
            page = await client.list_resources(cursor=cursor or None)
            pages.append([str(one.uri) for one in page.resources])
            if not (cursor := page.next_cursor or ""):
                break
    assert len(pages) == 5
    for organization, page in zip((ONE, ONE, TWO, TWO), pages[1:], strict=True):
        assert all(uri.startswith(f"zoho-invoice://organizations/{organization}/") for uri in page)


async def test_letters_are_looked_for_in_the_books_that_are_named(zoho: Zoho) -> None:
    ref = types.ResourceTemplateReference(uri="zoho-invoice://organizations/{organization}/customers/{customer_id}")
    letters = {"name": "customer_id", "value": "only"}
    async with client_for_two(zoho) as client:
        made = await call(client, "create_customer", organization=TWO, contact_name="Only here")
        found = {
            organization: (await client.complete(ref, letters, {"organization": organization})).completion.values
            for organization in (ONE, TWO, THREE)
        }
        assert (await client.complete(ref, {"name": "organization", "value": ""})).completion.values == [ONE, TWO]
        assert (await client.complete(ref, letters)).completion.values == []
    assert found == {ONE: [], TWO: [made["customer"]["customer_id"]], THREE: []}


async def test_a_change_in_one_organisation_is_not_told_to_who_watches_the_other(zoho: Zoho) -> None:
    watched = [f"zoho-invoice://organizations/{organization}/invoices" for organization in (ONE, TWO)]
    heard: list[str] = []
    async with client_for_two(zoho) as client:
        customer = (await call(client, "create_customer", organization=TWO, contact_name="Only here"))["customer"]
        async with client.listen(resource_subscriptions=watched) as events:
            lines = [{"name": "x", "rate": 1}]
            own = {"organization": TWO, "customer_id": customer["customer_id"]}
            await call(client, "create_invoice", **own, line_items=lines)
            with anyio.fail_after(5):
                heard.append(getattr(await anext(events), "uri", ""))
            rows = (await call(client, "list_invoices", organization=ONE, status="draft"))["invoices"]
            await call(client, "mark_invoice_sent", organization=ONE, invoice_id=rows[0]["invoice_id"])
            with anyio.fail_after(5):
                heard.append(getattr(await anext(events), "uri", ""))
    assert heard == [watched[1], watched[0]]


def test_several_are_set_with_commas_and_each_counts_once() -> None:
    account = {"ZOHO_CLIENT_ID": "1", "ZOHO_CLIENT_SECRET": "s", "ZOHO_REFRESH_TOKEN": "r"}
    assert from_environment(account | {"ZOHO_ORGANIZATION_ID": " 1, 2,1 "}).organizations == ("1", "2")
    assert from_environment(account).organizations == ()
    with pytest.raises(SettingsError, match="ZOHO_ORGANIZATION_ID"):
        from_environment(account | {"ZOHO_ORGANIZATION_ID": "1,,2"})
