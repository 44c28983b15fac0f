"""Checks and reads the audit file. Pure: works on its bytes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from zoho_mcp.audit.log import Entry, hash_of, line_of, mark_of, parsed


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of `verify`. `problems` are signs of tampering or damage, `notes` are not."""

    lines: int
    head: str
    """The hash of the last line. Stored elsewhere, it shows later whether the end was cut off."""
    problems: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _Chain:
    """Follows the lines. `expected`: the hashes that the next line may name as its previous one; None: any."""

    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    expected: frozenset[str] | None = frozenset({""})
    seen: dict[str, int] = field(default_factory=dict[str, int])
    cut: tuple[int, bytes] | None = None
    head: str = ""

    def take(self, number: int, raw: bytes) -> None:
        """Check the next line."""
        entry = parsed(raw)
        if entry is None:
            self._settle_cut("")
            self.cut = (number, raw)
            return
        self._settle_cut(str(entry.get("torn", "")))
        self._compare(number, entry)
        own = _own_hash(entry)
        if own != entry["hash"] or line_of(entry) != raw:
            self.problems.append(f"Line {number} was changed.")
        self.expected = frozenset({own, entry["hash"]})
        self.seen |= dict.fromkeys(self.expected, number)
        self.head = entry["hash"]

    def end(self, *, ended: bool) -> None:
        """Finish; `ended`: the last line has a line break."""
        if ended:
            # A crash cuts off the line's end too.
            self._settle_cut("")
        elif self.cut is not None:
            number, _ = self.cut
            self.notes.append(f"Line {number}, the last, is incomplete: the machine or the process stopped in it.")

    def _settle_cut(self, torn: str) -> None:
        """An unreadable line was cut off by a crash if the next line has its mark; otherwise it was changed."""
        if self.cut is None:
            return
        number, raw = self.cut
        self.cut = None
        if torn == mark_of(raw):
            self.notes.append(f"Line {number} is incomplete: the machine or the process stopped while it was written.")
        else:
            self.problems.append(f"Line {number} cannot be read: it was changed.")
            self.expected = None

    def _compare(self, number: int, entry: Entry) -> None:
        previous = str(entry["previous"])
        if self.expected is None or previous in self.expected:
            return
        if previous in self.seen:
            first = self.seen[previous] + 1
            between = f"Line {first} was" if first == number - 1 else f"Lines {first} to {number - 1} were"
            self.problems.append(f"{between} inserted, or moved there: line {number} follows line {first - 1}.")
        elif number == 1:
            self.problems.append("Lines are missing before line 1.")
        else:
            self.problems.append(f"Lines are missing, or were moved, between line {number - 1} and line {number}.")


def verify(content: bytes, head: str = "") -> Verdict:
    """Whether all lines are unchanged and in place; with `head`, an earlier last hash, also whether it is still there.

    Without `head`, a missing end cannot be noticed.
    """
    lines = content.split(b"\n")
    ended = lines[-1] == b""
    lines = lines[:-1] if ended else lines
    chain = _Chain()
    for number, raw in enumerate(lines, 1):
        chain.take(number, raw)
    chain.end(ended=ended)
    if head and head not in chain.seen:
        chain.problems.append("The line with the hash you kept is gone: the end was cut off, or the file replaced.")
    return Verdict(len(lines), chain.head, tuple(chain.problems), tuple(chain.notes))


def _own_hash(entry: Entry) -> str:
    try:
        return hash_of(entry)
    except ValueError:
        return ""


def entries(content: bytes) -> list[Entry]:
    """Every line that can be read, in order."""
    return [entry for raw in content.split(b"\n") if (entry := parsed(raw)) is not None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter for entries; empty fields match everything."""

    tool: str = ""
    outcome: str = ""
    since: str = ""
    """A time in UTC as ISO text, or the beginning of one."""
    client: str = ""

    def takes(self, row: Entry) -> bool:
        """Whether an entry matches."""
        return (
            (not self.tool or row.get("tool") == self.tool)
            and (not self.outcome or row.get("outcome") == self.outcome)
            and (not self.since or str(row.get("time", "")) >= self.since)
            and (not self.client or self.client.casefold() in str(row.get("client", "")).casefold())
        )


def calls(found: Iterable[Entry], wanted: Wanted) -> list[Entry]:
    """One entry per call: its last line with the time of its first. A change without an outcome line is unknown."""
    rows: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(found):
        name = str(entry.get("call") or number)
        row = rows.setdefault(name, {"time": entry.get("time", "")})
        row |= {key: value for key, value in entry.items() if key != "time"}
    for row in rows.values():
        if row.get("event") == "intended":
            row["outcome"] = "unknown"
    return [row for row in rows.values() if wanted.takes(row)]
