"""The questions that wait for a person, for all replicas: asked at one, answered at another, used up once.

Without Redis there are none: an approval that may have been used elsewhere must not count here.
"""

import hmac
import json
import secrets
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, cast

from zoho_mcp.errors import DeclinedError
from zoho_mcp.policy import approvals as rules
from zoho_mcp.policy.approvals import LIFETIME, MOST_WAITING, Approval, Approvals, Binding, Prompt, Spent, Way, too_many
from zoho_mcp.replicas.connection import Connection, RedisUnavailableError, ms
from zoho_mcp.replicas.encryption import Encryption

_FORGOTTEN = "The question was lost when Redis was restarted. Nothing was done."
_WORDS: Mapping[str, str] = {
    "=replaced": rules.REPLACED,
    "=changed": rules.CHANGED,
    "=went first": rules.WENT_FIRST,
    "=declined": rules.DECLINED,
    "=nobody": rules.NOBODY,
    "=no call": rules.NO_CALL,
}


class RedisApprovals(Approvals):
    """Questions that all replicas share. Each has one object here, which is kept up to date."""

    def __init__(self, redis: Connection, encryption: Encryption, stream: str) -> None:
        super().__init__()
        self._redis = redis
        self._encryption = encryption
        self._stream = stream
        self._views: dict[str, Approval] = {}

    async def ask(self, way: Way, bound: Binding, shown: Prompt | None = None) -> Approval:
        """A new question, or the open page for the same call."""
        new = Approval(way, bound, shown or Prompt(), time.monotonic() + LIFETIME)
        own_id = self._id(way, new.secret)
        call, fingerprint = self._names(bound)
        found = await self._run(
            "ask", own_id, way, call, fingerprint, self._encrypted(new, own_id), ms(LIFETIME), MOST_WAITING,
            group=bound.principal,
        )  # fmt: skip
        if found[0] == "too many":
            raise too_many()
        if (approval := self._view(found)) is None:
            raise DeclinedError("The question could not be kept.", "Call again.", kind="could_not_ask")
        return approval

    async def find(self, way: Way, secret: str) -> Approval | None:
        """The question with this secret."""
        own_id = self._id(way, secret)
        found = self._view(await self._run("show", own_id))
        right = found is not None and hmac.compare_digest(found.secret.encode(), secret.encode("utf-8", "replace"))
        return found if right and found is not None and found.way == way else None

    async def live(self, way: Way, bound: Binding) -> Approval | None:
        """The open or approved question for exactly this binding."""
        return self._view(await self._run("live", "", way, *self._names(bound), group=bound.principal))

    async def decide(self, approval: Approval, *, yes: bool) -> bool:
        """Record the person's decision."""
        own_id = self._id(approval.way, approval.secret)
        state, encrypted = ("approved", self._encryption.close("yes", f"yes {own_id}")) if yes else ("declined", "")
        result, *now = await self._run("decide", own_id, secrets.token_hex(8), state, encrypted)
        self._view(now)
        return result == "yes"

    async def spend(self, approval: Approval, bound: Binding) -> Spent:
        """Use up an approval, over all replicas."""
        own_id, (call, _) = self._id(approval.way, approval.secret), self._names(bound)
        # Only encrypted values prove the binding and the decision: others may write to Redis too.
        same = int(approval.bound == bound)
        spent, yes, *now = await self._run("spend", own_id, secrets.token_hex(8), call, same, group=bound.principal)
        self._view(now)
        if spent == "spent" and self._encryption.open(yes, f"yes {own_id}") is None:
            return "gone"
        return cast(Spent, spent)

    async def settle(self, approval: Approval, outcome: str) -> None:
        """Record the outcome. The change has happened, even if the other replicas cannot be notified."""
        own_id = self._id(approval.way, approval.secret)
        approval.end(approval.state, outcome)
        with suppress(RedisUnavailableError):
            await self._try("settle", own_id, self._encryption.close(outcome, f"outcome {own_id}"))

    async def asked(self, client: str) -> None:
        """A client was handed a question."""
        milliseconds = ms(LIFETIME)
        await self._command("SET", self._client(client), "1", "NX", "PX", milliseconds)

    async def answered(self, client: str) -> None:
        """A client returned an answer."""
        await self._command("DEL", self._client(client))

    async def silent(self, client: str, patience: float) -> bool:
        """Whether a client has left a question unanswered for long."""
        left = float(await self._command("PTTL", self._client(client)))
        return left >= 0 and LIFETIME - left / 1000 >= min(patience, rules.PATIENCE)

    async def refresh(self, own_id: str) -> None:
        """Read a question that a replica changed; its waiting calls continue. Raises RedisUnavailableError."""
        known = self._views.get(own_id)
        if known is not None and self._view(await self._try("show", own_id)) is None and known.state in rules.OPEN:
            known.end("expired", _FORGOTTEN)

    async def refresh_all(self) -> None:
        """Read all questions that are known here. Raises RedisUnavailableError."""
        for own_id in list(self._views):
            await self.refresh(own_id)

    def _view(self, found: list[Any]) -> Approval | None:
        """The question as Redis has it, always the same object while a call may wait for it."""
        now = time.monotonic()
        self._views = {one: each for one, each in self._views.items() if now < each.expires_at + LIFETIME}
        if not found[0]:
            return None
        state, outcome, way, content, left, changed, own_id = found
        approval = self._views.get(own_id)
        if approval is None:
            text = self._encryption.open(content, f"question {own_id}")
            if text is None:
                return None
            approval = self._views[own_id] = _approval(way, json.loads(text), now + left / 1000)
        approval.record_changed = changed == "1"
        if state in ("waiting", "approved", "spent") and not outcome:
            approval.state = state
            if state != "waiting":
                approval.decided.set()
        elif not approval.settled.is_set():
            approval.end(state, _WORDS.get(outcome) or self._encryption.open(outcome, f"outcome {own_id}") or "")
        return approval

    def _encrypted(self, approval: Approval, own_id: str) -> str:
        content = {
            "name": approval.name,
            "secret": approval.secret,
            "bound": asdict(approval.bound),
            "shown": asdict(approval.shown),
        }
        return self._encryption.close(json.dumps(content), f"question {own_id}")

    def _id(self, way: Way, secret: str) -> str:
        return self._encryption.name("question", way, secret)

    def _names(self, bound: Binding) -> tuple[str, str]:
        return self._encryption.name("call", bound.call), self._encryption.name("record", bound.fingerprint)

    def _client(self, client: str) -> str:
        return f"{self._redis.prefix}unanswered:{self._encryption.name('client', client)}"

    async def _run(self, step: str, own_id: str, *arguments: object, group: str | None = None) -> list[Any]:
        with _approvals_required():
            return await self._try(step, own_id, *arguments, group=group)

    async def _try(self, step: str, own_id: str, *arguments: object, group: str | None = None) -> list[Any]:
        prefix = f"{self._redis.prefix}question:"
        of = self._encryption.name("principal", "one" if group is None else f"={group}")
        keys = [self._stream, f"{self._redis.prefix}questions:{of}", prefix + own_id, f"{prefix}number"]
        return await self._redis.run("approvals", step, keys, prefix, own_id, *arguments)

    async def _command(self, *parts: object) -> Any:
        with _approvals_required():
            return await self._redis.command(*parts)


def _approval(way: Way, content: Mapping[str, Any], expires_at: float) -> Approval:
    shown: dict[str, Any] = {**content["shown"]}
    for rows in ("details", "losses", "texts"):
        shown[rows] = tuple((label, value) for label, value in shown.get(rows, ()))
    return Approval(
        way, Binding(**content["bound"]), Prompt(**shown), expires_at, name=content["name"], secret=content["secret"]
    )


@contextmanager
def _approvals_required() -> Generator[None]:
    """Raises DeclinedError for a RedisUnavailableError."""
    try:
        yield
    except RedisUnavailableError as problem:
        raise DeclinedError(
            "This needs a person's yes, and approvals cannot be kept safe right now: Redis, where the replicas of this "
            f"server keep them, cannot be reached ({problem}).",
            "Call again in a minute. Reading works meanwhile.",
            kind="could_not_ask",
        ) from None
