"""Searches customers by all of their contact persons. Zoho's own search may cover only the primary one.

Zoho Invoice can list the contact persons of all customers. If they exceed a page, and in Zoho Books, the documented
filters by a person's name, e-mail and phone are used, and the customers found are read and checked.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from zoho_mcp.errors import AuthError, NotFoundError, RejectedError
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.results.result import MOST_ROWS
from zoho_mcp.server.results.totals import required
from zoho_mcp.server.tools import filter_check, pagination
from zoho_mcp.server.tools.filter_check import Findings, is_phone_number, shows
from zoho_mcp.specs.model import Operation
from zoho_mcp.zoho.client import Envelope
from zoho_mcp.zoho.request import Request

Json = dict[str, Any]
MOST_RECORDS = 10
"""Customers that one search reads one by one, at a request each."""
_SEARCHED = ("search_text", "email", "contact_name_contains")
_PERSON = ("first_name", "last_name", "email", "phone", "mobile")
_PEOPLE = Request("GET", "/contacts/contactpersons", (("per_page", str(MOST_ROWS)),), scope="contacts.READ",
                  rows_in="contact_persons", route="/contacts/contactpersons")  # fmt: skip
_MANY = "Further customers may have such a contact person: narrow the search to find them."


async def run(app: ServerContext, operation: Operation, arguments: Mapping[str, Any]) -> Envelope:
    """The envelope of a list of customers. A search includes those with a contact person of that name, e-mail or phone
    number; `found_by` has these persons, by customer id.

    For a part of a customer's name, contact persons are searched only if no customer matches.
    """
    envelope = await pagination.read(app, operation, arguments)
    name = next((name for name in _SEARCHED if name in arguments), "")
    by_own_name = name == "contact_name_contains" and bool(envelope[operation.answer.key])
    if name and not by_own_name and arguments.get("page", 1) == 1:
        rest = {key: value for key, value in arguments.items() if key != name}
        await _Search(app, operation, name, str(arguments[name]), rest, envelope).complete()
    return pagination.finished(envelope)


@dataclass(frozen=True, slots=True)
class _Search:
    """A search: its argument and text, the other arguments, and Zoho's envelope."""

    app: ServerContext
    operation: Operation
    name: str
    text: str
    rest: Mapping[str, Any]
    envelope: Envelope

    @property
    def rows(self) -> list[Json]:
        return self.envelope[self.operation.answer.key]

    @property
    def findings(self) -> Findings:
        return self.envelope["findings"]

    async def complete(self) -> None:
        """Add customers found by a contact person, and remove those that do not contain the text anywhere."""
        people, is_complete = await self._people()
        known = {_id(row) for row in self.rows}
        await self._check([row for row in self.rows if not shows(row, self.text) and not people.get(_id(row))], people)
        missing = [one for one in people if one not in known]
        for contact_id in missing[:MOST_RECORDS]:
            await self._add(contact_id, people)
        if not is_complete or len(missing) > MOST_RECORDS:
            self.findings.notes.append(_MANY)
        named = {_id(row) for row in self.rows if "contact_persons" in row or not shows(row, self.text)}
        if found_by := {one: person for one, person in people.items() if person and one in named}:
            self.envelope["found_by"] = found_by

    async def _add(self, contact_id: str, people: dict[str, str]) -> None:
        record = await self.app.api.record("get_customer", {"customer_id": contact_id})
        kept, _ = filter_check.examine(self.operation, self.rest, [record])
        people[contact_id] = people[contact_id] or next(_matching_people(record, self.text), "")
        if kept and people[contact_id] and record.get("contact_type", "customer") == "customer":
            self.rows.append(record)
            self.findings.notes.clear()  # notes that nothing was found

    async def _check(self, unseen: list[Json], people: dict[str, str]) -> None:
        """Read the customers whose rows do not show the text, and remove those whose records do not either."""
        if len(unseen) > MOST_RECORDS:
            return
        self.findings.unseen.clear()
        wrong: set[str] = set()
        for row in unseen:
            record = await self.app.api.record("get_customer", {"customer_id": _id(row)})
            people[_id(row)] = next(_matching_people(record, self.text), "")
            if not shows(record, self.text):
                wrong.add(_id(row))
        kept = [place for place, row in enumerate(self.rows) if _id(row) not in wrong]
        context = self.envelope["page_context"]
        context["positions"] = [context["positions"][place] for place in kept]
        self.envelope[self.operation.answer.key] = [self.rows[place] for place in kept]
        if wrong:
            self.findings.add(Findings({f"{self.name}={self.text}": None}, len(wrong)))

    async def _people(self) -> tuple[dict[str, str], bool]:
        """Customer ids to the matching contact person ("" if still unknown), and whether they are complete."""
        if self.app.settings.product == "invoice":
            with suppress(AuthError, NotFoundError, RejectedError):
                envelope = cast(Envelope, await self.app.api.send(_PEOPLE))
                people: list[Json] = envelope["contact_persons"]
                if not envelope["page_context"]["has_more_page"]:
                    return {_id(person): _in_words(person) for person in people if _matches(person, self.text)}, True
        found: dict[str, str] = {}
        is_complete = True
        for query in _queries(self.text):
            envelope = await self.app.api.run(self.operation.name, {**query, "per_page": MOST_ROWS})
            rows: list[Json] = envelope[self.operation.answer.key]
            if len(rows) <= MOST_RECORDS:
                found |= {_id(row): "" for row in rows}
            else:
                # So many rows suggest that Zoho ignored the filter.
                is_complete = False
        return found, is_complete


def _id(row: Mapping[str, Any]) -> str:
    return str(required(row, "contact_id"))


def _queries(text: str) -> list[Json]:
    """The documented filters by contact person that suit the text."""
    if "@" in text:
        return [{"email_contains": text}]
    if is_phone_number(text):
        # Separators vary, but the last four digits are seldom separated.
        digits = "".join(filter(str.isdecimal, text))
        return [{"phone_contains": text}, {"phone_contains": digits[-4:]}]
    first, _, last = text.partition(" ")
    if last:
        return [{"first_name_contains": first, "last_name_contains": last}]
    return [{"first_name_contains": text}, {"last_name_contains": text}]


def _matching_people(record: Mapping[str, Any], text: str) -> Iterator[str]:
    """The contact persons of a customer that match the text."""
    people: list[Json] = record.get("contact_persons") or []
    return (_in_words(person) for person in people if _matches(person, text))


def _matches(person: Mapping[str, Any], text: str) -> bool:
    return shows({name: person.get(name) for name in _PERSON}, text)


def _in_words(person: Mapping[str, Any]) -> str:
    name = f"{person.get('first_name', '')} {person.get('last_name', '')}".strip()
    return ", ".join(part for part in (name, person.get("email"), person.get("phone"), person.get("mobile")) if part)
