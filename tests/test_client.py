"""What is tried again and what never, and answers that nobody should send: each a clear error, in time, in bounds."""

import gzip
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from conftest import Time

from zoho_mcp.errors import LimitedError, OutcomeUnknownError, UnavailableError, ZohoMcpError
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.request import Request

pytestmark = pytest.mark.anyio
READ = Request("GET", "/invoices", scope="invoices.READ", rows_in="invoices")
RECORD = Request("GET", "/invoices/1", scope="invoices.READ", record_in="invoice")
WRITE = Request("POST", "/invoices", body={"customer_id": "1"}, scope="invoices.CREATE", record_in="invoice")
FINE: dict[str, Any] = {
    "code": 0, "message": "success", "invoices": [],
    "page_context": {"page": 1, "per_page": 200, "has_more_page": False},
}  # fmt: skip
Answer = httpx.Response | Exception
JSON = {"content-type": "application/json"}


def settings() -> Settings:
    account = {
        "ZOHO_CLIENT_ID": "1",
        "ZOHO_CLIENT_SECRET": "s",
        "ZOHO_REFRESH_TOKEN": "r",
        "ZOHO_ORGANIZATION_ID": "10",
    }
    return from_environment(account)


class Zoho(httpx.AsyncBaseTransport):
    """Gives its answers one after the other, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers: list[Answer] = list(answers)
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        await request.aread()
        if request.url.path == "/oauth/v2/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        self.sent.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(zoho: httpx.AsyncBaseTransport, time: Time | None = None, **more: Any) -> ZohoClient:
    time = time or Time()
    return ZohoClient(settings(), transport=zoho, clock=time, sleep=time.sleep, **more)


def refused(code: int, **headers: str) -> httpx.Response:
    return httpx.Response(429, json={"code": code, "message": "blocked"}, headers=headers)


def page(status: int) -> httpx.Response:
    return httpx.Response(status, html="<html>Bad gateway</html>")


PASSING: dict[str, Callable[[], Answer]] = {
    "502": lambda: page(502),
    "503": lambda: page(503),
    "504": lambda: page(504),
    "refused": lambda: httpx.ConnectError("refused"),
    "broken": lambda: httpx.ReadError("broken"),
    "closed": lambda: httpx.RemoteProtocolError("closed"),
    "too many at once": lambda: refused(1070),
    "an unknown limit": lambda: refused(9),
}
SAFE_FOR_WRITES = {"refused", "too many at once", "an unknown limit"}


@pytest.mark.parametrize("failure", PASSING)
async def test_a_read_is_tried_three_times_with_growing_pauses(failure: str) -> None:
    time, zoho = Time(), Zoho(*(PASSING[failure]() for _ in range(3)))
    with pytest.raises(ZohoMcpError) as caught:
        await client(zoho, time).send(READ)
    assert len(zoho.sent) == 3
    assert len(time.slept) == 2
    assert 0.5 <= time.slept[0] <= 1.0 <= time.slept[1] <= 2.0
    assert caught.value.kind in ("unavailable", "limited")


@pytest.mark.parametrize("failure", PASSING)
async def test_a_read_works_after_a_passing_failure(failure: str) -> None:
    zoho = Zoho(PASSING[failure](), httpx.Response(200, json=FINE))
    assert await client(zoho).send(READ) == FINE


@pytest.mark.parametrize("failure", PASSING)
async def test_a_write_is_sent_again_only_if_it_cannot_have_arrived_or_was_refused(failure: str) -> None:
    zoho = Zoho(PASSING[failure](), httpx.Response(201, json=FINE))
    if failure in SAFE_FOR_WRITES:
        assert await client(zoho).send(WRITE) == FINE
        assert len(zoho.sent) == 2
    else:
        with pytest.raises(OutcomeUnknownError, match="POST /invoices"):
            await client(zoho).send(WRITE)
        assert len(zoho.sent) == 1


@pytest.mark.parametrize("status", [400, 404, 500, 200])
async def test_a_refusal_is_not_tried_again(status: int) -> None:
    zoho = Zoho(httpx.Response(status, json={"code": 1002, "message": "No."}))
    for request in (READ, WRITE):
        with pytest.raises(ZohoMcpError):
            await client(zoho).send(request)
    assert len(zoho.sent) == 2


@pytest.mark.parametrize("request_", [READ, WRITE])
async def test_the_minute_is_not_waited_for_and_its_end_is_told(request_: Request) -> None:
    time, zoho = Time(), Zoho(refused(44))
    shared = client(zoho, time)
    for _ in range(2):
        with pytest.raises(LimitedError, match="60 seconds") as caught:
            await shared.send(request_)
        assert caught.value.code == 44
    assert len(zoho.sent) == 1, "the second one knows already"
    assert time.slept == []


async def test_the_day_is_not_asked_for_again_before_it_ends() -> None:
    time = Time()
    told = {"x-rate-limit-limit": "1000", "x-rate-limit-remaining": "0", "x-rate-limit-reset": "27200"}
    zoho = Zoho(refused(45, **told), httpx.Response(200, json=FINE))
    shared = client(zoho, time)
    for _ in range(2):
        with pytest.raises(LimitedError, match=r"7 hours 34 minutes\b.*\b2026-05-29 00:00:00 UTC-04:00") as caught:
            await shared.send(READ)
        assert caught.value.code == 45
    assert len(zoho.sent) == 1
    time.now += 27_201
    assert await shared.send(READ) == FINE


async def test_retry_after_is_obeyed_while_there_is_patience() -> None:
    time, zoho = Time(), Zoho(refused(1070, **{"retry-after": "7"}), httpx.Response(200, json=FINE))
    assert await client(zoho, time).send(READ) == FINE
    assert time.slept == [7.0]
    impatient = Zoho(refused(1070, **{"retry-after": "300"}), httpx.Response(200, json=FINE))
    with pytest.raises(LimitedError):
        await client(impatient).send(READ)
    assert len(impatient.sent) == 1


async def test_the_retry_after_a_401_counts_against_the_limits_too() -> None:
    zoho = Zoho(httpx.Response(401, json={"code": 57, "message": "no"}), httpx.Response(200, json=FINE))
    shared = client(zoho)
    await shared.send(READ)
    assert (await shared.limiter.today("10")).remaining == 998


class Body(httpx.AsyncByteStream):
    """Comes piece by piece, and counts what was taken of it."""

    def __init__(self, *pieces: bytes, times: int = 1, stuck: bool = False) -> None:
        self.pieces = pieces * times
        self.stuck = stuck
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += len(piece)
            yield piece
        if self.stuck:
            await anyio.sleep_forever()

    async def aclose(self) -> None:
        self.closed = True


def packed(megabytes: int) -> bytes:
    return gzip.compress(b" " * megabytes * 1_000_000)


HOSTILE: dict[str, Callable[[], httpx.Response]] = {
    "50 MB": lambda: httpx.Response(200, headers=JSON, stream=Body(b" " * 1_000_000, times=50)),
    "50 MB of JSON": lambda: httpx.Response(200, headers=JSON, content=b'{"code":0,"x":"' + b"x" * 9_000_000 + b'"}'),
    "no gzip": lambda: httpx.Response(200, headers={**JSON, "content-encoding": "gzip"}, stream=Body(b"nonsense")),
    "half a gzip": lambda: httpx.Response(
        200, headers={**JSON, "content-encoding": "gzip"}, stream=Body(packed(1)[:-20])
    ),
    "packed twice": lambda: httpx.Response(
        200, headers={**JSON, "content-encoding": "gzip, gzip"}, stream=Body(gzip.compress(packed(1)))
    ),
    "another packing": lambda: httpx.Response(200, headers={**JSON, "content-encoding": "br"}, stream=Body(b"x")),
    "nested": lambda: httpx.Response(200, headers=JSON, content=b'{"code":0,"x":' + b"[" * 100_000 + b"]" * 100_000),
    "nested a little": lambda: httpx.Response(
        200, headers=JSON, content=b'{"code":0,"x":' + b"[" * 100 + b"]" * 100 + b"}"
    ),
    "no UTF-8": lambda: httpx.Response(200, headers=JSON, content=b'{"code":0,"message":"\xff\xfe\xff"}'),
    "a key twice": lambda: httpx.Response(200, headers=JSON, content=b'{"code":0,"code":0,"message":"success"}'),
    "an amount twice": lambda: httpx.Response(
        200, headers=JSON, content=b'{"code":0,"invoice":{"total":1,"total":1000}}'
    ),
    "no number": lambda: httpx.Response(200, headers=JSON, content=b'{"code":0,"invoice":{"total":NaN}}'),
    "a tiny number": lambda: httpx.Response(200, headers=JSON, content=b'{"code":0,"invoice":{"total":1e-50}}'),
    "a huge number": lambda: httpx.Response(200, headers=JSON, content=b'{"code":0,"invoice":{"total":1e999999999}}'),
    "a huge whole number": lambda: httpx.Response(
        200, headers=JSON, content=b'{"code":0,"total":' + b"9" * 10_000 + b"}"
    ),
    "HTML": lambda: page(200),
    "nothing": lambda: httpx.Response(200),
    "half": lambda: httpx.Response(200, headers=JSON, content=b'{"code":0,"invoice":{"invo'),
    "another host": lambda: httpx.Response(302, headers={"location": "https://evil.example/steal"}),
    "another host, for good": lambda: httpx.Response(308, headers={"location": "https://evil.example/steal"}),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_answer_is_a_clear_error_in_bounds(kind: str) -> None:
    answer = HOSTILE[kind]()
    zoho = Zoho(answer)
    tracemalloc.start()
    with anyio.fail_after(10), pytest.raises(UnavailableError) as caught:
        await client(zoho).send(READ)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000_000
    assert len(str(caught.value)) < 500
    assert {request.url.host for request in zoho.sent} == {"www.zohoapis.com"}
    with pytest.raises(OutcomeUnknownError):
        await client(Zoho(HOSTILE[kind]())).send(WRITE)


async def test_an_answer_too_long_is_not_read_to_its_end() -> None:
    body = Body(b" " * 1_000_000, times=1000)
    with pytest.raises(UnavailableError):
        await client(Zoho(httpx.Response(200, stream=body))).send(READ)
    assert body.taken <= 22_000_000
    assert body.closed


async def test_a_packed_answer_is_unpacked() -> None:
    text = b'{"code":0,"message":"success","invoices":[]}'
    stream = Body(*(bytes([byte]) for byte in gzip.compress(text)))
    answer = httpx.Response(200, headers={**JSON, "content-encoding": "gzip"}, stream=stream)
    zoho = Zoho(answer)
    assert await client(zoho).send(READ) == {**FINE, "invoices": []}
    assert "gzip" in zoho.sent[0].headers["accept-encoding"]


@pytest.mark.parametrize(("request_", "error"), [(READ, UnavailableError), (WRITE, OutcomeUnknownError)])
async def test_an_answer_that_drips_ends_in_time(request_: Request, error: type[ZohoMcpError]) -> None:
    body = Body(b'{"code":0,', stuck=True)
    with anyio.fail_after(10), pytest.raises(error) as caught:
        await client(Zoho(httpx.Response(200, stream=body)), answer_within=0.02).send(request_)
    assert body.closed
    assert "Timeout" in str(caught.value)


@pytest.mark.parametrize(
    "envelope",
    [
        {"code": 0, "invoice": "none"},
        {"code": 0, "invoice": None},
        {"code": 0, "invoice": [1]},
        {"code": 0},
    ],
)
async def test_an_answer_without_the_record_that_was_asked_for_is_no_answer(envelope: Any) -> None:
    with pytest.raises(UnavailableError):
        await client(Zoho(httpx.Response(200, json=envelope))).send(RECORD)


@pytest.mark.parametrize("rows", [3, {"a": 1}, ["x"], [{"a": 1}, None]])
async def test_rows_that_are_no_records_are_no_answer(rows: Any) -> None:
    with pytest.raises(UnavailableError):
        await client(Zoho(httpx.Response(200, json={"code": 0, "invoices": rows}))).send(READ)


async def test_a_change_that_says_it_happened_has_happened_whatever_it_shows() -> None:
    assert await client(Zoho(httpx.Response(201, json=FINE))).send(WRITE) == FINE


async def test_a_code_that_is_text_is_read_all_the_same() -> None:
    assert await client(Zoho(httpx.Response(200, json={"code": "0", "invoices": []}))).send(READ)
    with pytest.raises(ZohoMcpError) as caught:
        await client(Zoho(httpx.Response(200, json={"code": "1002", "message": "no"}))).send(READ)
    assert (caught.value.kind, caught.value.code) == ("not_found", 1002)


async def test_words_of_zohos_are_quoted_on_one_line_and_cut() -> None:
    answer = httpx.Response(400, json={"code": 2, "message": "line\n" * 100_000})
    with pytest.raises(ZohoMcpError) as caught:
        await client(Zoho(answer)).send(WRITE)
    assert len(str(caught.value)) < 800
    assert "\n" not in str(caught.value)


async def test_a_server_keeps_going_after_hostile_answers() -> None:
    zoho = Zoho(*(HOSTILE[kind]() for kind in HOSTILE), httpx.Response(200, json=FINE))
    shared = client(zoho)
    for _ in HOSTILE:
        with pytest.raises(UnavailableError):
            await shared.send(READ)
    assert await shared.send(READ) == FINE


async def test_how_far_zohos_clock_is_ahead_is_learned_from_its_answers() -> None:
    zoho = Zoho(httpx.Response(200, json=FINE, headers={"date": "Thu, 28 May 2026 20:36:40 GMT"}))
    shared = client(zoho)
    await shared.send(READ)
    assert shared.skew == 600
    zoho.answers[:] = [httpx.Response(200, json=FINE, headers={"date": "yesterday"})]
    await shared.send(READ)
    assert shared.skew == 600
