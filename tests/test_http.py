"""Serving over HTTP: both eras at one address, refused requests, stopping, and health checks."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from approving import browser_session
from conftest import ERAS, Era, Person, Zoho, call, text_of
from mcp.shared.exceptions import MCPError
from serving import INITIALIZE, LIST, a_site
from test_processes import run

from zoho_mcp.cli.serve.http import serve_http
from zoho_mcp.errors import SettingsError, UnavailableError
from zoho_mcp.http.guard import MAX_BODY
from zoho_mcp.http.serving import bound
from zoho_mcp.http.settings import HttpSettings, http_settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_lists_calls_confirms_and_reads_over_http(era: Era, zoho: Zoho) -> None:
    person = Person()
    async with a_site(zoho) as site, site.client(era, elicit=person.elicit) as client:
        assert "void_invoice" in [tool.name for tool in (await client.list_tools()).tools]
        invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]["invoice_id"]
        await call(client, "void_invoice", invoice_id=invoice)
        read = await client.read_resource(f"zoho-invoice://invoices/{invoice}")
        assert '"status":"void"' in str(read.contents[0].model_dump()["text"])
    assert len(person.questions) == 1


async def test_both_eras_share_one_zoho_client_and_its_token(zoho: Zoho) -> None:
    async with a_site(zoho) as site, site.client("legacy") as older, site.client() as newer:
        for client in (older, newer, older):
            await call(client, "list_customers")
    asked = [request.path for request in zoho.app.state.request_log if request.path.startswith("/oauth")]
    assert asked == ["/oauth/v2/token"]


REFUSED: Mapping[str, tuple[dict[str, str], int]] = {
    "another name": ({"host": "evil.example"}, 421),
    "another name for this machine": ({"host": "evil.example:{port}"}, 421),
    "another port": ({"host": "127.0.0.1:1"}, 421),
    "a name that only begins right": ({"host": "127.0.0.1.evil.example:{port}"}, 421),
    "a page of the web": ({"origin": "https://evil.example"}, 403),
    "a page without an origin of its own": ({"origin": "null"}, 403),
    "a page on another port of this machine": ({"origin": "http://127.0.0.1:1"}, 403),
    "a form": ({"content_type": "application/x-www-form-urlencoded"}, 400),
    "plain text, which pages may send unasked": ({"content_type": "text/plain"}, 400),
    "who cannot take the answer": ({"accept": "text/html"}, 406),
}


@pytest.mark.parametrize("era", ["", "2026-07-28"])
async def test_requests_that_do_not_come_from_a_client_are_refused(era: str, zoho: Zoho) -> None:
    answered: dict[str, int] = {}
    async with a_site(zoho) as site:
        for case, (headers, _) in REFUSED.items():
            given = {name: value.replace("{port}", str(site.http.port)) for name, value in headers.items()}
            answer = await site.post(INITIALIZE, mcp_protocol_version=era, **given)
            answered[case] = answer.status_code
            assert "access-control-allow-origin" not in answer.headers
    assert answered == {case: status for case, (_, status) in REFUSED.items()}
    assert zoho.received() == []


@pytest.mark.parametrize("header", ["x_forwarded_for", "X_Forwarded_For", "forwarded", "x_real_ip"])
async def test_without_a_login_requests_through_a_tunnel_are_refused(header: str, zoho: Zoho) -> None:
    async with a_site(zoho) as site:
        for body in (INITIALIZE, LIST):
            answer = await site.post(body, **{header: "203.0.113.7"})
            assert answer.status_code == 403
            assert "token add" in answer.text
        assert (await site.get("/healthz", x_forwarded_for="203.0.113.7")).status_code == 200
    assert zoho.app.state.request_log == []


async def test_a_body_that_is_too_large_or_not_json_is_refused(zoho: Zoho) -> None:
    async with a_site(zoho) as site:
        assert (await site.post(b'{"padding":"' + b"x" * MAX_BODY + b'"}')).status_code == 413
        assert (await site.post(b"{")).status_code == 400
        assert (await site.post([LIST])).status_code == 400


@pytest.mark.parametrize("path", ["/mcp", "/healthz", "/nothing"])
async def test_a_slow_body_times_out(path: str, zoho: Zoho) -> None:
    async with a_site(zoho, within=0.2) as site:
        stream = await anyio.connect_tcp("127.0.0.1", site.http.port)
        async with stream:
            head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{site.http.port}\r\ncontent-length: 90\r\n"
            await stream.send(f"{head}content-type: application/json\r\n\r\n{{".encode())
            with anyio.fail_after(10):
                status = (await stream.receive()).split(b" ")[1]
        assert status == {"/mcp": b"408", "/healthz": b"405", "/nothing": b"404"}[path]


async def test_silent_connections_are_closed(zoho: Zoho, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoho_mcp.pages.serving.HEAD_TIMEOUT", 0.2)
    async with a_site(zoho) as site:
        for said in (b"", b"POST /mcp HTTP/1.1\r\nhost:"):
            async with await anyio.connect_tcp("127.0.0.1", site.http.port) as stream:
                if said:
                    await stream.send(said)
                with anyio.fail_after(10), pytest.raises(anyio.EndOfStream):
                    await stream.receive()


async def test_only_scripts_of_configured_pages_may_call(zoho: Zoho) -> None:
    async with a_site(zoho, HttpSettings(origins=("https://inspector.example",))) as site:
        ours = await site.post(INITIALIZE, origin="https://inspector.example")
        assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (200, "https://inspector.example")
        assert "mcp-session-id" in ours.headers["access-control-expose-headers"]
        assert (await site.post(INITIALIZE, origin="https://evil.example")).status_code == 403


async def test_a_browsers_preflight_request_is_answered(zoho: Zoho) -> None:
    async with a_site(zoho, HttpSettings(origins=("https://inspector.example",))) as site:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,mcp-method"}
        async with browser_session() as browser:
            for origin, status in (("https://inspector.example", 200), ("https://evil.example", 403)):
                answer = await browser.options(site.mcp, headers={**asked, "origin": origin})
                assert answer.status_code == status
                if status == 200:
                    assert "authorization" in answer.headers["access-control-allow-headers"]


def test_responses_are_sent_without_delay() -> None:
    with bound("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


async def test_a_stop_signal_lets_calls_finish_and_refuses_new_ones(zoho: Zoho) -> None:
    asked, decide = anyio.Event(), anyio.Event()
    person = Person()

    async def elicit(context: Any, params: Any) -> Any:
        asked.set()
        await decide.wait()
        return await person.elicit(context, params)

    results: list[Any] = []
    async with a_site(zoho) as site, site.client("legacy", elicit=elicit) as client:
        invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]["invoice_id"]

        async def void() -> None:
            results.append(await client.call_tool("void_invoice", {"invoice_id": invoice}))

        async with anyio.create_task_group() as group:
            group.start_soon(void)
            with anyio.fail_after(10):
                await asked.wait()
                site.server.told()
                while not site.active.stopping:
                    await anyio.lowlevel.checkpoint()
                for era in ("", "2026-07-28"):
                    late = await site.post(LIST, mcp_protocol_version=era)
                    assert (late.status_code, late.headers["retry-after"]) == (503, "5")
                assert (await site.get("/readyz")).status_code == 503
                assert (await site.get("/healthz")).status_code == 200
                decide.set()
        with anyio.fail_after(10):
            await site.over.wait()
    assert not results[0].is_error, text_of(results[0])
    assert zoho.changes() == [f"POST /invoice/v3/invoices/{invoice}/status/void"]


async def test_a_call_that_does_not_end_is_aborted_after_the_grace_period(zoho: Zoho) -> None:
    asked, broken = anyio.Event(), anyio.Event()

    async def never(context: Any, params: Any) -> Any:
        asked.set()
        await anyio.sleep_forever()

    async with a_site(zoho, grace=0.2) as site:

        async def void() -> None:
            try:
                async with site.client("legacy", elicit=never) as client:
                    rows = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"]
                    await client.call_tool("void_invoice", {"invoice_id": rows[0]["invoice_id"]})
            except* MCPError:
                broken.set()

        async with anyio.create_task_group() as group:
            group.start_soon(void)
            with anyio.fail_after(20):
                await asked.wait()
                site.server.told()
                await site.over.wait()
                await broken.wait()
    assert zoho.changes() == []


async def test_the_server_is_ready_while_zoho_responds_and_asks_rarely(zoho: Zoho) -> None:
    from zoho_mcp.cli.local_sandbox import SandboxTransport
    from zoho_mcp.zoho.client import ZohoClient
    from zoho_mcp.zoho.readiness import REMEMBERED, TRIED_AGAIN, Readiness

    client = ZohoClient(zoho.settings, transport=SandboxTransport(zoho.app), clock=zoho.seconds, sleep=zoho.sleep)
    async with a_site(zoho, checks=(Readiness(client).check,)) as site:
        for _ in range(3):
            assert (await site.get("/readyz")).json() == {"status": "ready"}
        assert zoho.received() == ["GET /invoice/v3/organizations"]
        zoho.clock.advance(seconds=REMEMBERED + 1)
        zoho.faults.add("GET /organizations:status=503:9")
        for _ in range(3):
            answer = await site.get("/readyz", host="10.0.0.7:8000")
            assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "why": "UnavailableError"})
        tries = len(zoho.received())
        zoho.faults.clear()
        zoho.clock.advance(seconds=TRIED_AGAIN + 1)
        assert (await site.get("/readyz")).status_code == 200
        assert len(zoho.received()) == tries + 1
    await client.aclose()


async def test_the_reason_for_not_being_ready_is_given_without_private_data(zoho: Zoho) -> None:
    async def check() -> None:
        raise UnavailableError("Ada's account 10234695 is locked.")

    async with a_site(zoho, checks=(check,)) as site:
        assert (await site.get("/readyz")).json() == {"status": "not ready", "why": "UnavailableError"}


STARTS: Mapping[str, tuple[dict[str, str], str]] = {
    "this machine": ({"ZOHO_HTTP": "127.0.0.1:8000"}, ""),
    "a port of this machine": ({"ZOHO_HTTP": "9000"}, ""),
    "this machine by its newer number": ({"ZOHO_HTTP": "[::1]:8000"}, ""),
    "every address": ({"ZOHO_HTTP": "0.0.0.0:8000"}, "token add NAME"),
    "every newer address": ({"ZOHO_HTTP": "[::]:8000"}, "token add NAME"),
    "a name": ({"ZOHO_HTTP": "books.example:80"}, "token add NAME"),
    "no host": ({"ZOHO_HTTP": ":8000"}, ""),
    "a public address before this machine": ({"ZOHO_PUBLIC_URL": "https://books.example"}, "token add NAME"),
    "another name for this machine": ({"ZOHO_HTTP_HOSTS": "localhost:9000,127.0.0.2"}, ""),
    "a name of elsewhere, led here by a proxy": ({"ZOHO_HTTP_HOSTS": "books.example"}, "token add NAME"),
    "every address with an issuer": (
        {"ZOHO_HTTP": "0.0.0.0:8000", "ZOHO_HTTP_ISSUER": "https://id.example", "ZOHO_PUBLIC_URL": "https://b.example"},
        "",
    ),
    "an issuer without an address": (
        {"ZOHO_HTTP": "0.0.0.0:8000", "ZOHO_HTTP_ISSUER": "https://id.example"},
        "ZOHO_PUBLIC_URL",
    ),
    "an issuer that is not encrypted": ({"ZOHO_HTTP_ISSUER": "http://id.example"}, "ZOHO_HTTP_ISSUER"),
    "a file that is not there": ({"ZOHO_HTTP_TOKENS": "/nonexistent/tokens"}, "/nonexistent/tokens"),
    "both": (
        {"ZOHO_HTTP_TOKENS": __file__, "ZOHO_HTTP_ISSUER": "https://id.example"},
        "ZOHO_HTTP_ISSUER",
    ),
    "a public address with a path": ({"ZOHO_PUBLIC_URL": "https://books.example/zoho"}, "ZOHO_PUBLIC_URL"),
    "no address": ({"ZOHO_HTTP": "127.0.0.1:http"}, "HOST:PORT"),
    "no port": ({"ZOHO_HTTP": "127.0.0.1:65536"}, "HOST:PORT"),
    "a name with a path": ({"ZOHO_HTTP_HOSTS": "books.example/x"}, "ZOHO_HTTP_HOSTS"),
    "a page with a path": ({"ZOHO_HTTP_ORIGINS": "https://app.example/x"}, "ZOHO_HTTP_ORIGINS"),
}


@pytest.mark.parametrize("case", STARTS)
def test_it_serves_other_machines_only_with_a_login(case: str) -> None:
    environment, problem = STARTS[case]
    if not problem:
        http_settings(environment)
        return
    with pytest.raises(SettingsError, match=problem):
        http_settings(environment)


@pytest.mark.processes
def test_the_command_explains_why_it_does_not_start() -> None:
    result = run("--http", "0.0.0.0:0", "--sandbox")
    assert result.returncode == 2
    assert "token add NAME" in result.stderr
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = run("--http", str(other.getsockname()[1]), "--sandbox")
        assert (taken.returncode, str(other.getsockname()[1]) in taken.stderr) == (2, True)


def test_grants_per_principal_need_a_login(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('[[principals]]\nprincipal = "ada"\naccess = "read"\n', encoding="utf-8")
    environment = {"ZOHO_POLICY_FILE": str(tmp_path / "policy.toml"), "ZOHO_HTTP": "127.0.0.1:0"}
    with pytest.raises(SettingsError, match="principals"):
        serve_http(environment | {"ZOHO_SANDBOX": "true"})
