"""Stores the open questions. Each approval counts once, in time, and only for what was shown.

Does not know how a person is asked or who runs the call. Replicas share questions with the same rules.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import anyio

from zoho_mcp.errors import DeclinedError

LIFETIME = 300.0
"""Seconds after which a question expires, answered or not."""
MOST_WAITING = 8
"""Open pages at most: with more windows, people stop reading."""
PATIENCE = 30.0
"""Seconds after which a client with an unanswered question is treated as unable to show questions."""

Way = Literal["elicitation", "page", "token"]
State = Literal["waiting", "approved", "declined", "spent", "expired"]
Spent = Literal["spent", "changed", "gone"]
OPEN: tuple[State, ...] = ("waiting", "approved")
REPLACED = "The record has changed, so you are asked again in another window."
CHANGED = "The record has changed since you decided, so nothing was done."
WENT_FIRST = "An identical request was approved and ran first."
DECLINED = "You declined. Nothing was done."
NOBODY = "Nobody decided in time. Nothing was done."
DONE = "Done."
"""The outcome of a call that ran; the page shows the new state instead."""
NO_CALL = "You approved, but the assistant did not continue in time. Nothing was done."


@dataclass(frozen=True, slots=True)
class Binding:
    """What an approval covers: `call` is tool, arguments and organisation, `fingerprint` adds the record's state."""

    call: str
    fingerprint: str
    principal: str | None = None
    """Who is logged in; None where nobody logs in (stdio)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a page shows. Every text may have been written by others."""

    title: str = ""
    question: str = ""
    details: tuple[tuple[str, str], ...] = ()
    client: str = ""
    type_number: str = ""
    """The record's number, if the person must type it to approve."""
    amount: str = ""
    """The amount at stake, with its currency."""
    losses: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    """Long texts, shown in full."""
    organization: str = ""
    is_demo: bool = False
    done: str = ""
    """The result of the call, as a sentence."""
    final: bool = False
    """Whether the call cannot be undone."""


@dataclass(slots=True, eq=False)
class Approval:
    """One question. `name` is for display and grants nothing. `secret` lets its holder answer; if the question is bound
    to a principal, it only leads to that principal's login.
    """

    way: Way
    bound: Binding
    shown: Prompt
    expires_at: float
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    state: State = "waiting"
    record_changed: bool = False
    """The record changed after an earlier question for the same call."""
    outcome: str = ""
    """The outcome, for the person; empty while it is open."""
    has_window: bool = False
    """Whether the page is open, or being opened, in a browser on this machine."""
    callers: int = 0
    """The number of calls waiting for the decision."""
    decided: anyio.Event = field(default_factory=anyio.Event, repr=False)
    settled: anyio.Event = field(default_factory=anyio.Event, repr=False)

    @contextmanager
    def called(self) -> Generator[None]:
        """Count a call as waiting."""
        self.callers += 1
        try:
            yield
        finally:
            self.callers -= 1

    def end(self, state: State, outcome: str) -> None:
        """Close the question with this outcome."""
        self.state, self.outcome = state, outcome
        self.decided.set()
        self.settled.set()


def too_many() -> DeclinedError:
    """The error for too many open pages."""
    return DeclinedError(
        f"{MOST_WAITING} questions already wait for the user.", "Ask the user to decide those first.", kind="waiting"
    )


class Approvals:
    """The questions of this process, which a restart forgets. Every method is atomic.

    A subclass shares questions with other servers. Its methods raise DeclinedError when that is impossible.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all: list[Approval] = []
        self._unanswered_since: dict[str, float] = {}

    async def ask(self, way: Way, bound: Binding, shown: Prompt | None = None) -> Approval:
        """Create a question. An open page for exactly the same call is returned; one for another state of the record is
        replaced.

        Raises DeclinedError if too many pages are open.
        """
        self._sweep()
        earlier = [a for a in self._all if (a.way, a.bound.principal) == (way, bound.principal)]
        same_call = [a for a in earlier if a.bound.call == bound.call and a.state in (*OPEN, "expired")]
        for approval in (a for a in same_call if a.state in OPEN and way != "elicitation"):
            if way == "page" and approval.bound == bound:
                return approval
            approval.end("expired", REPLACED)
        if way == "page" and len([a for a in earlier if a.state == "waiting"]) >= MOST_WAITING:
            raise too_many()
        changed = any(approval.bound != bound for approval in same_call)
        new = Approval(way, bound, shown or Prompt(), self._clock() + LIFETIME, record_changed=changed)
        self._all.append(new)
        return new

    async def find(self, way: Way, secret: str) -> Approval | None:
        """The question with this secret. Takes equally long for right and wrong secrets."""
        self._sweep()
        found = None
        for approval in self._all:
            if hmac.compare_digest(approval.secret.encode(), secret.encode("utf-8", "replace")):
                found = approval
        return found if found is not None and found.way == way else None

    async def live(self, way: Way, bound: Binding) -> Approval | None:
        """The open or approved question for exactly this binding."""
        self._sweep()
        return next((a for a in self._all if a.way == way and a.bound == bound and a.state in OPEN), None)

    async def decide(self, approval: Approval, *, yes: bool) -> bool:
        """Record the person's decision. False if there already is one or the question has expired."""
        self._sweep()
        if approval.state != "waiting":
            return False
        if yes:
            approval.state = "approved"
            approval.decided.set()
        else:
            approval.end("declined", DECLINED)
        return True

    async def spend(self, approval: Approval, bound: Binding) -> Spent:
        """Use up an approval. Returns "spent" exactly once, in time, and only for its binding; "changed" if it was
        given for something else; "gone" if there is none. In every case it is used up.
        """
        self._sweep()
        if approval.state != "approved":
            return "gone"
        if approval.bound != bound:
            approval.end("expired", CHANGED)
            return "changed"
        approval.state = "spent"
        for other in self._all:
            if other.state in OPEN and (other.bound.call, other.bound.principal) == (bound.call, bound.principal):
                other.end("expired", WENT_FIRST)
        return "spent"

    async def settle(self, approval: Approval, outcome: str) -> None:
        """Record the outcome of the approved call."""
        approval.end(approval.state, outcome)

    def remaining(self, approval: Approval) -> float:
        """Seconds until it expires."""
        return max(0.0, approval.expires_at - self._clock())

    async def asked(self, client: str) -> None:
        """Note that a client was sent a question."""
        since = self._unanswered_since.get(client)
        if since is None or self._clock() - since >= LIFETIME:
            self._unanswered_since[client] = self._clock()

    async def answered(self, client: str) -> None:
        """Note that a client returned an answer of any kind, so that it does show questions."""
        self._unanswered_since.pop(client, None)

    async def silent(self, client: str, patience: float) -> bool:
        """Whether a client has left a question unanswered for `patience` seconds. It gets another chance later."""
        since = self._unanswered_since.get(client)
        return since is not None and min(patience, PATIENCE) <= self._clock() - since < LIFETIME

    def _sweep(self) -> None:
        now = self._clock()
        for approval in self._all:
            if approval.state in OPEN and approval.expires_at <= now:
                approval.end("expired", NOBODY if approval.state == "waiting" else NO_CALL)
        self._all = [approval for approval in self._all if now < approval.expires_at + LIFETIME]
        # Clients choose their names: one with a new name each time must not fill the memory.
        self._unanswered_since = {client: at for client, at in self._unanswered_since.items() if now < at + LIFETIME}
