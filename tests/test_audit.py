"""Every decision and every change is on record, in a file that cannot be altered unnoticed."""

import json
import multiprocessing
import os
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho, call, kind_of
from mcp import Client
from test_confirm import answer, question
from test_processes import run

from zoho_mcp.audit.log import Audit, Entry, hash_of, line_of
from zoho_mcp.audit.redaction import REDACTED
from zoho_mcp.audit.verify import Wanted, calls, entries, verify
from zoho_mcp.cli.local_sandbox import sandboxed
from zoho_mcp.errors import AuditError
from zoho_mcp.server.app import create_server
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit.jsonl"


def lines(file: Path) -> list[Entry]:
    return entries(file.read_bytes()) if file.exists() else []


def said(file: Path) -> list[tuple[str, str]]:
    """Event and outcome of every line."""
    return [(line["event"], line.get("outcome", "")) for line in lines(file)]


async def invoice_of(client: Client, status: str = "sent") -> str:
    return (await call(client, "list_invoices", status=status, per_page=1))["invoices"][0]["invoice_id"]


@both_eras
async def test_a_change_is_two_lines_with_who_what_why_and_how_it_ended(zoho: Zoho, era: Era, file: Path) -> None:
    async with zoho.client(era, audit_file=str(file)) as client:
        invoice = await invoice_of(client)
        await call(client, "record_invoice_payment", invoice_id=invoice, amount=12.5, description="From Ada")
    intended, ended = lines(file)
    assert (intended["event"], ended["event"], ended["outcome"]) == ("intended", "ended", "done")
    assert intended["call"] == ended["call"]
    assert ended["client"].startswith("mcp ")
    assert (ended["principal"], ended["organization"]) == (None, zoho.settings.organization_id)
    assert (ended["tool"], ended["effect"], ended["decision"]) == ("record_invoice_payment", "write", "allow")
    assert ended["rule"] == "default for write (the shipped policy)"
    assert ended["arguments"] == {"invoice_id": invoice, "amount": 12.5, "description": REDACTED}
    assert (ended["code"], ended["way"]) == (0, "")
    assert (ended["kind"], "message" in ended) == ("", False)
    assert ended["record_id"] != invoice
    assert ended["time"].endswith("Z")
    assert verify(file.read_bytes()).problems == ()


@both_eras
async def test_reading_leaves_no_line_and_no_file(zoho: Zoho, era: Era, file: Path) -> None:
    async with zoho.client(era, audit_file=str(file)) as client:
        await call(client, "get_invoice", invoice_id=await invoice_of(client))
        await client.call_tool("get_invoice", {"invoice_id": "999"})
        await client.call_tool("create_invoice", {"customer": "wrong arguments"})
    assert not file.parent.exists()


@both_eras
async def test_a_yes_a_no_and_a_refusal_are_on_record(zoho: Zoho, era: Era, file: Path) -> None:
    async with zoho.client(era, audit_file=str(file)) as client:
        invoice = await invoice_of(client)
        await call(client, "void_invoice", invoice_id=invoice)
        zoho.person.answer = zoho.person.answer.model_copy(update={"action": "decline", "content": None})
        await client.call_tool("void_invoice", {"invoice_id": await invoice_of(client)})
    assert said(file) == [
        ("asked", "asked"), ("intended", ""), ("ended", "done"), ("asked", "asked"), ("ended", "declined"),
    ]  # fmt: skip
    assert [line["way"] for line in lines(file)] == ["", "elicitation", "elicitation", "", "elicitation"]
    assert lines(file)[-1]["kind"] == "declined"
    async with zoho.client(era, audit_file=str(file), confirm="refuse") as client:
        await client.call_tool("void_invoice", {"invoice_id": invoice})
    last = lines(file)[-1]
    assert (last["outcome"], last["decision"], last["rule"]) == ("refused", "refuse", "ZOHO_CONFIRM=refuse")
    assert last["record_id"] == invoice
    assert verify(file.read_bytes()).problems == ()


async def test_what_zoho_refuses_is_recorded_with_its_code(zoho: Zoho, file: Path) -> None:
    async with zoho.client(audit_file=str(file)) as client:
        await call(client, "create_customer", contact_name="Harbour Café")
        await client.call_tool("create_customer", {"contact_name": "Harbour Café"})
        customer = (await call(client, "list_invoices", per_page=1))["invoices"][0]["customer_id"]
        await client.call_tool("delete_customer", {"customer_id": customer})
        await client.call_tool("delete_invoice", {"invoice_id": "999"})
    assert [(line["outcome"], line["code"]) for line in lines(file) if line["event"] == "ended"] == [
        ("done", 0), ("failed", 3062), ("refused", 3000), ("failed", 1002),
    ]  # fmt: skip
    assert "Harbour" not in file.read_text()
    asked, refused = [line for line in lines(file) if line["tool"] == "delete_customer"]
    assert (asked["record_id"], refused["record_id"], refused["way"]) == (customer, customer, "")


async def test_nothing_private_reaches_the_file(zoho: Zoho, file: Path) -> None:
    async with zoho.client(audit_file=str(file)) as client:
        person = {"first_name": "Ada", "last_name": "Quayside", "email": "ada@harbour.example", "phone": "+49 30 1"}
        customer = (
            await call(
                client, "create_customer", contact_name="Harbour Café", contact_persons=[person], notes="Pays late",
                billing_address={"address": "1 Pier Road", "city": "Kiel", "zip": "QX 1"},
                custom_fields=[{"customfield_id": "46000000012845", "value": "Gold member"}],
            )
        )["customer"]["customer_id"]  # fmt: skip
        made = await call(
            client, "create_invoice", customer_id=customer, notes="Dear Ada", date="2026-06-15", discount="10%",
            line_items=[{"name": "Kitchen plans", "rate": 800.1, "quantity": 3}],
        )  # fmt: skip
        invoice = made["invoice"]["invoice_id"]
        await call(client, "email_invoice", invoice_id=invoice, to_mail_ids=["ada@harbour.example"], body="Hello Ada")
        await client.call_tool("email_invoice", {"invoice_id": invoice, "to_mail_ids": ["eve@elsewhere.example"]})
    text = file.read_text()
    for private in ("Ada", "Quayside", "@", "49 30", "Harbour", "Pays late", "Pier", "Kiel", "QX 1", "Gold", "Kitchen"):
        assert private not in text
    arguments = {line["tool"]: line["arguments"] for line in lines(file)}
    assert arguments["create_invoice"] == {
        "customer_id": customer, "notes": REDACTED, "date": "2026-06-15", "discount": "10%",
        "line_items": [{"name": REDACTED, "rate": 800.1, "quantity": 3}],
    }  # fmt: skip
    assert arguments["email_invoice"]["to_mail_ids"] == [REDACTED]


class Watching(httpx.AsyncBaseTransport):
    """Passes requests on, and remembers what the audit file said when each change came by."""

    def __init__(self, zoho: Zoho, file: Path, fail: Exception | None = None) -> None:
        self.inner = httpx.ASGITransport(zoho.app)
        self.file = file
        self.fail = fail
        self.seen: list[list[tuple[str, str]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET" and "/oauth/" not in request.url.path:
            self.seen.append(said(self.file))
            if self.fail is not None:
                raise self.fail
        return await self.inner.handle_async_request(request)


def watched(zoho: Zoho, file: Path, fail: Exception | None = None) -> tuple[Watching, Callable[[], Client]]:
    transport = Watching(zoho, file, fail)
    settings = replace(zoho.settings, audit_file=str(file))
    client = ZohoClient(settings, transport=transport, clock=zoho.seconds, sleep=zoho.sleep)
    return transport, lambda: Client(create_server(settings, load(), client))


async def test_the_intention_is_on_the_disk_before_the_request_is_sent(zoho: Zoho, file: Path) -> None:
    transport, connect = watched(zoho, file)
    async with connect() as client:
        await call(client, "create_customer", contact_name="New")
    assert transport.seen == [[("intended", "")]]
    assert said(file) == [("intended", ""), ("ended", "done")]


async def test_a_lost_answer_is_recorded_as_unknown_and_a_broken_connection_as_not_sent(zoho: Zoho, file: Path) -> None:
    for problem, outcome in ((httpx.ReadTimeout("gone"), "unknown"), (httpx.ConnectError("no"), "not sent")):
        _, connect = watched(zoho, file, problem)
        async with connect() as client:
            await client.call_tool("create_customer", {"contact_name": "New"})
        assert said(file)[-2:] == [("intended", ""), ("ended", outcome)]


class Stuck(Watching):
    """Takes a change and never answers."""

    def __init__(self, zoho: Zoho, file: Path) -> None:
        super().__init__(zoho, file)
        self.reached = anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/contacts"):
            self.reached.set()
            await anyio.sleep_forever()
        return await super().handle_async_request(request)


async def test_a_change_that_the_client_gave_up_on_is_recorded_as_unknown(zoho: Zoho, file: Path) -> None:
    transport = Stuck(zoho, file)
    settings = replace(zoho.settings, audit_file=str(file))
    server = create_server(settings, load(), ZohoClient(settings, transport=transport))
    with anyio.fail_after(20):
        async with Client(server) as client, anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "create_customer", {"contact_name": "New"})
            await transport.reached.wait()
            group.cancel_scope.cancel()
    assert said(file) == [("intended", ""), ("ended", "unknown")]


async def test_a_bug_while_a_change_is_under_way_is_recorded_as_unknown(zoho: Zoho, file: Path) -> None:
    _, connect = watched(zoho, file, ZeroDivisionError())
    with pytest.raises(Exception, match=r".*"):
        async with connect() as client:
            await client.call_tool("create_customer", {"contact_name": "New"})
    assert said(file)[-1] == ("ended", "unknown")
    assert lines(file)[-1]["kind"] == "ZeroDivisionError"


@both_eras
async def test_without_a_record_no_change_is_made_and_reading_goes_on(zoho: Zoho, era: Era, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder is needed")
    async with zoho.client(era, audit_file=str(tmp_path / "taken" / "audit.jsonl")) as client:
        invoice = await invoice_of(client)
        for tool, arguments in (
            ("create_customer", {"contact_name": "New"}),
            ("void_invoice", {"invoice_id": invoice}),
        ):
            result = await client.call_tool(tool, arguments)
            assert kind_of(result) == "audit"
        await call(client, "get_invoice", invoice_id=invoice)
    assert zoho.changes() == []
    assert zoho.person.questions == []


async def test_a_refusal_stands_even_when_it_cannot_be_recorded(
    zoho: Zoho, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with zoho.client(audit_file=str(tmp_path), confirm="refuse") as client:
        result = await client.call_tool("void_invoice", {"invoice_id": await invoice_of(client)})
    assert kind_of(result) == "refused_by_policy"
    assert [record.levelname for record in caplog.records if str(tmp_path) in record.getMessage()] == ["ERROR"]


async def test_a_read_that_was_asked_about_is_on_record_but_does_not_need_to_be(
    zoho: Zoho, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "policy.toml").write_text('[[rules]]\ntools = "list_payments"\naction = "ask"\n')
    policy = str(tmp_path / "policy.toml")
    async with zoho.client(audit_file=str(file), policy_file=policy) as client:
        await call(client, "list_payments")
    assert said(file) == [("asked", "asked"), ("ended", "done")]
    async with zoho.client(audit_file=str(tmp_path), policy_file=policy) as client:
        await call(client, "list_payments")


async def test_a_second_answer_is_recorded_as_declined(zoho: Zoho, file: Path) -> None:
    async with zoho.client(audit_file=str(file)) as client:
        invoice = await invoice_of(client)
        state = (await question(client, "void_invoice", invoice_id=invoice)).request_state
        for _ in range(2):
            await answer(client, "void_invoice", state, invoice_id=invoice)
    assert said(file) == [("asked", "asked"), ("intended", ""), ("ended", "done"), ("ended", "declined")]


def fill(file: Path, count: int = 5) -> list[bytes]:
    audit = Audit(str(file), lambda: NOON)
    for number in range(count):
        audit.append({"call": str(number), "event": "ended", "tool": "void_invoice", "message": f"n° {number}"})
    return file.read_bytes().splitlines()


def problems(*raw: bytes) -> tuple[str, ...]:
    return verify(b"".join(line + b"\n" for line in raw)).problems


def forged(entry: Entry) -> bytes:
    return line_of({**entry, "hash": hash_of(entry)})


def test_only_the_user_can_read_the_file_and_its_folder(file: Path) -> None:
    fill(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_any_flipped_bit_is_found(file: Path) -> None:
    fill(file, 3)
    content = file.read_bytes()
    assert verify(content).problems == ()
    # The last line's end alone says nothing: it may be missing after a crash.
    for at in range(len(content) - 1):
        for bit in (1, 4, 32, 128):
            changed = bytearray(content)
            changed[at] ^= bit
            assert verify(bytes(changed)).problems, (at, bit, bytes(changed[max(0, at - 20) : at + 20]))


def test_changed_missing_inserted_and_moved_lines_are_told_apart(file: Path) -> None:
    one, two, three, four, five = fill(file)
    changed = json.loads(three) | {"tool": "get_invoice"}
    again = {name: value for name, value in changed.items() if name != "hash"}
    inserted = {"time": "t", "tool": "x", "previous": json.loads(two)["hash"]}
    told = [
        problems(one, two, line_of(changed), four, five),
        problems(one, two, forged(again), four, five),
        problems(one, two, four, five),
        problems(three, four, five),
        problems(one, two, forged(inserted), three, four, five),
    ]
    assert [[re.findall(r"\bline (\d+)", problem.lower()) for problem in each] for each in told] == [
        [["3"]], [["3", "4"]], [["2", "3"]], [["1"]], [["3", "4", "2"]],
    ]  # fmt: skip
    assert problems(one, three, two, four, five) != ()
    assert problems(one, one, two) != ()
    for second, third in ((b"", two), (b"\xff", two), (two.replace(b'":"', b'": "', 1), three)):
        [problem] = problems(one, second, third)
        assert re.findall(r"\d+", problem) == ["2"]


def test_a_cut_off_end_shows_only_with_a_head_that_was_kept(file: Path) -> None:
    fill(file)
    content = file.read_bytes()
    head = verify(content).head
    shorter = b"".join(content.splitlines(keepends=True)[:3])
    assert verify(shorter).problems == ()
    assert len(verify(shorter, head).problems) == 1
    fill(file)
    assert verify(file.read_bytes(), head).problems == ()


def test_a_line_that_a_crash_cut_off_is_kept_reported_and_chained_over(file: Path) -> None:
    fill(file, 2)
    with file.open("ab") as torn:
        torn.write(b'{"time":"2026-06-')
    verdict = verify(file.read_bytes())
    assert (verdict.problems, len(verdict.notes)) == ((), 1)
    fill(file, 2)
    verdict = verify(file.read_bytes())
    assert (verdict.lines, verdict.problems) == (5, ())
    assert [re.findall(r"\d+", note) for note in verdict.notes] == [["3"]]
    assert verify(file.read_bytes().replace(b'{"time":"2026-06-\n', b'{"time":"2027-06-\n')).problems
    assert verify(file.read_bytes().replace(b'{"time":"2026-06-\n', b"")).problems == ()


def test_a_last_line_that_only_lacks_its_end_is_followed_as_it_is(file: Path) -> None:
    fill(file, 2)
    file.write_bytes(file.read_bytes()[:-1])
    fill(file, 1)
    assert verify(file.read_bytes()) == verify(file.read_bytes())
    assert (verify(file.read_bytes()).lines, verify(file.read_bytes()).problems) == (3, ())


def test_a_damaged_last_line_does_not_stop_the_record(file: Path) -> None:
    fill(file, 2)
    file.write_bytes(file.read_bytes()[:-5] + b"XXXX\n")
    fill(file, 1)
    [problem] = verify(file.read_bytes()).problems
    assert re.findall(r"\d+", problem) == ["2"]


def test_long_lines_are_chained_to(file: Path) -> None:
    audit = Audit(str(file))
    for size in (10, 300_000, 5, 70_000, 7):
        audit.append({"message": "x" * size})
    assert (verify(file.read_bytes()).lines, verify(file.read_bytes()).problems) == (5, ())


@pytest.mark.skipif(os.name == "nt", reason="no such files there")
def test_what_is_no_ordinary_file_is_not_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, Path(os.devnull)):
        with pytest.raises(AuditError):
            Audit(str(place)).append({"tool": "x"})


def write_many(file: str, number: int, count: int) -> None:
    audit = Audit(file)
    for turn in range(count):
        audit.append({"call": f"{number}-{turn}", "event": "intended", "tool": "void_invoice"})
        audit.append(
            {"call": f"{number}-{turn}", "event": "ended", "tool": "void_invoice", "outcome": "done"}, durable=False
        )


@pytest.mark.processes
def test_the_record_of_four_processes_with_125_changes_each_verifies(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(str(file), number, 125)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 4
    content = file.read_bytes()
    verdict = verify(content)
    assert (verdict.lines, verdict.problems, verdict.notes) == (1000, (), ())
    assert len(calls(entries(content), Wanted(outcome="done"))) == 500


async def test_many_changes_at_once_in_one_server_verify(zoho: Zoho, file: Path) -> None:
    async with zoho.client(audit_file=str(file)) as client, anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(client.call_tool, "create_customer", {"contact_name": f"Customer {number}"})
    assert (verify(file.read_bytes()).lines, verify(file.read_bytes()).problems) == (40, ())


@pytest.mark.processes
async def test_the_command_shows_a_row_per_call_newest_last_and_filters(zoho: Zoho, file: Path) -> None:
    async with zoho.client(audit_file=str(file), repeat_window=0) as client:
        await call(client, "create_customer", contact_name="New")
        await call(client, "void_invoice", invoice_id=await invoice_of(client))
        await client.call_tool("create_customer", {"contact_name": "New"})
    shown = run("audit", "--file", str(file))
    assert (shown.returncode, shown.stderr) == (0, "")
    heading, *rows = shown.stdout.splitlines()
    assert heading.split()[:2] == ["time", "client"]
    assert [row.split("  ")[0] for row in rows] == sorted(row.split("  ")[0] for row in rows)
    outcomes = [next(word for word in row.split() if word in ("done", "asked", "failed")) for row in rows]
    assert outcomes == ["done", "asked", "done", "failed"]

    before = run("audit", "--file", str(file), "before").stdout.splitlines()
    assert len(before) == 2
    identity = next(word for word in before[1].split() if re.fullmatch("[0-9a-f]{12}", word))
    [old] = [json.loads(run("audit", "before", "--file", str(file), identity).stdout)]
    assert (old["call"], old["tool"], old["before"]["status"]) == (identity, "void_invoice", "sent")
    assert run("audit", "before", "--file", str(file), "0" * 12).returncode == 1

    def found(*options: str) -> list[dict[str, Any]]:
        printed = run("audit", "--file", str(file), "--json", *options).stdout
        return [json.loads(line) for line in printed.splitlines()]

    assert [row["tool"] for row in found("--tool", "void_invoice")] == ["void_invoice"] * 2
    assert [row["code"] for row in found("--outcome", "failed")] == [3062]
    assert found("--since", "2999-01-01") == found("--client", "nobody") == []
    assert len(found("--since", "2020", "--client", "MCP")) == 4
    assert run("audit", "--file", str(file), "--outcome", "perhaps").returncode == 2
    assert run("audit", "--file", str(file), "--since", "yesterday").returncode == 2


def test_a_change_without_an_outcome_is_shown_as_unknown(file: Path) -> None:
    Audit(str(file)).append({"call": "1", "event": "intended", "tool": "void_invoice"})
    assert [row["outcome"] for row in calls(entries(file.read_bytes()), Wanted())] == ["unknown"]


@pytest.mark.processes
def test_the_table_says_who_called_where_people_log_in(file: Path) -> None:
    Audit(str(file)).append({"call": "1", "event": "ended", "client": "x", "principal": None, "outcome": "done"})
    assert "who" not in run("audit", ZOHO_AUDIT_FILE=str(file)).stdout.split()
    Audit(str(file)).append({"call": "2", "event": "ended", "client": "x", "principal": "ada", "outcome": "done"})
    heading, _, second = run("audit", ZOHO_AUDIT_FILE=str(file)).stdout.splitlines()
    assert "who" in heading.split()
    assert "ada" in second.split()


@pytest.mark.processes
def test_what_others_wrote_cannot_steer_the_terminal(file: Path) -> None:
    Audit(str(file)).append({"call": "1", "event": "ended", "client": "\x1b[2J\r\nevil", "message": "\u202e"})
    printed = run("audit", ZOHO_AUDIT_FILE=str(file)).stdout
    assert len(printed.splitlines()) == 2
    assert "\x1b" not in printed
    assert "\u202e" not in printed


@pytest.mark.processes
def test_the_command_verifies_prints_the_head_and_says_what_cannot_be_seen(file: Path) -> None:
    raw = fill(file)
    head = json.loads(raw[-1])["hash"]
    whole = run("audit", "verify", "--file", str(file))
    assert whole.returncode == 0
    assert "5 lines" in whole.stdout
    assert f"Head: {head}" in whole.stdout
    assert "--head" in whole.stdout
    kept = run("audit", "--file", str(file), "verify", "--head", head)
    assert (kept.returncode, head in kept.stdout) == (0, True)
    file.write_bytes(b"".join(line + b"\n" for line in raw if line != raw[2]))
    broken = run("audit", "verify", "--file", str(file))
    assert broken.returncode == 1
    assert "line 2" in broken.stdout
    assert run("audit", "verify", "--file", str(file), "--head", "0" * 64).returncode == 1
    assert run("audit", "verify", "--file", str(file.parent / "none")).returncode == 2


@pytest.mark.parametrize("kept", [True, False])
async def test_the_sandboxs_record_lives_as_long_as_its_books(tmp_path: Path, kept: bool) -> None:
    books = str(tmp_path / "books.db") if kept else None
    settings, transport = sandboxed({"HOME": str(tmp_path)}, books)
    await transport.aclose()
    assert settings.audit_file == (f"{books}.audit.jsonl" if kept else "")
    settings, transport = sandboxed({"HOME": str(tmp_path), "ZOHO_AUDIT_FILE": "/somewhere/else"}, books)
    await transport.aclose()
    assert settings.audit_file == "/somewhere/else"


async def test_the_effect_is_that_of_the_very_call_with_the_record_taken_into_account(
    zoho: Zoho, tmp_path: Path
) -> None:
    zoho.person.answer = types.ElicitResult(action="decline")
    audit = tmp_path / "audit.jsonl"
    async with zoho.client(audit_file=str(audit)) as client:
        people = [{"first_name": "Ann", "email": "ann@acme.example"}]
        made = await call(client, "create_customer", contact_name="Acme & Daughters", contact_persons=people)
        customer = made["customer"]["customer_id"]
        removed = {"customer_id": customer, "contact_persons": [{"first_name": "Bob"}]}
        assert (await client.call_tool("update_customer", removed)).is_error
        await call(client, "update_customer", customer_id=customer, notes="x")
    effects = [one["effect"] for one in entries(audit.read_bytes()) if one["tool"] == "update_customer"]
    assert effects == ["destroy", "destroy", "write", "write"]
