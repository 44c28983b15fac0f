"""The grants of each caller over HTTP. For a caller, the rest of the server does not exist."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call
from mcp import Client
from mcp.shared.exceptions import MCPError
from serving import a_site
from test_http_tokens import Tokens, tokens

from zoho_mcp.errors import AuthError, SettingsError
from zoho_mcp.policy.grants import Grant, grant_for
from zoho_mcp.policy.load import parse
from zoho_mcp.server.middleware.grants import limited
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.request import Request

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
__all__ = ["tokens"]  # a fixture
SECOND = "20234695"


@asynccontextmanager
async def a_client(
    zoho: Zoho, tokens: Tokens, policy: str, era: Era = "2026-07-28", *, who: str = "ada", **changes: Any
) -> AsyncGenerator[Client]:
    file = tokens.path.with_name("policy.toml")
    file.write_text(policy)
    token = {"ada": tokens.ada, "ben": tokens.ben}[who]
    async with (
        a_site(zoho, tokens.http, policy_file=str(file), **changes) as site,
        site.client(era, token=token) as client,
    ):
        yield client


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


@pytest.mark.parametrize("era", ERAS)
async def test_a_reader_sees_and_runs_only_reads(era: Era, zoho: Zoho, tokens: Tokens) -> None:
    policy = '[[principals]]\nprincipal = "ada"\naccess = "read"\n'
    catalog = load()
    usual = {name: one for name, one in catalog.operations.items() if one.toolset not in catalog.extra}
    reads = {name for name, operation in usual.items() if operation.effect == "read"}
    async with a_client(zoho, tokens, policy, era) as client:
        assert await names(client) == reads
        assert all("create" not in str(prompt.model_dump()) for prompt in (await client.list_prompts()).prompts)
        with pytest.raises(MCPError) as unknown:
            await client.call_tool("create_customer", {"contact_name": "New"})
        assert unknown.value.code == types.INVALID_PARAMS
        await call(client, "list_customers")
    assert zoho.changes() == []
    async with a_client(zoho, tokens, policy, era, who="ben") as client:
        assert await names(client) == set(usual)


async def test_a_reader_writes_no_file_on_the_servers_disk(zoho: Zoho, tokens: Tokens, tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    policy = '[[principals]]\nprincipal = "ada"\naccess = "read"\n'
    for who, files in (("ada", 0), ("ben", 1)):
        async with a_client(zoho, tokens, policy, who=who, download_dir=folder) as client:
            invoice = (await call(client, "list_invoices", per_page=1))["invoices"][0]["invoice_id"]
            link = await call(client, "get_invoice_pdf", invoice_id=invoice)
            assert (await client.read_resource(link["uri"])).contents
            result = await client.call_tool("get_invoice_pdf", {"invoice_id": invoice, "save": True})
            assert (result.is_error, len(list(folder.iterdir()))) == (not files, files)


@pytest.mark.parametrize("era", ERAS)
async def test_toolsets_limit_tools_resources_prompts_and_completion(era: Era, zoho: Zoho, tokens: Tokens) -> None:
    policy = '[[principals]]\nprincipal = "a*"\ntoolsets = ["items", "customers"]\n'
    async with a_client(zoho, tokens, policy, era) as client:
        assert {load().operations[name].toolset for name in await names(client)} == {"items", "customers"}
        templates = (await client.list_resource_templates()).resource_templates
        assert [
            one.uri_template for one in templates if "invoice" in one.uri_template.removeprefix("zoho-invoice")
        ] == []
        resources = [one.uri for one in (await client.list_resources()).resources]
        assert "zoho-invoice://customers" in resources
        assert "zoho-invoice://invoices" not in resources
        before = len(zoho.received())
        for uri in ("zoho-invoice://invoices", "zoho-invoice://invoices/1", "zoho-invoice://customers/1/statement"):
            with pytest.raises(MCPError) as unknown:
                await client.read_resource(uri)
            assert (unknown.value.code, unknown.value.error.data) == (types.INVALID_PARAMS, {"uri": uri})
        with pytest.raises(MCPError) as unknown:
            await client.call_tool("list_invoices", {})
        assert unknown.value.code == types.INVALID_PARAMS
        ref = types.ResourceTemplateReference(uri="zoho-invoice://invoices/{invoice_id}")
        assert (await client.complete(ref, {"name": "invoice_id", "value": "INV"})).completion.values == []
        assert (await client.list_prompts()).prompts == []
        assert len(zoho.received()) == before


async def test_organisations_limit_every_call_and_their_own_list(zoho: Zoho, tokens: Tokens) -> None:
    first = zoho.settings.organization_id
    with zoho.store.transaction():
        own = zoho.store.shared.all("organization")[0]
        zoho.store.shared.put("organization", SECOND, {**own, "organization_id": SECOND, "name": "Second"})
    zoho.settings = replace(zoho.settings, organization_id=f"{first},{SECOND}")
    policy = f'[[principals]]\nprincipal = "ada"\norganization = "{SECOND}"\n'
    async with a_client(zoho, tokens, policy) as client:
        [tool] = [tool for tool in (await client.list_tools()).tools if tool.name == "list_customers"]
        assert tool.input_schema["properties"]["organization"]["enum"] == [SECOND]
        rows = (await call(client, "list_organizations"))["organizations"]
        assert [row["organization_id"] for row in rows] == [SECOND]
        assert (await client.call_tool("list_customers", {"organization": first})).is_error
        with pytest.raises(MCPError) as unknown:
            await client.read_resource(f"zoho-invoice://organizations/{first}/customers")
        assert unknown.value.code == types.INVALID_PARAMS
        uris = [one.uri for one in (await client.list_resources()).resources]
        assert [uri for uri in uris if first in uri] == []
        assert [uri for uri in uris if SECOND in uri] != []
        await call(client, "list_customers", organization=SECOND)
    asked = {
        request.query.get("organization_id") for request in zoho.app.state.request_log if "contacts" in request.path
    }
    assert asked == {SECOND}


async def test_nothing_is_sent_for_an_organisation_that_is_not_granted(zoho: Zoho) -> None:
    first = zoho.settings.organization_id
    server = zoho.server(organization_id=f"{first},{SECOND}")
    async with server.lifespan(server) as app:
        view = limited(app, Grant(("ada",), organizations=(SECOND,)))
        with pytest.raises(AuthError):
            await view.api.send(Request("GET", "/contacts", organization_id=first))
    assert zoho.received() == []


NOTHING: dict[str, str] = {
    "no organisation of this server": '[[principals]]\nprincipal = "ada"\norganization = "999"\n',
    "nobody but ben": '[[principals]]\nprincipal = "ben"\n[[principals]]\nprincipal = "*"\naccess = "none"\n',
}


@pytest.mark.parametrize("case", NOTHING)
async def test_a_caller_without_grants_gets_nothing(case: str, zoho: Zoho, tokens: Tokens) -> None:
    seen: set[str] = set()
    try:
        async with a_client(zoho, tokens, NOTHING[case]) as client:
            for tool in ("list_customers", "create_customer", "list_organizations"):
                with pytest.raises(MCPError):
                    await client.call_tool(tool, {})
            seen = await names(client)
    except* MCPError:
        pass  # turned away before anything can be asked
    assert seen == set()
    assert zoho.app.state.request_log == []


async def test_changes_by_a_caller_with_fewer_grants_notify_callers_with_more(zoho: Zoho, tokens: Tokens) -> None:
    file = tokens.path.with_name("policy.toml")
    file.write_text('[[principals]]\nprincipal = "ada"\ntoolsets = "payments"\n')
    heard: list[str] = []
    async with (
        a_site(zoho, tokens.http, policy_file=str(file)) as site,
        site.client(token=tokens.ben) as ben,
        site.client(token=tokens.ada) as ada,
    ):
        row = (await call(ben, "list_invoices", status="sent", per_page=1))["invoices"][0]
        uri = f"zoho-invoice://invoices/{row['invoice_id']}"
        async with ben.listen(resource_subscriptions=[uri]) as events:
            await call(
                ada, "record_payment", customer_id=row["customer_id"], payment_mode="cash", amount=1,
                invoices=[{"invoice_id": row["invoice_id"], "amount_applied": 1}],
            )  # fmt: skip
            async for event in events:
                heard.append(str(event))
                break
    assert uri in heard[0]


def test_pattern_characters_in_a_name_are_literal() -> None:
    policy = parse('[[principals]]\nprincipal = "corp[ada]"\naccess = "none"\n', "a test", load())
    assert grant_for(policy.grants, "corp[ada]").access == "none"
    assert grant_for(policy.grants, "corpa").access == "none"
    assert grant_for(policy.grants, "ben").access == "full"


WRONG: dict[str, tuple[str, str]] = {
    "no table": ("principals = 3\n", "[[principals]]"),
    "nobody": ('[[principals]]\naccess = "read"\n', "principals 1: principal"),
    "an unknown word": ('[[principals]]\nprincipal = "ada"\nread_only = true\n', "read_only"),
    "an unknown access": ('[[principals]]\nprincipal = "ada"\naccess = "write"\n', "full, read"),
    "an unknown toolset": ('[[principals]]\nprincipal = "ada"\ntoolsets = "invoice"\n', "invoices"),
    "an empty list": ('[[principals]]\nprincipal = "ada"\ntoolsets = []\n', "toolsets"),
    "a number": ('[[principals]]\nprincipal = "ada"\norganization = 7\n', "organization"),
    "never": ('[[principals]]\nprincipal = "*"\n[[principals]]\nprincipal = "ada"\n', "principals 2"),
    "a name taken by a pattern": (
        '[[principals]]\nprincipal = "a*"\n[[principals]]\nprincipal = "ada"\naccess = "none"\n',
        "principals 1",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_invalid_grant_stops_the_start(case: str) -> None:
    text, named = WRONG[case]
    with pytest.raises(SettingsError) as caught:
        parse(text, "policy.toml", load())
    assert named in str(caught.value)
    assert "policy.toml" in str(caught.value)


@pytest.mark.processes
def test_the_policy_in_words_says_who_is_granted_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from test_processes import run

    file = tmp_path / "policy.toml"
    file.write_text('[[principals]]\nprincipal = "clerk-*"\naccess = "read"\ntoolsets = ["invoices", "items"]\n')
    said = run("policy", ZOHO_POLICY_FILE=str(file)).stdout
    [line] = [line for line in said.splitlines() if "clerk-*" in line]
    assert all(word in line for word in ("1. ", "read", "invoices", "items"))
