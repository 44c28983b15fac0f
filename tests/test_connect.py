"""Starting without an account: the tools, the page that the first call opens, and the way from there to real books."""

import stat
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
import pytest
from approving import both, post
from conftest import ERAS, Era, call, text_of
from connecting import (
    CLIENT,
    Newcomer,
    a_newcomer,
    agree,
    connect,
    decline,
    kind_of,
    look,
    refuses_connections,
    to_consent,
    use_demo,
)
from machine import COMMAND, Machine
from mcp import Client, StdioServerParameters
from mcp.client.subscriptions import ResourceUpdated, ToolsListChanged
from mcp.shared.exceptions import MCPError

from zoho_mcp.connect.not_connected import CONNECT
from zoho_mcp.pages.requests import HEADERS
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.demo.organization import add_organization, today_there
from zoho_mcp.sandbox.times import utc_now
from zoho_mcp.server.prompts.instructions import CUT
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.profiles import has_account
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.anyio
BY_DEFAULT = list(chosen(load(), from_environment({}, account=False)))


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncGenerator[Newcomer]:
    async with a_newcomer(tmp_path) as found:
        yield found


async def names(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


async def opened(newcomer: Newcomer, client: Client) -> str:
    """The address of the page that a first call opens."""
    assert kind_of(await client.call_tool("list_invoices", {})) == "not_connected"
    return await newcomer.desk.next()


@pytest.mark.parametrize("era", ERAS)
async def test_without_an_account_the_tools_are_listed_and_each_call_gives_the_next_step(
    newcomer: Newcomer, era: Era
) -> None:
    async with Client(newcomer.server(), mode=era) as client:
        assert await names(client) == [CONNECT.name, *BY_DEFAULT]
        for _ in range(2):
            result = await client.call_tool("list_invoices", {})
            assert kind_of(result) == "not_connected"
            assert CONNECT.name in text_of(result)
        # A second window would not help; to ask for it does.
        assert len(newcomer.desk.addresses) == 1
        assert kind_of(await client.call_tool(CONNECT.name, {})) == "not_connected"
        assert newcomer.desk.addresses == [newcomer.desk.addresses[0]] * 2
        assert len((client.instructions or "").encode()) <= CUT


@pytest.mark.slow
async def test_nothing_is_read_from_books_that_nobody_chose(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as client:
        with pytest.raises(MCPError):
            await client.read_resource("zoho-invoice://organization")
        reference = types.ResourceTemplateReference(uri="zoho-invoice://customers/{customer_id}")
        assert (await client.complete(reference, {"name": "customer_id", "value": ""})).completion.values == []
    assert newcomer.zoho.state.request_log == []


@pytest.mark.parametrize("era", ERAS)
async def test_demo_data_chosen_in_time_answers_the_waiting_call(newcomer: Newcomer, era: Era) -> None:
    async with Client(newcomer.server(wait=20), mode=era) as client:

        async def press() -> None:
            assert (await use_demo(await newcomer.desk.next())).status_code == 200

        result = await both(client.call_tool("list_invoices", {}), press())
        assert kind_of(result) == ""
        assert result.structured_content is not None
        assert CREDENTIALS.organization_name in result.structured_content["demo_data"]
        assert CONNECT.name in result.structured_content["demo_data"]
        assert "demo_data" in text_of(result)
        assert CONNECT.name in await names(client)
    # The demo's books are in the server itself, not in the user's Zoho.
    assert newcomer.zoho.state.request_log == []


@pytest.mark.parametrize("era", ERAS)
async def test_from_nothing_to_an_account_without_a_restart(newcomer: Newcomer, era: Era) -> None:
    heard: list[Any] = []

    async def hear(message: Any) -> None:
        heard.append(message)

    async with Client(newcomer.server(), mode=era, message_handler=hear) as client:
        address = await opened(newcomer, client)
        page = await connect(address)
        assert page.status_code == 200
        assert CREDENTIALS.organization_name in page.text
        answer = await call(client, "list_invoices", per_page=1)
        assert answer["invoices"]
        assert "demo_data" not in answer
        assert await names(client) == BY_DEFAULT
        done = await call(client, CONNECT.name)
        assert (done["state"], done["books"]) == ("connected", CREDENTIALS.organization_name)
        if era == "legacy":
            assert [type(message) for message in heard] == [types.ToolListChangedNotification]
    profile = newcomer.stored()
    assert profile.organization_id == CREDENTIALS.organization_id
    assert profile.client_secret.get_secret_value() == CREDENTIALS.client_secret
    if sys.platform != "win32":
        assert stat.S_IMODE(profile.path.stat().st_mode) == 0o600


@pytest.mark.slow
async def test_a_subscribed_client_is_notified_of_new_tools_and_changed_records(
    newcomer: Newcomer,
) -> None:
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        async with client.listen(tools_list_changed=True, resource_subscriptions=["zoho-invoice://customers"]) as heard:
            await connect(address)
            with anyio.fail_after(10):
                assert isinstance(await anext(heard), ToolsListChanged)
            await call(client, "create_customer", contact_name="Heard Ltd")
            with anyio.fail_after(10):
                assert isinstance(await anext(heard), ResourceUpdated)


@pytest.mark.slow
@pytest.mark.slow
async def test_from_demo_data_to_an_account(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        await use_demo(address)
        assert "demo_data" in await call(client, "list_customers", per_page=1)
        assert kind_of(await client.call_tool(CONNECT.name, {})) == "not_connected"
        assert await newcomer.desk.next() == address
        await connect(address)
        assert "demo_data" not in await call(client, "list_customers", per_page=1)
        # A page that was left open does not lead back.
        assert kind_of(await client.call_tool("list_customers", {})) == ""
    assert newcomer.refreshes() == 1


@pytest.mark.slow
@pytest.mark.slow
async def test_a_wrong_secret_stores_nothing_and_can_be_corrected(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        page = await connect(address, client_secret="wr0ng-secret")
        assert page.status_code == 502
        assert "wr0ng-secret" not in page.text
        form = await look(f"{address}/account/us")
        assert CREDENTIALS.client_id in form.text
        assert "wr0ng-secret" not in form.text
        assert newcomer.profiles.names() == []
        assert kind_of(await client.call_tool("list_invoices", {})) == "not_connected"
        assert (await connect(address)).status_code == 200
        assert kind_of(await client.call_tool("list_invoices", {})) == ""


@pytest.mark.slow
async def test_declining_at_zoho_changes_nothing(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        assert (await decline(await to_consent(address))).status_code == 502
        assert newcomer.profiles.names() == []
        assert kind_of(await client.call_tool("list_invoices", {})) == "not_connected"


@pytest.mark.slow
async def test_an_answer_from_zoho_counts_once_and_only_for_its_own_attempt(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        first, second = await to_consent(address), await to_consent(address)
        assert (await agree(first)).status_code == 400
        assert newcomer.profiles.names() == []
        assert (await agree(second)).status_code == 200
        # Connected: the page is gone, and its port is free.
        with anyio.fail_after(10):
            await refuses_connections(address)


@pytest.mark.parametrize("form", [{"client_id": ""}, {"client_secret": " "}, {"product": "crm"}])
@pytest.mark.slow
async def test_an_invalid_form_is_shown_again(newcomer: Newcomer, form: dict[str, str]) -> None:
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        assert (await post(f"{address}/account/us", {**CLIENT, **form})).status_code == 422


@pytest.mark.slow
@pytest.mark.slow
async def test_with_two_organisations_the_person_chooses_one(newcomer: Newcomer) -> None:
    add_organization(newcomer.zoho.state.store, "900000002", "Linden <Export>", today=today_there(utc_now()))
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        page = await connect(address)
        assert "Linden &lt;Export&gt;" in page.text
        # Stored already, for Zoho gives a refresh token once; but not in use.
        assert newcomer.stored().organization_id == ""
        assert kind_of(await client.call_tool("list_customers", {})) == "not_connected"
        assert (await post(f"{address}/organization", {"organization": "900000009"})).status_code == 422
        assert (await post(f"{address}/organization", {"organization": "900000002"})).status_code == 200
        assert newcomer.stored().organization_id == "900000002"
        # The page that listed them asked; the choice does not ask again.
        assert [one.path for one in newcomer.zoho.state.request_log].count("/invoice/v3/organizations") == 1
        assert (await call(client, "list_customers"))["customers"] == []


@pytest.mark.slow
@pytest.mark.slow
async def test_after_a_restart_an_unfinished_login_continues_with_the_organisation(newcomer: Newcomer) -> None:
    add_organization(newcomer.zoho.state.store, "900000002", "Linden Export", today=today_there(utc_now()))
    async with Client(newcomer.server()) as client:
        await connect(await opened(newcomer, client))
    assert not has_account(newcomer.environment)
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        assert (await look(address)).headers["location"] == f"/{address.split('/', 3)[3]}/organization"
        assert "Linden Export" in (await look(f"{address}/organization")).text
        assert (await post(f"{address}/organization", {"organization": "900000002"})).status_code == 200
        assert (await call(client, "list_customers"))["customers"] == []
    assert has_account(newcomer.environment)
    assert newcomer.refreshes() == 1


@pytest.mark.slow
@pytest.mark.slow
async def test_read_only_asks_zoho_for_read_scopes_only(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as client:
        await connect(await opened(newcomer, client), read_only="true")
        assert {scope.rpartition(".")[2] for scope in newcomer.stored().scopes} == {"READ"}
        operations = load().operations
        assert await names(client) == [name for name in BY_DEFAULT if operations[name].effect == "read"]


@pytest.mark.slow
@pytest.mark.slow
async def test_two_servers_have_a_page_each_and_share_the_login(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as one, Client(newcomer.server()) as other:
        first, second = await opened(newcomer, one), await opened(newcomer, other)
        assert first.split("/")[2] != second.split("/")[2]
        for address in (first, second):
            port = address.split("/")[2].rpartition(":")[2]
            assert f"http://localhost:{port}/callback" in (await look(f"{address}/account/us")).text
        await connect(first)
        assert "demo_data" not in await call(other, "list_invoices", per_page=1)
        assert CONNECT.name not in await names(other)


@pytest.mark.slow
@pytest.mark.slow
async def test_an_idle_page_closes_and_the_next_call_opens_another(newcomer: Newcomer) -> None:
    async with Client(newcomer.server(idle=0)) as client:
        first = await opened(newcomer, client)
        with anyio.fail_after(10):
            while kind_of(await client.call_tool("list_invoices", {})) and len(newcomer.desk.addresses) < 2:
                await anyio.lowlevel.checkpoint()
        assert newcomer.desk.addresses[1] != first


@pytest.mark.slow
async def test_without_a_browser_the_model_gets_the_address(newcomer: Newcomer) -> None:
    newcomer.desk.has_browser = False
    async with Client(newcomer.server()) as client:
        for _ in range(2):
            result = await client.call_tool("list_invoices", {})
            assert newcomer.desk.addresses[0] in text_of(result)
        await use_demo(newcomer.desk.addresses[0])
        assert kind_of(await client.call_tool("list_invoices", {})) == ""


@pytest.mark.slow
@pytest.mark.slow
async def test_on_demo_data_a_stored_login_is_offered(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as client:
        await connect(await opened(newcomer, client))
    async with Client(newcomer.server(demo=True)) as client:
        assert "demo_data" in await call(client, "list_invoices", per_page=1)
        assert kind_of(await client.call_tool(CONNECT.name, {})) == "not_connected"
        address = await newcomer.desk.next()
        assert f"Use the stored login: {CREDENTIALS.organization_name}" in (await look(address)).text
        assert (await post(address, {"choice": "stored"})).status_code == 200
        assert "demo_data" not in await call(client, "list_invoices", per_page=1)


@pytest.mark.slow
async def test_the_page_is_protected_like_the_approval_page(newcomer: Newcomer) -> None:
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        port = address.split("/")[2].rpartition(":")[2]
        page = await look(address)
        for name, value in HEADERS.items():
            if name != "content-security-policy":
                assert page.headers[name] == value
        policy = page.headers["content-security-policy"]
        assert policy.startswith(HEADERS["content-security-policy"])
        assert "unsafe" not in policy
        assert (await look(address, {"host": "rebound.example"})).status_code == 403
        assert (await look(address[:-1])).status_code == 404
        assert (await look(f"http://localhost:{port}/")).status_code == 404
        forms = {"": {"choice": "demo"}, "/account/us": CLIENT, "/organization": {"organization": "900000001"}}
        for headers in ({"origin": "https://evil.example"}, {"origin": ""}, {"sec_fetch_site": "cross-site"}):
            for path, form in forms.items():
                assert (await post(f"{address}{path}", form, **headers)).status_code == 403
        assert (await post(address, {"choice": "everything"})).status_code == 403
        assert kind_of(await client.call_tool("list_invoices", {})) == "not_connected"


async def test_no_secret_reaches_the_model_or_a_page(newcomer: Newcomer, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    async with Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        seen.append((await look(await to_consent(address))).text)
        seen.append((await look(f"{address}/account/us")).text)
        seen.append((await connect(address)).text)
        seen.append(text_of(await client.call_tool(CONNECT.name, {})))
        seen.append(text_of(await client.call_tool("list_invoices", {"per_page": 1})))
    profile = newcomer.stored()
    for secret in (CREDENTIALS.client_secret, profile.refresh_token.get_secret_value()):
        assert secret not in "\n".join(seen) + caplog.text


@pytest.mark.parametrize("era", ERAS)
async def test_a_process_goes_from_nothing_to_demo_data_to_an_account_and_ends_cleanly(
    machine: Machine, era: Era
) -> None:
    environment = machine.environment(**machine.to_zoho())
    server = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment)
    with anyio.fail_after(90):
        async with Client(server, mode=era) as client:
            assert await names(client) == [CONNECT.name, *BY_DEFAULT]

            async def choose() -> None:
                address = (await anyio.to_thread.run_sync(machine.pages)).splitlines()[0]
                assert (await use_demo(address)).status_code == 200

            result = await both(client.call_tool("list_invoices", {"per_page": 1}), choose())
            assert "demo_data" in result.structured_content
            address = machine.pages().splitlines()[0]
            assert (await connect(address)).status_code == 200
            assert "demo_data" not in await call(client, "list_invoices", per_page=1)
        # What is stored is enough for the next one.
        assert has_account(environment)
        async with Client(server, mode=era) as client:
            assert await names(client) == BY_DEFAULT
            assert (await call(client, "list_invoices", per_page=1))["invoices"]
