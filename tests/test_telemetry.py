"""Telemetry: spans, metrics and log lines describe the calls, without private data."""

import json
import logging
import socket
import struct
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import httpx
import mcp_types as types
import pytest
from conftest import ERAS, URL, Era, Zoho, call, reference
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from serving import INITIALIZE, a_site
from watching import Watch, attributes, get, watching

from zoho_mcp.cli.local_sandbox import environment_for
from zoho_mcp.errors import SettingsError
from zoho_mcp.server.app import create_server
from zoho_mcp.server.middleware.requests import METHODS
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.telemetry.calls import KNOWN_CODES, trace_request
from zoho_mcp.telemetry.logging import JsonLines
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import Rates

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
TRACE = 0x0AF7651916CD43DD8448EB211C80319C
NAME, MAIL, AMOUNT, SAID = "Bartholomea Quux", "bq@private.example", 98765.43, "Zwiebelkuchen"


@pytest.fixture
def watch() -> Generator[Watch]:
    with watching() as found:
        yield found


class Bug(httpx.AsyncBaseTransport):
    """Fails as only a mistake of ours does, with something private in its text."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            raise KeyError(NAME)
        except KeyError as problem:
            raise RuntimeError(f"{MAIL}\n{AMOUNT}") from problem


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_is_a_span_with_a_child_for_each_request_to_zoho(zoho: Zoho, watch: Watch, era: Era) -> None:
    async with zoho.client(era) as client:
        invoice = (await call(client, "list_invoices", per_page=1))["invoices"][0]["invoice_id"]
        await call(client, "get_invoice", invoice_id=invoice)
    [tool] = watch.spans("tools/call get_invoice")
    [sent] = watch.spans("GET /invoices/{invoice_id}")
    assert sent.parent is not None
    assert tool.context is not None
    assert sent.parent.span_id == tool.context.span_id
    assert attributes(sent) == {
        "zoho.call": attributes(tool)["zoho.call"],
        "http.request.method": "GET",
        "url.template": "/invoices/{invoice_id}",
        "http.response.status_code": 200,
        "http.request.resend_count": 0,
        "zoho.limits.waited_seconds": 0.0,
        "zoho.code": 0,
    }
    assert attributes(tool)["gen_ai.tool.name"] == "get_invoice"
    assert attributes(tool)["zoho.outcome"] == "done"


async def test_a_span_has_zohos_answer_the_number_of_attempts_and_the_waiting_time(zoho: Zoho, watch: Watch) -> None:
    limiter = Limiter(Rates(2, 1000, 5), clock=zoho.seconds, sleep=zoho.sleep)
    sandbox = ZohoClient(zoho.settings, transport=httpx.ASGITransport(zoho.app), clock=zoho.seconds, sleep=zoho.sleep,
                         limiter=limiter)  # fmt: skip
    zoho.faults.add("GET /invoices/404:status=503")
    async with Client(create_server(zoho.settings, load(), sandbox)) as client:
        await client.call_tool("get_invoice", {"invoice_id": "404"})
        zoho.clock.advance(seconds=50)
        await client.call_tool("get_invoice", {"invoice_id": "404"})
    again, waited = map(attributes, watch.spans("GET /invoices"))
    told = again
    assert (told["http.response.status_code"], told["zoho.code"], told["error.type"]) == (404, 1002, "not_found")
    assert (again["http.request.resend_count"], waited["http.request.resend_count"]) == (1, 0)
    assert again["zoho.limits.waited_seconds"] == 0
    assert 5 < waited["zoho.limits.waited_seconds"] < 11
    assert watch.counted("zoho_request_retries_total", method="GET", route="/invoices/{invoice_id}") == 1
    assert watch.counted("zoho_limits_wait_seconds_sum") == pytest.approx(
        waited["zoho.limits.waited_seconds"], abs=0.01
    )


async def test_a_request_continues_the_clients_trace(zoho: Zoho, watch: Watch) -> None:
    outer = SpanContext(TRACE, 0xB7AD6B7169203331, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    async with zoho.client() as client:
        with use_span(NonRecordingSpan(outer)):
            await call(client, "list_taxes")
    traces = {span.context.trace_id for span in watch.spans() if span.context and "list_taxes" in span.name}
    assert traces == {TRACE}
    assert f"{TRACE:032x}" in {line["trace_id"] for line in watch.log()}


async def test_over_http_a_gateway_can_set_the_trace(zoho: Zoho, watch: Watch) -> None:
    async with a_site(zoho) as site:
        await site.post(INITIALIZE, traceparent=f"00-{TRACE:032x}-b7ad6b7169203331-01")
        assert (await site.get("/metrics")).status_code == 404
    [span] = watch.spans("initialize")
    assert span.context is not None
    assert span.context.trace_id == TRACE


async def test_spans_log_lines_and_audit_lines_of_a_call_share_its_id(zoho: Zoho, watch: Watch, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    async with zoho.client(audit_file=str(file)) as client:
        await call(client, "create_customer", contact_name=NAME)
        await call(client, "list_taxes")
    audited = {json.loads(line)["call"] for line in file.read_text(encoding="utf-8").splitlines()}
    [created] = watch.spans("tools/call create_customer")
    assert audited == {attributes(created)["zoho.call"]}
    logged = {line["call"] for line in watch.log() if line.get("tool") == "create_customer"}
    sent = {line["call"] for line in watch.log() if line.get("route") == "/contacts"}
    assert logged == sent == audited
    assert len({line["call"] for line in watch.log()}) == 2


async def _everything_private(zoho: Zoho, client: Client) -> set[str]:
    """Calls that see private data come and go, and go wrong, in every way; what must be seen nowhere."""
    zoho.person.answer = types.ElicitResult(action="decline")
    if client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        zoho.person.answer = types.ErrorData(code=-1, message=f"{NAME} does not want to be asked")
    customer = (await call(client, "create_customer", contact_name=NAME, contact_persons=[{"email": MAIL}]))["customer"]
    invoice = (
        await call(
            client, "create_invoice", customer_id=customer["customer_id"], reference_number=SAID,
            line_items=[{"name": SAID, "rate": AMOUNT, "quantity": 1}],
        )
    )["invoice"]  # fmt: skip
    await call(client, "list_invoices", search_text=NAME)
    for tool, arguments in (
        ("get_invoice", {"invoice_id": "77777777777"}),
        ("get_invoice", {"invoice_id": MAIL}),
        ("create_customer", {"contact_name": NAME}),
        ("delete_invoice", {"invoice_id": invoice["invoice_id"]}),
    ):
        assert (await client.call_tool(tool, arguments)).is_error, tool
    for wrong in (f"tool of {NAME}", SAID):
        with pytest.raises(MCPError):
            await client.call_tool(wrong, {})
    with pytest.raises(MCPError):
        await client.read_resource(f"zoho-invoice://invoices/{NAME.split()[0]}")
    with pytest.raises(MCPError):
        await client.get_prompt(SAID)
    zoho.faults.add("POST /invoices:html:9", "GET /invoices:html:9")
    await client.call_tool(
        "create_invoice", {"customer_id": customer["customer_id"], "line_items": [{"name": SAID, "rate": AMOUNT}]}
    )
    tokens = {str(grant["token"]) for grant in zoho.store.shared.all("access_token")}
    secrets = {NAME, NAME.split()[0], MAIL, str(AMOUNT), SAID, "77777777777", *tokens}
    secrets |= {customer["customer_id"], invoice["invoice_id"], invoice["invoice_number"]}
    account = environment_for(URL)
    return secrets | {value for name, value in account.items() if not name.endswith("_URL")}


@pytest.mark.parametrize("era", ERAS)
async def test_nothing_private_is_in_a_span_a_metric_or_a_log_line(zoho: Zoho, watch: Watch, era: Era) -> None:
    async with zoho.client(era, confirm_fallback="refuse") as client:
        private = await _everything_private(zoho, client)
    settings = replace(zoho.settings, scopes=())
    async with Client(create_server(settings, load(), ZohoClient(settings, transport=Bug())), mode=era) as client:
        with pytest.raises(MCPError):
            await client.call_tool("list_invoices", {"search_text": NAME})
    shown = {"spans": "\n".join(span.to_json() for span in watch.spans()), "measures": watch.scraped(),
             "log": watch.lines.getvalue()}  # fmt: skip
    assert {line["outcome"] for line in watch.log() if "tool" in line} >= {"done", "not_found", "arguments", "failed"}
    assert [(word, where) for where, text in shown.items() for word in private if word in text] == []


async def test_an_error_in_the_log_is_one_line_with_its_origin_but_not_its_text(zoho: Zoho, watch: Watch) -> None:
    async with Client(create_server(zoho.settings, load(), ZohoClient(zoho.settings, transport=Bug()))) as client:
        with pytest.raises(MCPError):
            await client.call_tool("list_invoices", {})
    [told] = [line for line in watch.log() if line["level"] == "error"]
    assert (told["level"], told["message"], told["error"]["type"]) == ("error", "list_invoices failed", "RuntimeError")
    assert told["error"]["cause"]["type"] == "KeyError"
    assert any("test_telemetry" in frame and "handle_async_request" in frame for frame in told["error"]["frames"])


@pytest.mark.parametrize(
    ("logger", "message", "arguments", "shown"),
    [
        ("zoho_mcp.x", "two\nlines \u2028 %s", ("\ud800",), "two\nlines \u2028 \ud800"),
        ("zoho_mcp.x", "%d of %s", ("wrong",), "%d of %s"),
        ("asyncio", "Task exception was never retrieved\nfuture: KeyError('private')", (),
         "Task exception was never retrieved"),
    ],
)  # fmt: skip
def test_whatever_is_logged_becomes_one_line_of_json(
    logger: str, message: str, arguments: tuple[object, ...], shown: str
) -> None:
    record = logging.LogRecord(logger, logging.ERROR, "x.py", 1, message, arguments, None)
    record.fields = {"odd": object()}
    [line] = JsonLines().format(record).splitlines()
    assert json.loads(line)["message"] == shown


def test_groups_and_cycles_of_errors_are_one_line_too() -> None:
    loop = ValueError("private")
    loop.__cause__ = ExceptionGroup("private", [loop, KeyError("private")])
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", (), (ValueError, loop, None))
    line = JsonLines().format(record)
    assert json.loads(line)["error"]["cause"]["errors"][1]["type"] == "KeyError"
    assert "private" not in line


async def test_prometheus_reads_the_outcomes_of_calls(zoho: Zoho, watch: Watch) -> None:
    async with zoho.client() as client:
        invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]["invoice_id"]
        await call(client, "void_invoice", invoice_id=invoice)
        await client.call_tool("get_invoice", {"invoice_id": "404"})
        await client.call_tool("get_invoice", {"invoice_id": "x"})
        zoho.faults.add("POST /contacts:cut-after", "GET /contacts:status=500:9")
        await client.call_tool("create_customer", {"contact_name": reference()})
        zoho.person.answer = types.ElicitResult(action="decline")
        await client.call_tool("delete_invoice", {"invoice_id": invoice})
        with pytest.raises(MCPError):
            await client.call_tool("made_up", {})
    for tool, outcome in (("list_invoices", "done"), ("void_invoice", "done"), ("get_invoice", "not_found"),
                          ("get_invoice", "arguments"), ("create_customer", "unknown"), ("delete_invoice", "declined"),
                          ("void_invoice", "asked"), ("other", "protocol")):  # fmt: skip
        assert watch.counted("zoho_tool_duration_seconds_count", tool=tool, outcome=outcome) == 1, (tool, outcome)
    void = "/invoices/{invoice_id}/status/void"
    for method, route, status, code in (("POST", void, "200", "0"), ("POST", "/contacts", "none", "none"),
                                        ("POST", "/oauth/v2/token", "200", "0"),
                                        ("GET", "/invoices/{invoice_id}", "404", "1002")):  # fmt: skip
        labels = {"method": method, "route": route, "status": status, "code": code}
        assert watch.counted("zoho_request_duration_seconds_count", **labels) == 1, labels
    assert watch.counted("zoho_token_refreshes_total", outcome="done") == 1
    for outcome in ("approved", "declined"):
        assert watch.counted("zoho_approvals_total", way="elicitation", outcome=outcome) == 1
    assert watch.counted("zoho_approvals_total", way="elicitation", outcome="asked") == 2
    assert 99_000 < watch.samples()["zoho_day_remaining", frozenset()] < 100_000


async def test_a_token_that_is_refused_is_counted_as_such(zoho: Zoho, watch: Watch) -> None:
    settings = from_environment(environment_for(URL) | {"ZOHO_REFRESH_TOKEN": "1000.wrong"})
    async with Client(
        create_server(settings, load(), ZohoClient(settings, transport=httpx.ASGITransport(zoho.app)))
    ) as client:
        await client.call_tool("list_taxes", {})
        await client.call_tool("list_taxes", {})
    assert watch.counted("zoho_token_refreshes_total", outcome="auth") == 1


async def test_labels_have_only_values_of_our_own(zoho: Zoho, watch: Watch) -> None:
    catalog = load()
    async with zoho.client(confirm_fallback="refuse") as client:
        await _everything_private(zoho, client)
    with trace_request("GET", "", zoho.seconds) as seen:
        seen.status = 299
    allowed = {
        "tool": {*catalog.operations, "other"},
        "outcome": {"done", "asked", "arguments", "declined", "audit", "auth", "not_found", "rejected", "limited",
                    "unavailable", "unknown", "protocol", "failed", "cancelled", "approved"},
        "way": {"elicitation", "page", "token"},
        "method": {"GET", "POST", "PUT", "DELETE"},
        "route": {operation.http.path.partition("?")[0] for operation in catalog.operations.values()}
        | {"/oauth/v2/token", "/oauth/v2/token/revoke", "/invoices/fromestimates", "other"},
        "code": {*map(str, KNOWN_CODES), "none", "other"},
    }  # fmt: skip
    found = {label for _, labels in watch.samples() for label in labels}
    assert [label for label in found if label[0] in allowed and label[1] not in allowed[label[0]]] == []
    assert {name for name, _ in found} <= {*allowed, "status", "le"}
    assert ("status", "other") in found
    assert {span.name.partition(" ")[0] for span in watch.spans()} <= {
        *METHODS,
        "other",
        "GET",
        "POST",
        "PUT",
        "DELETE",
    }


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9464", "192.0.2.1", "127.0.0.1.evil.example", "", "@", "[", "[::1", "a]"]
)
async def test_the_port_for_prometheus_answers_under_no_other_name(watch: Watch, host: str) -> None:
    status, text = get(watch.port, host=host)
    assert (status, "zoho_" in text) == (403, False)


async def test_a_hang_up_on_the_port_for_prometheus_is_not_logged(
    watch: Watch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", watch.port)) as rude:
        rude.sendall(b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        # Closing now resets the connection.
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with socket.create_connection(("127.0.0.1", watch.port)) as stranger:
        stranger.sendall(b"\x16\x03\x01 NONSENSE\r\n\r\n")
        assert b"Error" in stranger.recv(100)
    assert get(watch.port)[0] == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("path", ["/", "/mcp", "/metrics/", "/metrics/x", "http://evil.example/metrics"])
async def test_the_port_for_prometheus_has_one_page(watch: Watch, path: str) -> None:
    status, text = get(watch.port, path)
    assert status in (403, 404)
    assert "zoho_" not in text


@pytest.mark.parametrize(
    ("given", "address"),
    [("9464", ("127.0.0.1", 9464)), ("0.0.0.0:9464", ("0.0.0.0", 9464)), ("[::1]:9464", ("::1", 9464)), ("", None)],
)
async def test_a_port_alone_is_bound_on_this_machine_only(given: str, address: tuple[str, int] | None) -> None:
    assert from_environment(environment_for(URL) | {"ZOHO_METRICS": given}).metrics == address


@pytest.mark.parametrize("given", ["x", "70000", "0", "host:", "a b:1", "http://127.0.0.1:9464"])
async def test_an_invalid_port_stops_the_start(given: str) -> None:
    with pytest.raises(SettingsError, match="ZOHO_METRICS"):
        from_environment(environment_for(URL) | {"ZOHO_METRICS": given})
