"""The command line as people type it: options on either side of the command, and answers to questions."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from zoho_mcp.audit.log import Audit
from zoho_mcp.cli.asking import choose
from zoho_mcp.cli.clients.apps import CLIENTS, ConfigurationError
from zoho_mcp.cli.clients.install import find
from zoho_mcp.cli.main import COMMANDS, main, parser
from zoho_mcp.cli.options import MEMORY
from zoho_mcp.errors import SettingsError

CENTRES = {"United States (accounts.zoho.com)": ("us", "com"), "Europe (accounts.zoho.eu)": ("eu",)}


def parsed(*words: str) -> Any:
    return parser().parse_args(words)


@pytest.mark.parametrize("command", [(name,) for name in COMMANDS if name != "uninstall"] + [("policy", "shipped")])
def test_the_servers_options_count_before_and_behind_a_command(command: tuple[str, ...]) -> None:
    options = ("--sandbox", "--profile", "shop", "--toolsets", "invoices", "--read-only")
    for words in ((*options, *command), (*command, *options)):
        found = parsed(*words)
        assert (found.sandbox, found.profile, found.toolsets, found.read_only) == (MEMORY, "shop", "invoices", True)
        assert (found.http, found.tools) == (None, None)


def test_an_option_is_not_shortened() -> None:
    with pytest.raises(SystemExit):
        parsed("tools", "--read")


def test_the_help_of_each_command_fits_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in COMMANDS:
        with pytest.raises(SystemExit):
            main([name, "--help"])
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize(("typed", "position"), [("2\n", 1), ("EU\n", 1), ("com\n", 0), ("9\n\xb2\nnowhere\nus\n", 0)])
def test_a_choice_is_made_by_number_or_by_word(typed: str, position: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert choose("Where", "The place", CENTRES, "Name it.") == position


def test_without_an_answer_the_error_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(SettingsError) as refused:
        choose("Where", "The place", CENTRES, "Name it.")
    assert "The place" in refused.value.what
    assert refused.value.next_step == "Name it."


@pytest.mark.parametrize("name", ["foo", "curser"])
def test_for_an_unknown_app_the_known_ones_are_listed(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        find(name)
    assert [client for client in CLIENTS if client not in refused.value.next_step] == []
    assert ("Did you mean" in refused.value.next_step) == (name == "curser")


def test_without_an_audit_file_the_error_says_where_one_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit"], {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}) == 2
    shown = capsys.readouterr().err
    assert [word for word in (str(tmp_path), "--sandbox FILE") if word not in shown] == []


def test_the_audit_file_of_kept_demo_books_is_found_beside_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books = tmp_path / "books.db"
    Audit(f"{books}.audit.jsonl").append({"call": "c1", "event": "ended", "tool": "void_invoice", "outcome": "done"})
    assert main(["audit", "--sandbox", str(books), "--json"], {"HOME": str(tmp_path)}) == 0
    assert json.loads(capsys.readouterr().out)["tool"] == "void_invoice"
