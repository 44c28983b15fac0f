"""The sandbox fails on purpose: as its rules say, in process and over a real connection, and no more often."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import anyio
import httpx
import pytest
from conftest import Zoho, call, kind_of, text_of

from zoho_mcp.cli.local_sandbox import environment_for
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.fault_responses import KINDS
from zoho_mcp.sandbox.faults import parse

pytestmark = pytest.mark.anyio
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("ZOHO_")}
CHECKOUT = Path(__file__).parent.parent
NEVER_DONE = {"status", "code", "cut-before", "redirect"}


@pytest.mark.parametrize(
    "rule",
    [
        "POST /invoices:cut-after:3",
        "* /invoices*:status=503:1",
        "GET *:delay=0.5:*",
        "* *:half:10%",
        "POST /oauth/v2/token:status=500:2",
    ],
)
def test_a_rule_is_written_as_it_is_read(rule: str) -> None:
    assert str(parse(rule)) == rule


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("POST /invoices:explode", "status, status-after"),
        ("/invoices:status", "status=503"),
        ("/invoices:half=3", "half"),
        ("/invoices:half:often", "TIMES"),
        ("invoices:half", "PATH"),
        ("", "status, status-after"),
    ],
)
def test_a_wrong_rule_is_told_what_is_wrong(rule: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        parse(rule)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"revoke"}))
async def test_a_fault_does_what_it_says_and_only_as_often(zoho: Zoho, kind: str) -> None:
    async def soon(seconds: float) -> None: ...

    zoho.faults.sleep = soon
    zoho.faults.add(f"POST /contacts:{kind}{'=' * bool(KINDS[kind].example)}{KINDS[kind].example}:2")
    async with zoho.client() as client:
        for number in range(3):
            await client.call_tool("create_customer", {"contact_name": f"Customer {number}"})
        names = {row["contact_name"] for row in (await call(client, "list_customers"))["customers"]}
    assert zoho.faults.hits[kind] == 2
    assert [number for number in range(3) if f"Customer {number}" in names][-1] == 2
    created = zoho.changes().count("POST /invoice/v3/contacts")
    if kind in NEVER_DONE:
        # A refusal for too many at once is the only one of these after which a write may be sent again.
        assert created == (3 if kind == "code" else 1)
    else:
        assert len([name for name in names if name.startswith("Customer ")]) == 3


async def test_a_revoked_token_is_renewed_and_the_call_works(zoho: Zoho) -> None:
    async with zoho.client() as client:
        await call(client, "list_customers")
        zoho.faults.add("GET /invoices:revoke")
        await call(client, "list_invoices")
    assert [request.path for request in zoho.app.state.request_log].count("/oauth/v2/token") == 2


async def test_limits_can_be_set_low(zoho: Zoho) -> None:
    zoho.faults.add("GET /contacts:code=44")
    async with zoho.client() as client:
        result = await client.call_tool("list_customers", {})
        assert kind_of(result) == "limited"
        assert "60 seconds" in text_of(result)


@pytest.mark.parametrize("hours", [-2, 2])
async def test_a_sandbox_whose_clock_is_wrong_still_works(zoho: Zoho, hours: int) -> None:
    async with zoho.client() as client:
        await call(client, "list_customers")
        zoho.faults.skew = timedelta(hours=hours)
        await call(client, "list_customers")


async def test_there_is_no_control_path_unless_it_is_asked_for(zoho: Zoho) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(zoho.app), base_url="http://sandbox") as http:
        assert (await http.post("/sandbox/faults", json={"rules": ["*:half"]})).status_code == 404
    assert zoho.faults.rules == []


@asynccontextmanager
async def served(*options: str) -> AsyncGenerator[str]:
    """The address of a sandbox process."""
    command = [sys.executable, "-m", "zoho_mcp.cli.main", "sandbox", *options]
    environment = PLAIN | {"PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().partition("=")[2].strip()
        finally:
            process.terminate()
            _, complaints = process.communicate()
    assert "Traceback" not in complaints


@pytest.mark.processes
async def test_over_a_real_connection_a_cut_is_a_cut() -> None:
    options = ["--control", "--fault", "POST /contacts:cut-after", "--limits", "500,5000,5"]
    async with served(*options) as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        await log_in(http)
        for kind in ("cut-after", "cut-before", "half"):
            if kind != "cut-after":
                await http.post("/sandbox/faults", json={"rules": [f"POST /contacts:{kind}"]})
            with anyio.fail_after(20), pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await http.post("/invoice/v3/contacts", json={"contact_name": kind})
        listed = (await http.get("/invoice/v3/contacts")).json()["contacts"]
        assert {"cut-after", "half"} <= {row["contact_name"] for row in listed}
        assert "cut-before" not in {row["contact_name"] for row in listed}
        state = (await http.get("/sandbox/faults")).json()
        assert state["hits"] == {"cut-after": 1, "cut-before": 1, "half": 1}
        assert (state["rules"], state["token_requests"]) == ([], 1)


@pytest.mark.processes
async def test_the_control_path_sets_shows_and_clears() -> None:
    async with served("--control") as url, httpx.AsyncClient(base_url=url, timeout=10) as http:
        await log_in(http)
        wanted = {"rules": ["GET /contacts:status=503:*"], "skew": 60, "limits": [5, 5, 1]}
        assert (await http.post("/sandbox/faults", json=wanted)).json()["rules"] == ["GET /contacts:status=503:*"]
        assert (await http.get("/invoice/v3/contacts")).status_code == 503
        assert (await http.post("/sandbox/faults", json={"rules": ["GET /contacts:boom"]})).status_code == 400
        await http.delete("/sandbox/faults")
        answer = await http.get("/invoice/v3/contacts")
        assert answer.headers["x-rate-limit-limit"] == "5"
        for _ in range(4):
            await http.get("/invoice/v3/contacts")
        assert (await http.get("/invoice/v3/contacts")).json()["code"] == 45


async def log_in(http: httpx.AsyncClient) -> None:
    form = {"grant_type": "refresh_token", **environment()}
    token = (await http.post("/oauth/v2/token", data=form)).json()["access_token"]
    http.headers["Authorization"] = f"Zoho-oauthtoken {token}"
    http.params = httpx.QueryParams({"organization_id": CREDENTIALS.organization_id})


def environment() -> dict[str, str]:
    found = environment_for("")
    return {name: found[f"ZOHO_{name.upper()}"] for name in ("client_id", "client_secret", "refresh_token")}


@pytest.mark.processes
@pytest.mark.parametrize(
    ("options", "says"),
    [(["--fault", "/x:boom"], "boom"), (["--limits", "1,2"], "--limits")],
)
def test_wrong_options_end_the_start_with_status_2(options: list[str], says: str) -> None:
    command = [sys.executable, "-m", "zoho_mcp.cli.main", "sandbox", *options]
    result = subprocess.run(command, env=PLAIN, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert says in result.stderr


def test_the_kinds_are_documented() -> None:
    page = (CHECKOUT / "docs" / "limits.md").read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        shown = f"{name}={kind.example}" if kind.example else name
        assert f"| `{shown}` | {kind.meaning} |" in page
