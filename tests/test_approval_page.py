"""The approval page, as seen by an attacker, a screen reader and a person in a hurry."""

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import mcp_types as types
import pytest
from approving import Desk, a_desk, both, browser_session, post
from conftest import Zoho, call, kind_of, text_of
from mcp import Client
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from test_confirm import sent_invoice, status

from zoho_mcp.policy.approvals import Approval, Approvals

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FOREIGN = {
    "another site": {"origin": "https://evil.example"},
    "another port of this machine": {"origin": "http://127.0.0.1:1"},
    "the same name without the port": {"origin": "http://127.0.0.1"},
    "a sandboxed frame": {"origin": "null"},
    "something that does not say": {"origin": ""},
    "another site that lies about Origin": {"sec_fetch_site": "cross-site"},
    "another port that lies about Origin": {"sec_fetch_site": "same-site"},
}


@dataclass
class Window:
    """An approval page that has just opened, and the call that waits for it."""

    address: str
    approval: Approval
    approvals: Approvals
    desk: Desk
    client: Client
    invoice: str
    zoho: Zoho

    async def is_untouched(self) -> bool:
        return self.approval.state == "waiting" and await status(self.client, self.invoice) == "sent"


@asynccontextmanager
async def a_window(zoho: Zoho, total: float = 450, **changes: Any) -> AsyncGenerator[Window]:
    approvals = Approvals()
    changes = {"can_open_browser": True, "approval_wait": 0.05, **changes}
    async with (
        a_desk() as desk,
        zoho.client("legacy", can_ask=False, approvals=approvals, browser=desk.open, **changes) as client,
    ):
        invoice = await sent_invoice(client, total)
        await client.call_tool("void_invoice", {"invoice_id": invoice})
        address = await desk.next()
        approval = await approvals.find("page", address.rpartition("/")[2])
        assert approval is not None
        yield Window(address, approval, approvals, desk, client, invoice, zoho)


async def get(address: str, method: str = "GET", **headers: str) -> httpx.Response:
    async with browser_session() as browser:
        return await browser.request(method, address, headers=headers)


async def test_wrong_guesses_all_get_the_same_response_and_use_up_nothing(zoho: Zoho) -> None:
    async with a_window(zoho) as window:
        base, _, secret = window.address.rpartition("/")
        near = [secret[:-1], secret + "A", secret.swapcase(), secret[::-1], "", "..", "%2e%2e", "favicon.ico", "é" * 43]
        guesses = near + [f"{number:043d}" for number in range(100)]
        answers = [await get(f"{base}/{guess}") for guess in guesses]
        answers += [await post(f"{base}/{guess}", {"decision": "approve", "view": "x.y"}) for guess in guesses if guess]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1
        for part in (secret, window.approval.name, "Void", "INV"):
            assert part not in answers[0].text
        assert await window.is_untouched()
        assert (await get(window.address)).status_code == 200
    assert len(secret) >= 43  # 256 bits


@pytest.mark.parametrize("whence", FOREIGN)
async def test_a_form_sent_from_elsewhere_is_refused(zoho: Zoho, whence: str) -> None:
    async with a_window(zoho) as window:
        form = {"view": await window.desk.view(window.address), "decision": "approve"}
        answer = await post(window.address, form, **FOREIGN[whence])
        assert answer.status_code == 403
        assert await window.is_untouched()


async def test_a_decision_needs_the_token_of_a_view_of_the_same_question(zoho: Zoho) -> None:
    async with a_window(zoho) as window, a_window(zoho) as another:
        views = [await window.desk.view(window.address) for _ in range(2)]
        assert views[0] != views[1]
        foreign = await another.desk.view(another.address)
        for view in (
            "",
            ".",
            "x.y",
            foreign,
            views[0][:-1],
            views[0].partition(".")[0] + "." + foreign.partition(".")[2],
        ):
            assert (await post(window.address, {"view": view, "decision": "approve"})).status_code == 403
        for wrong in ({"view": views[0]}, {"view": views[0], "decision": "yes"}, {"decision": "approve" * 2000}):
            assert (await post(window.address, wrong)).status_code == 403
        assert await window.is_untouched()
        await post(window.address, {"view": views[0], "decision": "approve"})
        assert window.approval.state == "approved"


async def test_only_forms_are_accepted(zoho: Zoho) -> None:
    async with a_window(zoho) as window:
        parts = urlsplit(window.address)
        origin = {"origin": f"{parts.scheme}://{parts.netloc}"}
        decision = {"view": await window.desk.view(window.address), "decision": "approve"}
        async with browser_session(headers=origin) as browser:
            assert (await browser.post(window.address, json=decision)).status_code == 403
            assert (await browser.post(window.address, params=decision)).status_code == 403
            twice = [("view", decision["view"]), ("decision", "decline"), ("decision", "approve")]
            body = "&".join(f"{name}={value}" for name, value in twice)
            form = {"content-type": "application/x-www-form-urlencoded"}
            assert (await browser.post(window.address, content=body, headers=form)).status_code == 403
        assert await window.is_untouched()


async def test_idle_connections_are_closed_and_keep_nobody_out(zoho: Zoho, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoho_mcp.pages.serving.HEAD_TIMEOUT", 0.5)
    async with a_window(zoho) as window, AsyncExitStack() as idle:
        port = urlsplit(window.address).port or 0
        streams = [await idle.enter_async_context(await anyio.connect_tcp("127.0.0.1", port)) for _ in range(150)]
        with anyio.fail_after(20):
            assert (await get(window.address)).status_code == 200
            for stream in streams:
                with pytest.raises(anyio.EndOfStream):
                    await stream.receive()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_get_and_post_are_allowed(zoho: Zoho, method: str) -> None:
    async with a_window(zoho) as window:
        assert (await get(window.address, method)).status_code == 405
        assert await window.is_untouched()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}"]
)
async def test_a_request_under_another_host_name_sees_nothing(zoho: Zoho, host: str) -> None:
    async with a_window(zoho) as window:
        name = host.format(port=urlsplit(window.address).port)
        seen = await get(window.address, host=name)
        assert seen.status_code == 403
        assert "Void" not in seen.text
        form = {"view": await window.desk.view(window.address), "decision": "approve"}
        assert (await post(window.address, form, host=name, origin=f"http://{name}")).status_code == 403
        assert await window.is_untouched()


async def test_localhost_is_this_machine_too(zoho: Zoho) -> None:
    async with a_window(zoho) as window:
        address = window.address.replace("127.0.0.1", "localhost")
        await window.desk.click(address, "decline")
        assert window.approval.state == "declined"


async def test_every_response_forbids_frames_scripts_caching_and_foreign_content(zoho: Zoho) -> None:
    async with a_window(zoho, total=5000) as window:
        view = await window.desk.view(window.address)
        answers = [
            await get(window.address),
            await get(window.address + "x"),
            await get(window.address, host="evil.example"),
            await get(window.address, "PUT"),
            await post(window.address, {}),
            await post(window.address, {"view": view, "decision": "approve"}),
            await post(window.address, {"view": view, "decision": "decline"}),
            await get(window.address),
        ]
        assert [answer.status_code for answer in answers] == [200, 404, 403, 405, 403, 422, 303, 200]
    for answer in answers:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert policy["style-src"].startswith("'sha256-")
        assert set(policy) == {"default-src", "style-src", "form-action", "frame-ancestors", "base-uri"}
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "set-cookie" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


async def test_the_second_click_changes_nothing(zoho: Zoho) -> None:
    async with a_window(zoho) as window:
        view = await window.desk.view(window.address)
        assert "<h1>Declined</h1>" in await window.desk.click(window.address, "decline")
        again = await post(window.address, {"view": view, "decision": "approve"})
        assert again.headers["location"] == urlsplit(window.address).path
        assert "<h1>Declined</h1>" in await window.desk.look(window.address)
        assert window.approval.state == "declined"


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


HOSTILE = "</dd></dl></form><script>alert(1)</script><form action=//evil.example><b title=\"x' onload=y>&lt;"


async def test_text_by_other_people_stays_text(zoho: Zoho) -> None:
    async with a_desk() as desk:
        hostile = types.Implementation(name=HOSTILE, version="<i>1</i>")
        server = zoho.server(browser=desk.open, can_open_browser=True, approval_wait=0.05)
        async with Client(server, mode="legacy", client_info=hostile) as client:
            made = await call(client, "create_customer", contact_name=HOSTILE[:90], company_name=HOSTILE)
            await client.call_tool("delete_customer", {"customer_id": made["customer"]["customer_id"]})
            page = Page(await desk.look(await desk.next()))
    tags = {tag for tag, _ in page.tags}
    assert tags <= {"html", "head", "meta", "title", "style", "body", "main", "div", "p", "h1", "dl", "dt", "dd",
                    "form", "input", "button", "strong", "bdi", "span", "svg", "path"}  # fmt: skip
    assert len(page.all("form")) == len(page.all("dl")) == 1
    assert "<script>alert(1)</script>" in page.words


async def test_the_page_works_with_a_screen_reader_and_on_a_phone_and_loads_nothing(zoho: Zoho) -> None:
    async with a_window(zoho, total=5000) as window:
        html = await window.desk.look(window.address)
        page = Page(html)
        declined = Page(await window.desk.click(window.address, "decline"))
    assert page.all("html") == [{"lang": "en"}]
    assert [len(part.all("h1")) for part in (page, declined)] == [1, 1]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert len(page.all("dt")) == len(page.all("dd")) > 3
    [number] = [field for field in page.all("input") if field.get("type") != "hidden"]
    assert page.all("label") == [{"for": number["id"]}]
    assert "formnovalidate" in page.all("button")[1]
    assert any(attributes.get("role") == "status" for _, attributes in declined.tags)
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "http:" not in html.replace("http-equiv", "")
    assert "https:" not in html
    for said in ("5,000.00", "mcp", "Demo data", "Studio Linden"):
        assert said in page.words


async def test_to_approve_a_large_amount_the_records_number_is_typed(zoho: Zoho) -> None:
    async with a_window(zoho, total=1000.01) as window:
        wanted = window.approval.shown.type_number
        assert wanted.startswith("INV-")
        for typed in ("", "INV", "yes"):
            assert 'aria-invalid="true"' in await window.desk.click(window.address, "approve", typed)
            assert window.approval.state == "waiting"
        await window.desk.click(window.address, "approve", f" {wanted.lower()} ")
        assert window.approval.state == "approved"
    async with a_window(zoho, total=1000) as window:
        assert window.approval.shown.type_number == ""


async def test_to_decline_a_large_amount_nothing_is_typed(zoho: Zoho) -> None:
    async with a_window(zoho, total=5000) as window:
        assert "<h1>Declined</h1>" in await window.desk.click(window.address, "decline")


async def test_the_page_shows_what_zoho_refused(zoho: Zoho) -> None:
    books = zoho.app

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        answer = JSONResponse({"code": 1005, "message": "Not <today>."}, 400)
        await (answer if scope["path"].endswith("/status/void") else books)(scope, receive, send)

    zoho.app = refusing
    async with (
        a_desk() as desk,
        zoho.client(can_ask=False, browser=desk.open, can_open_browser=True) as client,
    ):
        invoice = await sent_invoice(client)
        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), desk.decide("approve"))
        assert kind_of(result) == "rejected"
        said = Page(await desk.look(desk.addresses[0])).words
        assert "Not <today>." in said


async def test_no_address_reaches_the_model_or_a_log(zoho: Zoho, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with a_window(zoho) as window:
        secret = window.address.rpartition("/")[2]
        result = await window.client.call_tool("void_invoice", {"invoice_id": window.invoice})
        assert window.approval.name in text_of(result)
        for told in (text_of(result), str(result.structured_content)):
            assert secret not in told
            assert "127.0.0.1" not in told
        await window.desk.click(window.address, "decline")
    written = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    assert not any(secret in message for message in written)


async def test_without_a_browser_the_address_is_only_logged(zoho: Zoho, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        a_desk(has_browser=False) as desk,
        zoho.client(can_ask=False, browser=desk.open, can_open_browser=True) as client,
    ):
        invoice = await sent_invoice(client)
        with anyio.fail_after(20):
            refused = await client.call_tool("void_invoice", {"invoice_id": invoice})
        [address] = desk.addresses
        assert kind_of(refused) == "waiting"
        assert address not in text_of(refused)
        assert address in caplog.text
        await desk.click(address, "approve")
        assert await status(client, invoice) == "sent"
        await call(client, "void_invoice", invoice_id=invoice)
        assert await status(client, invoice) == "void"
        assert len(desk.addresses) == 1


async def test_without_a_desktop_no_browser_is_started(zoho: Zoho) -> None:
    async with a_desk() as desk:
        async with zoho.client(can_ask=False, browser=desk.open) as client:
            invoice = await sent_invoice(client)
            refused = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert kind_of(refused) == "waiting"
        assert desk.addresses == []


@pytest.mark.parametrize("has_browser", [True, False])
async def test_the_model_gets_the_address_only_if_the_owner_wants_it(zoho: Zoho, has_browser: bool) -> None:
    async with a_desk(has_browser=has_browser) as desk:
        changes: dict[str, Any] = {"approval_url_to_model": True, "approval_wait": 0.05, "can_open_browser": True}
        async with zoho.client(can_ask=False, browser=desk.open, **changes) as client:
            invoice = await sent_invoice(client)
            refused = await client.call_tool("void_invoice", {"invoice_id": invoice})
            assert desk.addresses[0] in text_of(refused)
