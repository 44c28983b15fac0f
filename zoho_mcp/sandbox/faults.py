"""Makes the sandbox fail on purpose: a rule says which requests, how, and how often.

A rule is written `[METHOD ]PATH:KIND[=VALUE][:TIMES]`, for example `POST /invoices:cut-after:3`. PATH is below the
product's base and may hold `*`; TIMES is a number, `*` for always, or a chance such as `10%`; left out, it is 1.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from zoho_mcp.sandbox.fault_responses import KINDS, Message

_BASE = re.compile(r"/(invoice|books)/v3(?=/)")
_TIMES = re.compile(r"(\d+)|(\d+(?:\.\d+)?)%|\*")


class ConnectionCutError(Exception):
    """The connection must break here. The server of the app has to do it: ASGI has no message for it."""


@dataclass
class Rule:
    """Which requests fail, how, and how many more times (None: always)."""

    method: str
    path: str
    kind: str
    value: str = ""
    left: int | None = 1
    chance: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        """Whether the rule applies to a request: to the token endpoint only if named, to the control path never."""
        if self.left == 0 or path.startswith("/sandbox/") or self.method not in ("*", method):
            return False
        return fnmatchcase(path, self.path) and (not path.startswith("/oauth") or self.path.startswith("/oauth"))

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        times = f"{self.chance:.0%}" if self.chance < 1 else "*" if self.left is None else str(self.left)
        return f"{self.method} {self.path}:{self.kind}{value}:{times}"


def parse(text: str) -> Rule:
    """A rule from its text. Raises ValueError saying what is wrong with it."""
    where, _, how = text.strip().partition(":")
    fault, _, often = how.partition(":")
    method, _, path = where.strip().rpartition(" ")
    kind, _, value = fault.partition("=")
    if kind not in KINDS:
        raise ValueError(f"{text}: {kind or 'nothing'} is no kind of fault; there are {', '.join(KINDS)}")
    times = _TIMES.fullmatch(often or "1")
    if times is None or not path.startswith(("/", "*")):
        raise ValueError(f"{text}: a rule is [METHOD ]PATH:KIND[=VALUE][:TIMES], e.g. POST /invoices:cut-after:3")
    if not re.fullmatch(KINDS[kind].value, value):
        raise ValueError(f"{text}: {kind} takes a value like {kind}={KINDS[kind].example}" if KINDS[kind].example else
                         f"{text}: {kind} takes no value")  # fmt: skip
    left = int(times[1]) if times[1] else None
    chance = float(times[2]) / 100 if times[2] else 1.0
    return Rule(method.strip().upper() or "*", path, kind, value, left, chance)


class Faults:
    """The rules of one app, and the clock that they can set wrong."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        revoke: Callable[[], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.rules: list[Rule] = []
        self.skew = timedelta()
        self.hits: Counter[str] = Counter()
        self.revoke = revoke
        self.sleep = sleep
        self._clock = clock
        self._chance = chance

    def clock(self) -> datetime:
        """The time as the app sees it."""
        return self._clock() + self.skew

    def add(self, *rules: str) -> None:
        """Add rules; of several that fit a request, the first counts."""
        self.rules += [parse(rule) for rule in rules]

    def clear(self) -> None:
        """Remove all rules and set the right time."""
        self.rules.clear()
        self.skew = timedelta()

    async def respond(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with `app`, or with the fault whose turn it is. Raises ConnectionCutError."""
        rule = self._rule(scope) if scope["type"] == "http" and self.rules else None
        if rule is None:
            await app(scope, receive, send)
            return
        self.hits[rule.kind] += 1
        kind = KINDS[rule.kind]
        if rule.kind == "delay":
            await self.sleep(float(rule.value))
        elif rule.kind == "revoke":
            self.revoke()
        elif rule.kind == "ignore":
            scope = {**scope, "query_string": _without(scope["query_string"], rule.value.split(","))}
        start: Message = {}
        body = b""
        if kind.is_carried_out:
            start, body = await _own_response(app, scope, receive)
        if rule.kind == "late":
            await self.sleep(float(rule.value))
        for message in kind.reply(start, body, rule.value):
            if message is None:
                raise ConnectionCutError
            await send(message)

    def _rule(self, scope: Scope) -> Rule | None:
        path = _BASE.sub("", str(scope["path"]), count=1)
        for rule in self.rules:
            if rule.matches(str(scope["method"]), path) and self._chance() < rule.chance:
                rule.left = rule.left and rule.left - 1
                return rule
        return None


async def _own_response(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """The response of the app, which has carried the request out by then."""
    messages: list[Message] = []

    async def collect(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, collect)
    return messages[0], b"".join(bytes(message.get("body", b"")) for message in messages[1:])


def _without(query: bytes, names: list[str]) -> bytes:
    """The query without the parameters of these names."""
    pairs = parse_qsl(query.decode(), keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if name not in names]).encode()
