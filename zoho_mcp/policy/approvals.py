"""Keeps the questions that wait for a person, so that each yes counts once, in time, and for what was shown.

Knows neither how a person is asked nor who runs the call. Replicas keep them together, in another place but by the
same rules (`Questions`).
"""

import hmac
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

import anyio

from zoho_mcp.errors import DeclinedError

LIFETIME = 300.0
"""Seconds after which a question counts for nothing, answered or not."""
MOST_WAITING = 8
"""Pages that may wait at once: a model must not bury a person in windows until they stop reading."""
PATIENCE = 30.0
"""Seconds after which a client that left a question open is thought not to show questions at all."""

Way = Literal["elicitation", "page", "token"]
State = Literal["waiting", "approved", "declined", "spent", "expired"]
Spent = Literal["spent", "changed", "gone"]
OPEN: tuple[State, ...] = ("waiting", "approved")
REPLACED = "The record has changed, so you are asked again in another window."
CHANGED = "The record has changed since you decided, so nothing was done."
WENT_FIRST = "An identical call was approved and ran first."
DECLINED = "You declined. Nothing was done."
NOBODY = "Nobody decided in time. Nothing was done."
DONE = "Done."
"""The outcome of a call that ran; the page says what is true then instead."""
NO_CALL = "You approved, but no call came in time. Nothing was done."


@dataclass(frozen=True, slots=True)
class Binding:
    """What a yes is for: `call` is the tool, arguments and organisation, `fingerprint` the record's state too."""

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
    """The record's number, if the person has to type it to approve."""
    amount: str = ""
    """What it is about, with its currency."""
    losses: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    """Long texts, to be shown whole."""
    organization: str = ""
    is_demo: bool = False
    done: str = ""
    """What is true once the call has run."""
    final: bool = False
    """Whether it cannot be undone."""


@dataclass(slots=True, eq=False)
class Approval:
    """One question. `name` is for models and people and worth nothing; who has `secret` can answer, unless it is bound
    to a principal: then it only leads to where that principal logs in.
    """

    way: Way
    bound: Binding
    shown: Prompt
    expires_at: float
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    state: State = "waiting"
    anew: bool = False
    """The record changed after an earlier question for the same call."""
    outcome: str = ""
    """What became of it, for the person; empty as long as that is open."""
    has_window: bool = False
    """A browser of this machine was given the page, or is being given it."""
    callers: int = 0
    """Calls that wait for the decision right now."""
    decided: anyio.Event = field(default_factory=anyio.Event, repr=False)
    settled: anyio.Event = field(default_factory=anyio.Event, repr=False)

    @contextmanager
    def called(self) -> Generator[None]:
        """Counts a call as waiting."""
        self.callers += 1
        try:
            yield
        finally:
            self.callers -= 1

    def end(self, state: State, outcome: str) -> None:
        """It counts for nothing from now on."""
        self.state, self.outcome = state, outcome
        self.decided.set()
        self.settled.set()


class ApprovalStore(Protocol):
    """What asks, answers and uses up. Each method is one step for everybody; DeclinedError where that cannot be had."""

    async def ask(self, way: Way, bound: Binding, shown: Prompt | None = None) -> Approval:
        """A new question. A page for exactly the same call is joined; one for another state of the record is replaced.

        Raises DeclinedError when too many pages wait.
        """
        ...

    async def find(self, way: Way, secret: str) -> Approval | None:
        """The question with this secret. Takes as long for a wrong guess as for a right one."""
        ...

    async def live(self, way: Way, bound: Binding) -> Approval | None:
        """The question that waits, or was agreed to, for exactly this."""
        ...

    async def decide(self, approval: Approval, *, yes: bool) -> bool:
        """Take down the person's decision. False when it was taken before or comes too late."""
        ...

    async def spend(self, approval: Approval, bound: Binding) -> Spent:
        """Use up a yes: "spent" exactly once, in time, and only for what it was given for.

        "changed" when it was given for something else, "gone" when there is none (any more). It is used up in any case.
        """
        ...

    async def settle(self, approval: Approval, outcome: str) -> None:
        """Say what became of the call that a yes was spent on."""
        ...

    def remaining(self, approval: Approval) -> float:
        """Seconds until it expires."""
        ...

    async def asked(self, client: str) -> None:
        """A client was handed a question."""
        ...

    async def answered(self, client: str) -> None:
        """A client brought an answer, whatever it was: it does show questions."""
        ...

    async def silent(self, client: str, patience: float) -> bool:
        """Whether a client has left a question unanswered for long; after a while it is given another chance."""
        ...


def too_many() -> DeclinedError:
    """A model must not bury a person in windows."""
    return DeclinedError(
        f"{MOST_WAITING} questions already wait for the user.", "Ask the user to decide those first.", kind="waiting"
    )


class Approvals:
    """The questions of this process. A restart forgets them: what was not done was not allowed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all: list[Approval] = []
        self._unanswered_since: dict[str, float] = {}

    async def ask(self, way: Way, bound: Binding, shown: Prompt | None = None) -> Approval:
        """See `Questions`, also for the others."""
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
        new = Approval(way, bound, shown or Prompt(), self._clock() + LIFETIME, anew=changed)
        self._all.append(new)
        return new

    async def find(self, way: Way, secret: str) -> Approval | None:
        """The question with this secret."""
        self._sweep()
        found = None
        for approval in self._all:
            if hmac.compare_digest(approval.secret.encode(), secret.encode("utf-8", "replace")):
                found = approval
        return found if found is not None and found.way == way else None

    async def live(self, way: Way, bound: Binding) -> Approval | None:
        """The question that waits, or was agreed to, for exactly this."""
        self._sweep()
        return next((a for a in self._all if a.way == way and a.bound == bound and a.state in OPEN), None)

    async def decide(self, approval: Approval, *, yes: bool) -> bool:
        """Take down the person's decision."""
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
        """Use up a yes."""
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
        """Say what became of the call that a yes was spent on."""
        approval.end(approval.state, outcome)

    def remaining(self, approval: Approval) -> float:
        """Seconds until it expires."""
        return max(0.0, approval.expires_at - self._clock())

    async def asked(self, client: str) -> None:
        """A client was handed a question."""
        since = self._unanswered_since.get(client)
        if since is None or self._clock() - since >= LIFETIME:
            self._unanswered_since[client] = self._clock()

    async def answered(self, client: str) -> None:
        """A client brought an answer."""
        self._unanswered_since.pop(client, None)

    async def silent(self, client: str, patience: float) -> bool:
        """Whether a client has left a question unanswered for long."""
        since = self._unanswered_since.get(client)
        return since is not None and min(patience, PATIENCE) <= self._clock() - since < LIFETIME

    def _sweep(self) -> None:
        now = self._clock()
        for approval in self._all:
            if approval.state in OPEN and approval.expires_at <= now:
                approval.end("expired", NOBODY if approval.state == "waiting" else NO_CALL)
        self._all = [approval for approval in self._all if now < approval.expires_at + LIFETIME]
        # Names are the clients' own: one that takes a new one each time must not fill the memory.
        self._unanswered_since = {one: at for one, at in self._unanswered_since.items() if now < at + LIFETIME}
