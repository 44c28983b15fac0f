"""What commands show: colour and progress in a terminal, plain text everywhere else, and no mess after Ctrl-C."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import COMMAND, INTERRUPTED, Accounts, Machine, add_organization, plain, serving

from zoho_mcp.audit.log import Audit
from zoho_mcp.cli.audit import COLUMNS
from zoho_mcp.sandbox.credentials import CREDENTIALS

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from terminal import in_terminal

pytestmark = pytest.mark.processes

HOSTILE = "[red]Käfer & Co[/red] \x1b[2J\x1b]0;evil\x07 [link=x]\u202eli\x9bnk"
PLAIN_HOSTILE = "[red]Käfer & Co[/red]  [2J ]0;evil  [link=x]li nk"


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with serving(tmp_path_factory.mktemp("zoho")) as found:
        add_organization(found, "900000002", HOSTILE)
        yield found


@pytest.fixture
def audited(tmp_path: Path) -> Path:
    file = tmp_path / "audit.jsonl"
    audit = Audit(str(file))
    for number in range(2):
        audit.append({"call": f"{number}", "event": "ended", "client": HOSTILE, "tool": "email_recurring_invoice",
                      "record_id": "9820000000001002710", "outcome": "done", "message": f"{HOSTILE} " * 5})  # fmt: skip
    return file


COMMANDS = [
    ("tools",),
    ("policy",),
    ("policy", "test", "void_invoice"),
    ("audit",),
    ("audit", "verify"),
    ("profiles",),
    ("doctor",),
]  # fmt: skip


@pytest.fixture(scope="module")
def logged_in(accounts: Accounts, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    machine = Machine(accounts, tmp_path_factory.mktemp("home"))
    assert machine.login("--organization", "900000002").returncode == 0
    return machine


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_plain_text_is_the_same_piped_without_colours_and_on_a_dumb_terminal(
    logged_in: Machine, audited: Path, command: tuple[str, ...]
) -> None:
    environment = logged_in.environment(ZOHO_AUDIT_FILE=str(audited))
    piped = subprocess.run([*COMMAND, *command], env=environment, capture_output=True, timeout=60, check=False)
    assert piped.stderr == b""
    expected = _without_what_passes(piped.stdout.decode())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2500-\u257f]", expected)
    # One place decides for all commands what a terminal can show.
    others = ({"TERM": "dumb"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}) if command == ("profiles",) else ()
    for more in ({"NO_COLOR": "1"}, *others):
        shown = in_terminal(environment | more, *command, columns=30)
        assert _without_what_passes(shown.raw.replace("\r\n", "\n")) == expected
        assert shown.status == piped.returncode
    coloured = in_terminal(environment, *command, columns=250)
    assert "\x1b[" in coloured.raw
    assert set(re.findall(r"\w+", expected)) - set(re.findall(r"\w+", coloured.text)) <= {"ok", "note", "FAILS"}


def _without_what_passes(text: str) -> str:
    return re.sub(r"\d+ (more minutes|of 1000|h|min\b)|\w+ \d of", "", text)


@pytest.mark.parametrize("columns", [40, 200])
def test_names_from_zoho_are_printed_as_they_are_and_cannot_steer_the_terminal(machine: Machine, columns: int) -> None:
    """Through every command that shows one: choosing at login, the list of profiles, doctor."""
    chosen = in_terminal(
        machine.environment(**machine.to_zoho()), "login", "--client-id", CREDENTIALS.client_id,
        "--port", str(machine.port), columns=columns,
        keys=(("Client secret", f"{CREDENTIALS.client_secret}\n"), ("Number (1-2)", "2\n")),
    )  # fmt: skip
    assert chosen.status == 0, chosen.text
    shown = [chosen, *(in_terminal(machine.environment(), name, columns=columns) for name in ("profiles", "doctor"))]
    for each in shown:
        assert PLAIN_HOSTILE.split() == [word for word in PLAIN_HOSTILE.split() if word in each.text]
        assert "[red]Käfer & Co[/red]" in " ".join(each.text.split())
        assert "\x1b[2J" not in each.raw
        assert "\x1b]0;" not in each.raw
        assert not set("\u202e\x9b\x07") & set(each.raw)


@pytest.mark.parametrize("command", [("doctor",), ("policy",), ("tools", "--toolsets", "customers")], ids=" ".join)
def test_text_wraps_between_words(machine: Machine, command: tuple[str, ...]) -> None:
    wide, narrow = (in_terminal(machine.environment(), *command, columns=columns).text for columns in (1000, 70))
    long = [line for line in narrow.splitlines() if len(line) > 70 and " " in line.strip(" -•>✓✗")]
    assert [line for line in long if max(map(len, line.split())) < 50] == []
    assert [word for word in narrow.split() if "─" not in word] == [word for word in wide.split() if "─" not in word]


def test_what_people_copy_is_whole_on_the_narrowest_terminal(machine: Machine, audited: Path) -> None:
    environment = machine.environment(**machine.to_zoho(), ZOHO_AUDIT_FILE=str(audited))
    login = ("login", "--client-id", CREDENTIALS.client_id, "--port", str(machine.port), "--organization", "900000001")
    secret = (("Client secret", f"{CREDENTIALS.client_secret}\n"),)
    shown = in_terminal(environment, *login, columns=25, keys=secret)
    assert shown.status == 0, shown.text
    assert machine.pages().splitlines()[0] in shown.text
    assert str(machine.profile()) in shown.text
    machine.tokens.chmod(0o777)
    seen = in_terminal(environment, "doctor", columns=25)
    assert f"chmod 700 '{machine.tokens}'" in " ".join(seen.text.split())
    assert str(machine.tokens) in seen.text
    rows = in_terminal(environment, "audit", columns=25)
    assert rows.text.count("9820000000001002710") == 2
    assert rows.text.count("email_recurring_invoice") == 2


def test_a_table_that_fits_stays_a_table_and_one_that_does_not_loses_nothing(machine: Machine, audited: Path) -> None:
    environment = machine.environment(ZOHO_AUDIT_FILE=str(audited))
    wide, narrow = (in_terminal(environment, "audit", columns=columns).text for columns in (250, 80))
    assert {line.count("email_recurring_invoice") for line in wide.splitlines() if "email" in line} == {1}
    headings = {word for _, heading, _ in COLUMNS for word in heading.split()} | {"─"}
    words = [sorted(word for word in text.split() if not headings & {word, word[0]}) for text in (wide, narrow)]
    assert words[0] == words[1]


def test_ctrl_c_ends_the_demo_quietly(machine: Machine, tmp_path: Path) -> None:
    shown = in_terminal(machine.environment(**INTERRUPTED), "demo", keys=(("Starting the server", "\x03"),))
    assert shown.status == 130
    assert "Traceback" not in shown.raw
    assert shown.raw.count("\x1b[?25l") == shown.raw.count("\x1b[?25h") > 0
    assert shown.raw.endswith("\r\n")


def test_ctrl_c_while_login_waits_keeps_nothing(machine: Machine) -> None:
    before = sorted(machine.home.rglob("*"))
    shown = in_terminal(
        machine.environment(**machine.to_zoho(), **INTERRUPTED), "login", "--client-id", CREDENTIALS.client_id,
        "--no-browser", "--port", str(machine.port),
        keys=(("Client secret", f"{CREDENTIALS.client_secret}\n"), ("Waiting for you", "\x03")),
    )  # fmt: skip
    assert shown.status == 130
    assert "Traceback" not in shown.raw
    assert CREDENTIALS.client_secret not in shown.raw
    assert shown.raw.count("\x1b[?25l") == shown.raw.count("\x1b[?25h") > 0
    assert [path for path in sorted(machine.home.rglob("*")) if path not in before and path.is_file()] == []


def test_the_server_says_what_it_waits_for_when_a_person_starts_it(machine: Machine) -> None:
    shown = in_terminal(machine.environment(**INTERRUPTED), "--sandbox", keys=(("waiting for a chat app", "\x03"),))
    assert shown.status == 130
    assert "Traceback" not in shown.raw


def test_a_reader_that_leaves_early_ends_nothing_and_sees_no_traceback(tmp_path: Path) -> None:
    """As in `… | head -1`: the demo goes on to its end, with its file."""
    with subprocess.Popen(
        [*COMMAND, "demo"], env=plain(), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() != ""
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0
    assert list((tmp_path / "demo-output").glob("*.pdf"))


def test_the_server_starts_without_rich() -> None:
    listed = {"PYTHONPROFILEIMPORTTIME": "1"}
    result = subprocess.run(
        [*COMMAND, "--sandbox"], env=plain() | listed, input="", capture_output=True, text=True, timeout=60, check=True
    )
    assert " httpx\n" in result.stderr
    assert not re.search(r"\| +(rich|pygments|markdown_it)\b", result.stderr)
    assert result.stdout == ""
