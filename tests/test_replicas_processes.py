"""Three real servers over HTTP behind one address, a real Redis, a served sandbox; any of them is killed meanwhile."""

import re
import subprocess
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import mcp_types as types
import pytest
from approving import serving
from conftest import Person, call, kind_of, text_of
from machine import COMMAND, free_port, plain
from mcp import Client
from redis_server import RedisServer, needs_redis, redis_server
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

__all__ = ["redis_server"]
pytestmark = [pytest.mark.anyio, needs_redis, pytest.mark.processes, pytest.mark.replicas]
NO = types.ElicitResult(action="decline")
OWN_HEADERS = ("host", "content-length", "connection", "transfer-encoding")


@dataclass
class Process:
    """A server on a machine of its own: nothing but Redis connects it with the others."""

    home: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.home.mkdir(exist_ok=True)
        own = {"HOME": str(self.home), "XDG_STATE_HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home)}
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--http", f"127.0.0.1:{self.port}"], env=plain() | self.environment | own, stderr=log
            )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        return (self.home / "log").read_text(encoding="utf-8")


@dataclass
class Team:
    """The servers, and a load balancer that sends each request to the next one."""

    zoho: str
    servers: list[Process]
    served: int = 0
    tried: Counter[int] = field(default_factory=Counter[int])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        request = Request(scope, receive)
        body = await request.body()
        headers = {name: value for name, value in request.headers.items() if name not in OWN_HEADERS}
        self.served += 1
        server = self.servers[self.served % len(self.servers)]
        self.tried[server.port] += 1
        async with httpx.AsyncClient(verify=False, timeout=60) as http:
            url = f"http://127.0.0.1:{server.port}{request.url.path}"
            try:
                answer = await http.send(
                    http.build_request(request.method, url, content=body, headers=headers), stream=True
                )
                await self._pass_on(answer, scope, receive, send)
            except httpx.HTTPError as problem:
                await Response(f"{type(problem).__name__}", 502)(scope, receive, send)

    async def _pass_on(self, answer: httpx.Response, scope: Scope, receive: Receive, send: Send) -> None:
        kept = {name: value for name, value in answer.headers.items() if name not in OWN_HEADERS}
        started = False

        async def noting(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await StreamingResponse(answer.aiter_raw(), answer.status_code, kept)(scope, receive, noting)
        except* (httpx.HTTPError, ClientDisconnect, OSError):
            if not started:
                await Response("broken", 502)(scope, receive, send)
        finally:
            await answer.aclose()

    async def up(self) -> None:
        """Until all of them answer."""
        async with httpx.AsyncClient(verify=False) as http:
            for server in self.servers:
                with anyio.fail_after(40):
                    while True:
                        try:
                            if (await http.get(f"http://127.0.0.1:{server.port}/readyz")).status_code == 200:
                                break
                        except httpx.HTTPError:
                            await anyio.sleep(0.1)

    async def control(self, **wanted: Any) -> dict[str, Any]:
        async with httpx.AsyncClient(verify=False) as http:
            return (await http.post(f"{self.zoho}/sandbox/faults", json=wanted)).json()

    async def invoices(self) -> Counter[str]:
        """Reference numbers of all invoices in the books, read around everything that is tested."""
        found: Counter[str] = Counter()
        environment = {"grant_type": "refresh_token", **self.account()}
        async with httpx.AsyncClient(verify=False) as http:
            answer = (await http.post(f"{self.zoho}/oauth/v2/token", data=environment)).json()
            headers = {"Authorization": f"Zoho-oauthtoken {answer['access_token']}"}
            for page in (1, 2, 3):
                query = {"organization_id": self.servers[0].environment["ZOHO_ORGANIZATION_ID"], "page": page}
                got = await http.get(f"{self.zoho}/invoice/v3/invoices", params=query, headers=headers)
                found.update(row["reference_number"] for row in got.json()["invoices"])
        return found

    def account(self) -> dict[str, str]:
        names = ("client_id", "client_secret", "refresh_token")
        return {name: self.servers[0].environment[f"ZOHO_{name.upper()}"] for name in names}


@contextmanager
def sandbox(folder: Path) -> Generator[dict[str, str]]:
    """Zoho for all of them; the settings that point at it."""
    command = [*COMMAND, "sandbox", "--file", str(folder / "books.db"), "--control", "--limits", "100,10000,10"]
    with subprocess.Popen(command, env=plain(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(6)]
            yield {found[1]: found[2] for line in lines if (found := re.fullmatch(r"export (\w+)=(\S+)\n", line))}
        finally:
            process.kill()  # it need not finish what it was made to do slowly


@asynccontextmanager
async def team(folder: Path, redis: RedisServer, **more: str) -> AsyncGenerator[tuple[Team, str]]:
    """Three servers, and the address they are behind."""
    with sandbox(folder) as account:
        environment = account | {"ZOHO_REDIS_URL": redis.url, "ZOHO_PLAN": "premium"} | more
        servers = [Process(folder / f"host{number}", environment) for number in range(3)]
        found = Team(account["ZOHO_API_URL"], servers)
        try:
            for server in servers:
                server.start()
            await found.up()
            async with serving(found, lifespan="off") as address:
                yield found, f"{address}/mcp"
        finally:
            for server in servers:
                server.kill()


async def customer_of(client: Client) -> str:
    return (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]


def invoice(customer: str, reference: str) -> dict[str, Any]:
    lines = [{"name": "Logo", "rate": 450, "quantity": 1}]
    return {"customer_id": customer, "reference_number": reference, "line_items": lines, "send": False}


async def test_three_servers_behind_one_address_are_as_one(tmp_path: Path, redis_server: RedisServer) -> None:
    person = Person(reads=1.2)
    async with team(tmp_path, redis_server) as (found, url):
        assert (await found.control())["token_requests"] == 1
        with anyio.fail_after(60):
            async with Client(url, mode="2026-07-28", elicitation_callback=person.elicit) as client:
                customer = await customer_of(client)
                made = (await call(client, "create_invoice", **invoice(customer, "one")))["invoice"]
                await call(client, "mark_invoice_sent", invoice_id=made["invoice_id"])
                async with client.listen(
                    resource_subscriptions=[f"zoho-invoice://invoices/{made['invoice_id']}"]
                ) as told:
                    await call(client, "void_invoice", invoice_id=made["invoice_id"])
                    [question] = person.questions
                    assert made["invoice_number"] in question
                    await anext(aiter(told))
                person.answer = NO
                again = await client.call_tool("create_invoice", invoice(customer, "one"))
                assert again.is_error
                assert made["invoice_number"] in text_of(again)
        assert len(found.tried) == 3
        assert (await found.invoices())["one"] == 1
        assert (await found.control())["codes"].keys() == {"0"}


async def test_what_a_killed_server_was_doing_is_found_done_and_not_done_again(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    person = Person(answer=NO, reads=1.2)
    async with team(tmp_path, redis_server) as (found, url), Client(url, mode="2026-07-28") as client:
        customer = await customer_of(client)
        await found.control(rules=["POST /invoices:late=30"])

        async def doomed() -> None:
            with pytest.raises(Exception, match=r".*"):
                async with Client(f"http://127.0.0.1:{found.servers[0].port}/mcp", mode="2026-07-28") as own:
                    await own.call_tool("create_invoice", invoice(customer, "doomed"))

        async with anyio.create_task_group() as group:
            group.start_soon(doomed)
            with anyio.fail_after(20):
                while not (await found.control())["hits"]:
                    await anyio.sleep(0.05)
            found.servers[0].kill()
        del found.servers[0]
        with anyio.fail_after(60):
            async with Client(url, mode="2026-07-28", elicitation_callback=person.elicit) as other:
                again = await other.call_tool("create_invoice", invoice(customer, "doomed"))
        assert kind_of(again) == "declined"
        assert (await found.invoices())["doomed"] == 1


@pytest.mark.parametrize("victim", ["a server", "redis"])
async def test_whatever_is_killed_nothing_is_lost_and_nothing_done_twice(
    tmp_path: Path, redis_server: RedisServer, victim: str
) -> None:
    """Six clients write an invoice each, again and again; each says it again where it heard nothing good."""
    done: set[str] = set()
    asked: set[str] = set()
    async with team(tmp_path, redis_server) as (found, url):
        async with Client(url, mode="2026-07-28") as client:
            customer = await customer_of(client)

        async def write(name: str) -> None:
            asked.add(name)
            for _ in range(8):
                try:
                    with anyio.fail_after(40):
                        async with Client(
                            url, mode="2026-07-28", elicitation_callback=Person(NO, reads=1.2).elicit
                        ) as client:
                            result = await client.call_tool("create_invoice", invoice(customer, name))
                except Exception:  # the connection broke
                    continue
                if kind_of(result) in ("", "declined"):
                    done.add(name)
                    return
                await anyio.sleep(0.5)  # what is refused is said again, a little later

        async def work(worker: int) -> None:
            for number in range(5):
                await write(f"{worker}-{number}")

        async def trouble() -> None:
            with anyio.fail_after(60):
                while len(done) < 6:
                    await anyio.sleep(0.02)
            if victim == "redis":
                redis_server.kill()
                redis_server.start()
            else:
                found.servers[1].kill()
                found.servers[1].start()

        with anyio.fail_after(200):
            async with anyio.create_task_group() as group:
                group.start_soon(trouble)
                for worker in range(6):
                    group.start_soon(work, worker)
        written = await found.invoices()
        codes = (await found.control())["codes"]
    assert {name: count for name, count in written.items() if count > 1 and name in asked} == {}
    assert done <= set(written)
    assert len(done) > 15
    assert codes.keys() == {"0"}, "the limits were kept"
