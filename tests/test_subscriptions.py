"""Subscribers of a resource are notified of a change made through this server, at once, in both eras."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call
from mcp import Client
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.app import create_server
from zoho_mcp.server.context import ServerContext
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
S = "zoho-invoice://"
LINES = [{"name": "x", "rate": 10}]


@dataclass
class Heard:
    """What a subscriber was told, and a way to wait for more."""

    uris: list[str] = field(default_factory=list[str])
    more: anyio.Event = field(default_factory=anyio.Event)

    def add(self, uri: str) -> None:
        self.uris.append(uri)
        self.more.set()
        self.more = anyio.Event()

    async def wait_for(self, *uris: str) -> None:
        with anyio.fail_after(5):
            while not set(uris) <= set(self.uris):
                await self.more.wait()


async def subscribe(client: Client, uri: str) -> None:
    """The older way, which the client's own method for it calls deprecated."""
    params = types.SubscribeRequestParams(uri=uri)
    await client.session.send_request(types.SubscribeRequest(params=params), types.EmptyResult)


@asynccontextmanager
async def subscriber(server: Server[ServerContext], era: Era, *uris: str) -> AsyncGenerator[tuple[Client, Heard]]:
    """A client that subscribed, and what it hears."""
    heard = Heard()

    async def message(message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            heard.add(str(message.params.uri))

    async with Client(server, mode=era, message_handler=message) as client, anyio.create_task_group() as group:
        if era == "legacy":
            for uri in uris:
                await subscribe(client, uri)
            yield client, heard
        else:
            async with client.listen(resource_subscriptions=list(uris), resources_list_changed=True) as events:

                async def take() -> None:
                    async for event in events:
                        heard.add(event.uri if isinstance(event, ResourceUpdated) else type(event).__name__)

                group.start_soon(take)
                yield client, heard
                group.cancel_scope.cancel()


async def draft(client: Client) -> tuple[str, str]:
    """A customer and a new invoice of theirs."""
    customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
    made = await call(client, "create_invoice", customer_id=customer, line_items=LINES)
    return customer, made["invoice"]["invoice_id"]


@both_eras
async def test_a_change_is_told_to_those_who_watch_what_it_changed(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        customer, invoice = await draft(client)
        _, other = await draft(client)
    watched = [
        f"{S}invoices", f"{S}invoices/{invoice}", f"{S}invoices/{invoice}/pdf", f"{S}customers/{customer}",
        f"{S}customers/{customer}/statement", f"{S}customers", f"{S}invoices/{other}",
    ]  # fmt: skip
    async with subscriber(zoho.server(), era, *watched) as (client, heard):
        await call(client, "update_invoice", invoice_id=invoice, notes="Changed")
        await heard.wait_for(*watched[:-1])
        assert f"{S}invoices/{other}" not in heard.uris


@both_eras
async def test_a_read_tells_nobody_and_a_refused_change_neither(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        _, invoice = await draft(client)
    async with subscriber(zoho.server(), era, f"{S}invoices", f"{S}invoices/{invoice}") as (client, heard):
        await call(client, "get_invoice", invoice_id=invoice)
        refused = await client.call_tool("record_payment", {"customer_id": "1", "amount": 5})
        await call(client, "create_item", name="Icon", rate=5)
        assert refused.is_error
        assert heard.uris == []
        await call(client, "mark_invoice_sent", invoice_id=invoice)
        await heard.wait_for(f"{S}invoices", f"{S}invoices/{invoice}")


Change = Callable[[Client, str, str], Awaitable[object]]


async def pay(client: Client, customer: str, invoice: str) -> None:
    await call(client, "record_invoice_payment", invoice_id=invoice)


async def pay_and_delete(client: Client, customer: str, invoice: str) -> None:
    payment = await call(client, "record_invoice_payment", invoice_id=invoice)
    await call(client, "delete_payment", payment_id=payment["payment"]["payment_id"])


async def move_payment(client: Client, customer: str, invoice: str) -> None:
    payment = (await call(client, "record_invoice_payment", invoice_id=invoice))["payment"]["payment_id"]
    other = await call(client, "create_invoice", customer_id=customer, line_items=LINES)
    parts = [{"invoice_id": other["invoice"]["invoice_id"], "amount_applied": 10}]
    await call(client, "update_payment", payment_id=payment, invoices=parts)


async def void(client: Client, customer: str, invoice: str) -> None:
    await call(client, "void_invoice", invoice_id=invoice)


async def rename(client: Client, customer: str, invoice: str) -> None:
    await call(client, "update_customer", customer_id=customer, contact_name="Renamed")


@both_eras
@pytest.mark.parametrize("change", [pay, pay_and_delete, move_payment, void, rename])
async def test_whatever_can_have_changed_is_told_even_where_the_call_does_not_name_it(
    zoho: Zoho, era: Era, change: Change
) -> None:
    async with zoho.client(era, confirm="allow") as client:
        customer, invoice = await draft(client)
    watched = f"{S}invoices/{invoice}", f"{S}customers/{customer}/statement"
    async with subscriber(zoho.server(confirm="allow"), era, *watched) as (client, heard):
        await change(client, customer, invoice)
        await heard.wait_for(*watched)


async def test_new_records_change_the_list_of_resources(zoho: Zoho) -> None:
    async with subscriber(zoho.server(), "2026-07-28") as (client, heard):
        await call(client, "create_customer", contact_name="Harbour Café")
        await heard.wait_for(ResourcesListChanged.__name__)


async def test_who_unsubscribed_hears_no_more(zoho: Zoho) -> None:
    async with zoho.client("legacy") as client:
        _, invoice = await draft(client)
    async with subscriber(zoho.server(), "legacy", f"{S}invoices", f"{S}invoices/{invoice}") as (client, heard):
        gone = types.UnsubscribeRequestParams(uri=f"{S}invoices/{invoice}")
        await client.session.send_request(types.UnsubscribeRequest(params=gone), types.EmptyResult)
        await call(client, "mark_invoice_sent", invoice_id=invoice)
        await heard.wait_for(f"{S}invoices")
        assert f"{S}invoices/{invoice}" not in heard.uris


async def test_what_does_not_exist_cannot_be_subscribed_to(zoho: Zoho) -> None:
    async with zoho.client("legacy") as client:
        with pytest.raises(MCPError) as caught:
            await subscribe(client, f"{S}secrets")
    assert caught.value.code == types.INVALID_PARAMS


async def test_nobody_watches_more_than_a_change_can_be_compared_with(zoho: Zoho) -> None:
    async with zoho.client("2026-07-28") as client:
        with pytest.raises(MCPError) as caught:
            async with client.listen(resource_subscriptions=[f"{S}invoices/{number}" for number in range(1001)]):
                pass
    assert caught.value.code == types.INVALID_PARAMS
    assert "1000" in str(caught.value)


class AnswerLost(httpx.AsyncBaseTransport):
    """Carries out what it is asked, and then the connection breaks."""

    def __init__(self, inner: httpx.AsyncBaseTransport, path: str) -> None:
        self._inner, self._path = inner, path

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.method != "GET" and request.url.path.endswith(self._path):
            raise httpx.ReadError("gone")
        return response


@both_eras
async def test_a_change_of_which_nobody_knows_whether_it_happened_is_told_too(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        _, invoice = await draft(client)
    transport = AnswerLost(httpx.ASGITransport(zoho.app), "/status/sent")
    settings = zoho.settings
    client = ZohoClient(settings, transport=transport, clock=zoho.seconds, sleep=zoho.sleep)
    server = create_server(settings, load(), client)
    async with subscriber(server, era, f"{S}invoices/{invoice}") as (client, heard):
        await client.call_tool("mark_invoice_sent", {"invoice_id": invoice})
        await heard.wait_for(f"{S}invoices/{invoice}")
