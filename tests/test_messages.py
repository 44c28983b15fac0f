"""Every kind of message and question, and what commands print, in one file to be read as text: snapshots/messages.md.

Other tests assert on kinds and data. After a change of wording run `python tests/test_messages.py`, and read the diff.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from conftest import Zoho, call, opened_zoho, text_of
from machine import Machine, run_here, serving
from mcp import Client
from test_arguments import CATALOG, CHECKER
from test_responses import CASES, error_of

from zoho_mcp.cli.main import COMMANDS
from zoho_mcp.errors import ArgumentsError

FOLDER = Path(__file__).parent
SNAPSHOT = FOLDER / "snapshots" / "messages.md"
MISTAKES: list[dict[str, Any]] = json.loads((FOLDER / "cases" / "mistakes.json").read_text(encoding="utf-8"))
CALLS: list[dict[str, Any]] = json.loads((FOLDER / "cases" / "messages.json").read_text(encoding="utf-8"))
HEAD = """# Messages

Written by `python tests/test_messages.py`: what a model and a person read. Review it as text.
"""

WITH_COMMANDS = ("policy test", "audit verify", "audit before", "token add")

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.processes]


async def test_the_messages_are_those_that_were_reviewed() -> None:
    # By words: Python's versions wrap the usage of a command differently.
    assert (await messages()).split() == SNAPSHOT.read_text(encoding="utf-8").split()


async def messages() -> str:
    parts = [
        HEAD,
        "## Errors of Zoho\n",
        *map(_of_zoho, CASES),
        "## Arguments\n",
        *map(_of_mistake, MISTAKES),
        "## Calls\n",
    ]
    for case in CALLS:
        with opened_zoho() as zoho:
            parts.append(await _of_call(zoho, case))
    with tempfile.TemporaryDirectory() as folder:
        parts += ["## Commands\n", *_of_commands(Path(folder))]
    return "\n".join(parts)


def _of_commands(folder: Path) -> Iterator[str]:
    """The help of every command, what `doctor` finds in a few situations, and the demo."""
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder), "COLUMNS": "80"}
    for words in ("", *COMMANDS, *WITH_COMMANDS):
        yield _printed(f"{words} --help".strip(), home)
    with serving(folder) as accounts:
        account = Machine(accounts, folder).account(accounts.new_grant())
        for about, more in (
            ("before the first login", {}),
            ("on demo data", {"ZOHO_SANDBOX": "true"}),
            ("with a wrong setting", {"ZOHO_SANDBOX": "1"}),
            ("with an account", account),
            ("without an organisation", account | {"ZOHO_ORGANIZATION_ID": ""}),
        ):
            text = _printed("doctor", home | more, f"doctor, {about}").replace(accounts.url, "http://127.0.0.1:PORT")
            # What depends on the moment and on the number of tools.
            yield re.sub(r"\d+(?= (h|min|minutes|tools)\b)", "N", text)
    with chdir(folder):
        yield _printed("demo", dict(os.environ) | home)


def _printed(command: str, environment: dict[str, str], heading: str = "") -> str:
    done = run_here(environment, *command.split())
    return f"### {heading or command}\n\n```\n{done.stdout}{done.stderr}```\n"


def _of_zoho(case: dict[str, Any]) -> str:
    problem = error_of(case)
    return f"### {case['id']}\n\nKind: {problem.kind}\n\n{_quoted(str(problem))}\n"


def _of_mistake(case: dict[str, Any]) -> str:
    with pytest.raises(ArgumentsError) as caught:
        CHECKER.check(CATALOG.operations[case["tool"]], case["arguments"])
    return f"`{case['tool']} {json.dumps(case['arguments'])}`\n\n{_quoted(str(caught.value))}\n"


async def _of_call(zoho: Zoho, case: dict[str, Any]) -> str:
    settings: dict[str, Any] = {"confirm_fallback": "refuse", "toolsets": ("all",), **case.get("settings", {})}
    person = case.get("person", "accept")
    if person == "decline":
        zoho.person.answer = types.ElicitResult(action="decline")
    async with zoho.client(can_ask=person != "absent", **settings) as client:
        arguments = await _filled(client, case["arguments"])
        if fault := case.get("fault"):
            zoho.faults.add(fault)
        result = await client.call_tool(case["tool"], arguments)
    found = [f"### {case['id']}\n", f"`{case['tool']}`\n"]
    found += [f"Asks:\n\n{_quoted(question)}\n" for question in zoho.person.questions]
    content: Any = result.structured_content
    if result.is_error:
        found.append(f"Kind: {content['error']['kind']}\n\n{_quoted(text_of(result))}\n")
    elif "fault" in case:
        found.append(f"Says:\n\n{_quoted(content['message'])}\n")
    return "\n".join(found)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


async def _filled(client: Client, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with records of the demo books in place of `$names`."""

    async def first(tool: str, rows: str, id_name: str, **query: Any) -> str:
        return (await call(client, tool, per_page=1, **query))[rows][0][id_name]

    async def mail() -> str:
        invoice = await call(client, "get_invoice", invoice_id=await values["invoice"](), all_fields=True)
        customer = await call(client, "get_customer", customer_id=invoice["invoice"]["customer_id"])
        return customer["customer"]["contact_persons"][0]["email"]

    values = {
        "customer": lambda: first("list_customers", "customers", "customer_id"),
        "invoice": lambda: first("list_invoices", "invoices", "invoice_id", status="overdue"),
        "paid": lambda: first("list_invoices", "invoices", "invoice_id", status="paid"),
        "estimate": lambda: first("list_estimates", "estimates", "estimate_id", status="sent"),
        "draft": lambda: first("list_estimates", "estimates", "estimate_id", status="draft"),
        "payment": lambda: first("list_payments", "customerpayments", "payment_id"),
        "creditnote": lambda: first("list_credit_notes", "creditnotes", "creditnote_id", status="open"),
        "expense": lambda: first("list_expenses", "expenses", "expense_id"),
        "mail": mail,
    }
    text = json.dumps(arguments)
    for name, look_up in values.items():
        if f'"${name}"' in text:
            text = text.replace(f"${name}", await look_up())
    return json.loads(text)


if __name__ == "__main__":
    SNAPSHOT.write_text(anyio.run(messages), encoding="utf-8")
