"""Loads a policy file. Every problem in it prevents the start and is reported with its line."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, cast

from zoho_mcp.errors import SettingsError
from zoho_mcp.policy.grants import read_grants
from zoho_mcp.policy.lint import never_matches, unknown_names
from zoho_mcp.policy.rules import Action, Policy, Rule
from zoho_mcp.policy.tool_patterns import guess_or_all, texts
from zoho_mcp.private_files import read_owned
from zoho_mcp.settings import ConfirmMode
from zoho_mcp.specs.entry import EFFECTS, Effect
from zoho_mcp.specs.model import Catalog

ACTIONS: tuple[Action, ...] = ("allow", "ask", "refuse")
LISTS = {"tools": "tools", "toolsets": "toolsets", "effects": "effects", "status": "status",
         "organization": "organizations", "principal": "principals"}  # fmt: skip
"""Keys of a rule that take a text or a list of texts, with the name of the field in `Rule`."""
KEYS = (*LISTS, "amount_over", "recipient_outside_contacts", "action", "reason")
SHIPPED = "the shipped policy"
_LONGEST_REASON = 300
_TABLES = ("defaults", "rules", "principals")


def load_policy(catalog: Catalog, *, file: str = "", users_file: str = "", confirm: ConfirmMode = "ask") -> Policy:
    """The policy of `file`, or of `users_file` if it exists, or else the shipped one.

    The shipped defaults apply where the file has none, and the shipped rules unless the file has a default for `send`.
    Raises SettingsError naming the file and the place of every problem.
    """
    shipped = parse(shipped_text(), SHIPPED, catalog)
    path = Path(file or users_file) if file or users_file else None
    text = _text(path, required=bool(file)) if path else None
    if path is None or text is None:
        return replace(shipped, confirm=confirm)
    policy = parse(text, str(path), catalog)
    rules = policy.rules
    if "send" not in policy.defaults:
        rules += tuple(rule for rule in shipped.rules if not never_matches(rule, rules, catalog))
    return replace(policy, defaults={**shipped.defaults, **policy.defaults}, rules=rules, confirm=confirm)


def shipped_text() -> str:
    """The shipped policy file with its comments, as a template."""
    return (resources.files("zoho_mcp.policy") / "default.toml").read_text(encoding="utf-8")


def parse(text: str, source: str, catalog: Catalog) -> Policy:
    """Parse a policy, with only the defaults that `text` has. Raises SettingsError with every problem."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as problem:
        raise _wrong(source, [f"this is not TOML: {problem}."]) from problem
    problems = [f"{key} is not read here{guess_or_all(key, _TABLES)}" for key in document if key not in _TABLES]
    defaults = _defaults(document.get("defaults", {}), problems)
    rules = _Rules(text, source, catalog, problems).read(document.get("rules", []))
    grants = read_grants(document.get("principals", []), catalog, problems)
    if problems:
        raise _wrong(source, problems)
    return Policy(source, defaults, rules, grants)


def _text(path: Path, *, required: bool) -> str | None:
    try:
        return read_owned(path)
    except FileNotFoundError as problem:
        if not required:
            return None
        raise _wrong(str(path), ["file not found."]) from problem
    except (OSError, UnicodeDecodeError) as problem:
        raise _wrong(str(path), [f"it cannot be read: {problem}."]) from problem


def _wrong(source: str, problems: list[str]) -> SettingsError:
    return SettingsError(
        f"The policy {source} cannot be used:\n- " + "\n- ".join(problems) + "\n",
        "Nothing runs until it is right: correct it, then look at it with `zoho-invoice-mcp policy`.",
    )


def _defaults(table: Any, problems: list[str]) -> Mapping[Effect, Action]:
    if not isinstance(table, dict):
        problems.append("[defaults] must be a table.")
        return {}
    found: dict[Effect, Action] = {}
    for key, value in cast("dict[str, Any]", table).items():
        if key not in EFFECTS:
            problems.append(f"[defaults]: {key} is not an effect{guess_or_all(key, EFFECTS)}")
        elif value not in ACTIONS:
            problems.append(f"[defaults]: {key} must be one of {', '.join(ACTIONS)}, not {value!r}.")
        else:
            found[key] = value
    return found


class _Rules:
    """Reads the rules of a file and collects problems with their lines."""

    def __init__(self, text: str, source: str, catalog: Catalog, problems: list[str]) -> None:
        self._lines = text.splitlines()
        self._source = source
        self._catalog = catalog
        self._problems = problems
        self._heads = [
            number for number, line in enumerate(self._lines, 1) if re.match(r"\s*\[\[\s*rules\s*\]\]", line)
        ]

    def read(self, entries: Any) -> tuple[Rule, ...]:
        """The rules without problems; problems are collected."""
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in cast("list[Any]", entries)):
            self._problems.append("rules must be written as [[rules]] tables.")
            return ()
        found: list[Rule] = []
        for number, entry in enumerate(cast("list[dict[str, Any]]", entries), 1):
            before = len(self._problems)
            rule = self._rule(number, entry)
            if len(self._problems) == before and (why := never_matches(rule, tuple(found), self._catalog)):
                self._wrong(number, "", f"never matches: {why}")
            if len(self._problems) == before:
                found.append(rule)
        return tuple(found)

    def _rule(self, number: int, entry: Mapping[str, Any]) -> Rule:
        for key in entry:
            if key not in KEYS:
                self._wrong(number, key, f"{key} is not a key of a rule{guess_or_all(key, KEYS)}")
        lists = {field: self._texts(number, entry, key) for key, field in LISTS.items()}
        rule = Rule(
            action=self._action(number, entry),
            reason=self._reason(number, entry),
            name=f"rule {number} of {self._source}" + (f", line {line}" if (line := self._line(number)) else ""),
            amount_over=self._amount(number, entry),
            outside_contacts=self._outside(number, entry),
            **lists,
        )
        for key, problem in unknown_names(rule, self._catalog):
            self._wrong(number, key, problem)
        return rule

    def _line(self, number: int, key: str = "") -> int:
        """The line of the rule, or of one of its keys; 0 if it cannot be located."""
        if number > len(self._heads):
            return 0
        head, *after = [*self._heads[number - 1 :], len(self._lines) + 1]
        inside = range(head, after[0] - 1)
        found = (at + 1 for at in inside if key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", self._lines[at]))
        return next(found, head)

    def _wrong(self, number: int, key: str, problem: str) -> None:
        line = self._line(number, key)
        self._problems.append(f"rule {number}{f' (line {line})' if line else ''}: {problem}")

    def _texts(self, number: int, entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
        found = texts(entry.get(key, ()))
        if key in entry and not found:
            self._wrong(number, key, f"{key} must be a text or a list of texts, not {entry[key]!r}.")
        return found

    def _action(self, number: int, entry: Mapping[str, Any]) -> Action:
        if "action" not in entry:
            self._wrong(number, "", f"action is missing: one of {', '.join(ACTIONS)}.")
        elif entry["action"] in ACTIONS:
            return entry["action"]
        else:
            self._wrong(number, "action", f"action must be one of {', '.join(ACTIONS)}, not {entry['action']!r}.")
        return "refuse"

    def _reason(self, number: int, entry: Mapping[str, Any]) -> str:
        reason = entry.get("reason", "")
        if not isinstance(reason, str) or len(reason) > _LONGEST_REASON:
            self._wrong(number, "reason", f"reason must be a text of at most {_LONGEST_REASON} characters.")
            return ""
        return " ".join(reason.split())

    def _amount(self, number: int, entry: Mapping[str, Any]) -> Decimal | None:
        value = entry.get("amount_over")
        if value is None:
            return None
        fits = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not fits or not Decimal(value).is_finite() or value < 0:
            self._wrong(number, "amount_over", f"amount_over must be a number of 0 or more, not {value!r}.")
            return None
        return Decimal(value)

    def _outside(self, number: int, entry: Mapping[str, Any]) -> bool:
        value = entry.get("recipient_outside_contacts")
        if "recipient_outside_contacts" in entry and value is not True:
            self._wrong(
                number,
                "recipient_outside_contacts",
                "recipient_outside_contacts can only be true: leave it out for any recipient.",
            )
        return value is True
