"""Approvals over HTTP: the person who called decides, on a page that shows nothing without a login."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import pytest
from approving import Decision, a_desk, browser_session
from conftest import ERAS, Era, Person, Zoho, call, kind_of, text_of
from issuer import CLIENT_ID, TestIssuer, an_issuer
from mcp import Client
from serving import Site, a_site
from starlette.requests import Request
from starlette.responses import Response
from test_http_tokens import Tokens, tokens

from zoho_mcp.approval_page.app import create_page
from zoho_mcp.http.identity import Identity, Issued
from zoho_mcp.http.issuer import Issuer
from zoho_mcp.http.login import LASTS, MAX_WRONG, CookieSigner
from zoho_mcp.http.settings import HttpSettings
from zoho_mcp.http.tokens import add_token, revoke_token
from zoho_mcp.policy.approvals import Approvals, Binding

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
__all__ = ["tokens"]  # a fixture


@dataclass
class Visitor:
    """A browser, and the person before it."""

    http: httpx.AsyncClient
    origin: str

    async def post(self, address: str, form: dict[str, str], **headers: str) -> httpx.Response:
        sent = {"origin": self.origin, "sec-fetch-site": "same-origin"} | headers
        return await self.http.post(address, data=form, headers={name: value for name, value in sent.items() if value})

    async def log_in(self, address: str, token: str) -> httpx.Response:
        return await self.post(f"{address}/login", {"token": token})

    async def decide(self, address: str, decision: Decision) -> str:
        found = re.search(r'name="view" value="([^"]+)"', (await self.http.get(address)).text)
        answer = await self.post(address, {"view": unescape(found[1]) if found else "", "decision": decision})
        return (await self.http.get(address)).text if answer.status_code == 303 else answer.text


@asynccontextmanager
async def a_visitor(site: Site) -> AsyncGenerator[Visitor]:
    async with browser_session() as http:
        yield Visitor(http, site.url)


async def small_invoice(client: Client) -> str:
    """One whose number need not be typed."""
    rows = (await call(client, "list_invoices", status="sent"))["invoices"]
    return next(row["invoice_id"] for row in rows if row["total"] < 1000)


async def asked_at(client: Client, invoice: str) -> str:
    """The address that a client is given for voiding."""
    refused = await client.call_tool("void_invoice", {"invoice_id": invoice})
    assert kind_of(refused) == "waiting"
    found = re.search(r"http://\S+/approvals/\S+", text_of(refused))
    assert found, text_of(refused)
    return found[0]


@pytest.mark.parametrize("era", ERAS)
async def test_the_caller_logs_in_and_decides_and_the_next_call_runs_once(
    era: Era, zoho: Zoho, tokens: Tokens, tmp_path: Path
) -> None:
    audit = tmp_path / "audit.jsonl"
    async with (
        a_site(zoho, tokens.http, page=True, audit_file=str(audit)) as site,
        site.client(era, token=tokens.ada) as client,
        a_visitor(site) as visitor,
    ):
        invoice = await small_invoice(client)
        address = await asked_at(client, invoice)
        before = await visitor.http.get(address)
        assert (before.status_code, "INV-" in before.text) == (401, False)
        assert (await visitor.log_in(address, tokens.ada)).status_code == 303
        shown = await visitor.http.get(address)
        assert "INV-" in shown.text
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert "<h1>Approved</h1>" in await visitor.decide(address, "approve")
        assert zoho.changes() == []
        await call(client, "void_invoice", invoice_id=invoice)
        again = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert again.is_error
        assert "<h1>Done</h1>" in (await visitor.http.get(address)).text
    assert zoho.changes() == [f"POST /invoice/v3/invoices/{invoice}/status/void"]
    [done] = [line for line in map(json.loads, audit.read_text().splitlines()) if line.get("outcome") == "done"]
    assert (done["principal"], done["way"]) == ("ada", "page")


async def test_a_waiting_call_runs_when_its_person_approves_and_not_when_they_decline(
    zoho: Zoho, tokens: Tokens
) -> None:
    results: list[Any] = []
    async with (
        a_site(zoho, tokens.http, page=True) as site,
        site.client(token=tokens.ada) as client,
        a_visitor(site) as visitor,
    ):
        for decision in ("decline", "approve"):
            invoice = await small_invoice(client)
            address = await asked_at(client, invoice)
            await visitor.log_in(address, tokens.ada)
            waits = anyio.Event()

            async def told(
                progress: float, total: float | None, message: str | None, waits: anyio.Event = waits
            ) -> None:
                waits.set()

            async def void(invoice: str = invoice, told: Any = told) -> None:
                results.append(await client.call_tool("void_invoice", {"invoice_id": invoice}, progress_callback=told))

            with anyio.fail_after(20):
                async with anyio.create_task_group() as group:
                    group.start_soon(void)
                    await waits.wait()
                    assert f"<h1>{'Done' if decision == 'approve' else 'Declined'}</h1>" in await visitor.decide(
                        address, decision
                    )
            assert results[-1].is_error == (decision == "decline")
    assert len(zoho.changes()) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_a_users_page_and_approval_are_not_valid_for_another_user(era: Era, zoho: Zoho, tokens: Tokens) -> None:
    async with (
        a_site(zoho, tokens.http, page=True) as site,
        site.client(era, token=tokens.ada) as ada,
        site.client(era, token=tokens.ben) as ben,
        a_visitor(site) as bens_browser,
        a_visitor(site) as adas_browser,
    ):
        invoice = await small_invoice(ada)
        address = await asked_at(ada, invoice)
        await bens_browser.log_in(address, tokens.ben)
        hidden = await bens_browser.http.get(address)
        assert (hidden.status_code, "INV-" in hidden.text, "ben" in hidden.text) == (404, False, True)
        assert "<h1>Approved</h1>" not in await bens_browser.decide(address, "approve")
        await adas_browser.log_in(address, tokens.ada)
        await adas_browser.decide(address, "approve")
        assert await asked_at(ben, invoice) != address
        assert zoho.changes() == []
        await call(ada, "void_invoice", invoice_id=invoice)
    assert len(zoho.changes()) == 1


async def test_a_users_answer_does_not_work_for_another_user(zoho: Zoho, tokens: Tokens) -> None:
    async with a_site(zoho, tokens.http) as site, site.client(token=tokens.ada) as client:
        invoice = await small_invoice(client)
        params: dict[str, Any] = {
            "name": "void_invoice",
            "arguments": {"invoice_id": invoice},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
            },
        }

        async def post(token: str, **more: Any) -> Any:
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {**params, **more}}
            answer = await site.post(
                body, authorization=f"Bearer {token}", mcp_protocol_version="2026-07-28", mcp_method="tools/call",
                mcp_name="void_invoice",
            )  # fmt: skip
            return answer.json()

        asked = (await post(tokens.ada))["result"]
        assert asked["resultType"] == "input_required"
        yes = {
            "requestState": asked["requestState"],
            "inputResponses": {"confirm": {"action": "accept", "content": {"confirm": True}}},
        }
        stolen = await post(tokens.ben, **yes)
        assert (stolen["error"]["code"], zoho.changes()) == (-32602, [])
        mine = await post(tokens.ada, **yes)
        assert not mine["result"].get("isError"), mine
    assert len(zoho.changes()) == 1


async def test_there_is_no_way_around_the_login(zoho: Zoho, tokens: Tokens) -> None:
    async with (
        a_site(zoho, tokens.http, page=True, approval_wait=1.0) as site,
        site.client(token=tokens.ada) as client,
        a_visitor(site) as visitor,
        a_visitor(site) as stranger,
    ):
        invoice = await small_invoice(client)
        address = await asked_at(client, invoice)
        await visitor.log_in(address, tokens.ada)
        [cookie] = visitor.http.cookies.jar
        name, sealed = cookie.name, str(cookie.value)
        view = re.search(r'name="view" value="([^"]+)"', (await visitor.http.get(address)).text)
        assert view is not None
        form = {"view": unescape(view[1]), "decision": "approve"}
        of_another = CookieSigner(b"x" * 32, site.url)
        forged = Response()
        of_another.put(forged, "session", {"principal": "ada", "token": ""})
        cookies = {
            "none": "",
            "an empty one": f"{name}=",
            "a changed one": f"{name}={sealed[:-2]}{'AA' if sealed[-2:] != 'AA' else 'BB'}",
            "one of another server": forged.headers["set-cookie"].split(";")[0],
            "its token": f"{name}={tokens.ada}",
            "the principal": f"{name}=ada",
        }
        answered = {
            way: {
                (await stranger.post(address, form, cookie=value)).status_code,
                (await stranger.http.get(address, headers={"cookie": value} if value else {})).status_code,
            }
            for way, value in cookies.items()
        }
        assert answered == {way: {401} for way in cookies}
        bearer = {"authorization": f"Bearer {tokens.ada}"}
        assert (await stranger.post(address, form, **bearer)).status_code == 401
        own = {"cookie": f"{name}={sealed}"}
        wrong = {
            "another page": {**own, "origin": "https://evil.example"},
            "no page": {**own, "origin": ""},
            "a page without an origin": {**own, "origin": "null"},
            "another site": {**own, "sec-fetch-site": "cross-site"},
        }
        refusals = {way: (await stranger.post(address, form, **headers)).status_code for way, headers in wrong.items()}
        assert refusals == dict.fromkeys(wrong, 403)
        assert (await visitor.post(address, {**form, "view": "x.y"})).status_code == 403
        assert (await visitor.log_in(address, "x")).status_code == 401
        planted = await visitor.post(f"{address}/login", {"token": tokens.ada}, origin="https://evil.example")
        assert planted.status_code == 403
        for other in ("x", "callback"):
            assert (await visitor.http.get(f"{site.url}/approvals/{other}")).status_code == 404
        result = await client.call_tool("void_invoice", {"invoice_id": invoice})
        assert kind_of(result) == "waiting"
    assert zoho.changes() == []


async def test_a_login_ends_with_its_token_its_time_or_a_logout(zoho: Zoho, tokens: Tokens) -> None:
    async with (
        a_site(zoho, tokens.http, page=True) as site,
        site.client(token=tokens.ben) as client,
        a_visitor(site) as visitor,
    ):
        address = await asked_at(client, await small_invoice(client))
        await visitor.log_in(address, tokens.ben)
        assert (await visitor.http.get(address)).status_code == 200
        await visitor.post(f"{address}/logout", {})
        assert (await visitor.http.get(address)).status_code == 401
        await visitor.log_in(address, tokens.ben)
        assert (await visitor.http.get(address)).status_code == 200
        revoke_token(tokens.path, "ben")
        assert (await visitor.http.get(address)).status_code == 401
        again = add_token(tokens.path, "ben")
        assert (await visitor.http.get(address)).status_code == 401
        await visitor.log_in(address, again)
        assert (await visitor.http.get(address)).status_code == 200


def test_the_cookie_is_valid_for_this_site_only_and_a_short_time() -> None:
    now = [1000.0]
    cookies = CookieSigner(b"k" * 32, "https://books.example", lambda: now[0])
    response = Response()
    cookies.put(response, "session", {"principal": "ada"})
    said = response.headers["set-cookie"]
    assert said.startswith("__Host-")
    assert {part.strip().lower() for part in said.split(";")[1:]} == {
        f"max-age={int(LASTS)}", "path=/", "secure", "httponly", "samesite=strict",
    }  # fmt: skip
    request = Request({"type": "http", "headers": [(b"cookie", said.split(";")[0].encode())]})
    kept = cookies.get(request, "session")
    assert kept is not None
    assert kept["principal"] == "ada"
    assert cookies.get(request, "login") is None
    now[0] += LASTS
    assert cookies.get(request, "session") is None


async def test_wrong_tokens_are_limited_and_keep_nobody_else_out(zoho: Zoho, tokens: Tokens) -> None:
    async with a_site(zoho, tokens.http, page=True) as site, a_visitor(site) as visitor:
        address = f"{site.url}/approvals/x"
        tries = [(await visitor.log_in(address, f"wrong {number}")).status_code for number in range(MAX_WRONG)]
        assert tries == [401] * MAX_WRONG
        assert (await visitor.log_in(address, "wrong again")).status_code == 429
        assert (await visitor.log_in(address, tokens.ada)).status_code == 303, "behind a proxy all have one address"


async def test_the_page_on_this_machine_shows_no_other_persons_questions() -> None:
    approvals = Approvals()
    theirs = await approvals.ask("page", Binding("call", "record", "ada"))
    ours = await approvals.ask("page", Binding("call", "record"))
    transport = httpx.ASGITransport(create_page(approvals, 80))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:80") as browser:
        answers = [await browser.get(f"/{one.secret}", headers={"host": "127.0.0.1:80"}) for one in (theirs, ours)]
    assert [answer.status_code for answer in answers] == [404, 200]


async def test_without_a_public_address_calls_that_need_approval_are_refused_and_no_browser_opens(
    zoho: Zoho, tokens: Tokens
) -> None:
    async with (
        a_desk() as desk,
        a_site(zoho, tokens.http, browser=desk.open, can_open_browser=True) as site,
        site.client(token=tokens.ada) as client,
    ):
        refused = await client.call_tool("void_invoice", {"invoice_id": await small_invoice(client)})
        assert kind_of(refused) == "could_not_ask"
        assert (await site.get("/approvals/x")).status_code == 404
        assert desk.addresses == []
    assert zoho.changes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_for_one_user_on_this_machine_the_page_opens_as_over_stdio(era: Era, zoho: Zoho) -> None:
    async with (
        a_desk() as desk,
        a_site(zoho, browser=desk.open, can_open_browser=True) as site,
        site.client(era) as client,
    ):
        invoice = await small_invoice(client)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "void_invoice", {"invoice_id": invoice})
                assert "<h1>Done</h1>" in await desk.decide("approve")
    assert zoho.changes() == [f"POST /invoice/v3/invoices/{invoice}/status/void"]


async def test_a_client_that_can_ask_does_so_itself(zoho: Zoho, tokens: Tokens) -> None:
    person = Person()
    async with (
        a_site(zoho, tokens.http, page=True) as site,
        site.client(token=tokens.ada, elicit=person.elicit) as client,
    ):
        await call(client, "void_invoice", invoice_id=await small_invoice(client))
    assert len(person.questions) == 1


@asynccontextmanager
async def a_site_of(zoho: Zoho, issuer: TestIssuer, **changes: Any) -> AsyncGenerator[Site]:
    http = replace(HttpSettings(issuer=issuer.url, client_id=CLIENT_ID, audience="books"), **changes)
    async with a_site(zoho, http, who=Identity(issued=Issued(http, Issuer(issuer.url))), page=True) as site:
        yield site


async def way_back(visitor: Visitor, address: str) -> str:
    """To the issuer, which says yes at once; the address that it sends the browser back to."""
    there = await visitor.http.get(f"{address}/login")
    assert there.status_code == 303
    asked = parse_qs(urlsplit(there.headers["location"]).query)
    assert asked["scope"] == ["openid"]
    return (await visitor.http.get(there.headers["location"])).headers["location"]


async def test_with_an_issuer_people_log_in_there(zoho: Zoho) -> None:
    async with (
        an_issuer() as issuer,
        a_site_of(zoho, issuer) as site,
        site.client(token=issuer.token("books")) as client,
        a_visitor(site) as visitor,
    ):
        invoice = await small_invoice(client)
        address = await asked_at(client, invoice)
        assert f'<a href="{urlsplit(address).path}/login">' in (await visitor.http.get(address)).text
        back = await visitor.http.get(await way_back(visitor, address))
        assert f"0; url={urlsplit(address).path}" in back.text
        assert "<h1>Approved</h1>" in await visitor.decide(address, "approve")
        await call(client, "void_invoice", invoice_id=invoice)
    assert len(zoho.changes()) == 1


BACK: dict[str, dict[str, Any]] = {
    "another state": {"query": {"state": "x"}},
    "no code": {"query": {"code": ""}},
    "another code": {"query": {"code": "x"}},
    "another issuer": {"query": {"iss": "https://evil.example"}},
    "no cookie": {"forget": True},
    "a token for another client": {"id_claims": {"aud": "another-client"}},
    "a token of another client": {"id_claims": {"aud": [CLIENT_ID, "other"], "azp": "other"}},
    "a token for another log-in": {"id_claims": {"nonce": "x"}},
    "a token of another issuer": {"id_claims": {"iss": "https://evil.example"}},
    "an expired token": {"id_claims": {"exp": 1}},
    "a token about nobody": {"id_claims": {"sub": None}},
}


async def test_a_forged_way_back_from_the_issuer_does_not_log_in(zoho: Zoho) -> None:
    async with an_issuer() as issuer, a_site_of(zoho, issuer) as site:
        for name, case in BACK.items():
            async with a_visitor(site) as visitor:
                issuer.id_claims = case.get("id_claims", {})
                back = httpx.URL(await way_back(visitor, f"{site.url}/approvals/x"))
                if case.get("forget"):
                    visitor.http.cookies.clear()
                answer = await visitor.http.get(back.copy_merge_params(case.get("query", {})))
                assert answer.status_code in (403, 503), name
                assert [cookie.name for cookie in visitor.http.cookies.jar if "session" in cookie.name] == [], name
        issuer.id_claims = {}
        async with a_visitor(site) as visitor:
            assert (await visitor.http.get(await way_back(visitor, f"{site.url}/approvals/x"))).status_code == 200


async def test_with_an_issuer_but_no_client_id_there_is_no_page(zoho: Zoho) -> None:
    async with (
        an_issuer() as issuer,
        a_site_of(zoho, issuer, client_id="") as site,
        site.client(token=issuer.token("books")) as client,
    ):
        refused = await client.call_tool("void_invoice", {"invoice_id": await small_invoice(client)})
        assert kind_of(refused) == "could_not_ask"
        assert (await site.get("/approvals/x")).status_code == 404
