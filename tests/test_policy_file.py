"""A policy file is understood to the last word, or the start stops and says where it is wrong."""

import os
import re
from pathlib import Path

import pytest
from machine import ROOT, run_here

from zoho_mcp.cli.policy import call_facts, policy_in_force
from zoho_mcp.errors import SettingsError
from zoho_mcp.policy.explain import Explanation, explanation
from zoho_mcp.policy.facts import at_hand
from zoho_mcp.policy.load import KEYS, load_policy, shipped_text
from zoho_mcp.policy.rules import decide
from zoho_mcp.settings import config_folder, from_environment, state_folder
from zoho_mcp.specs.load import load

CATALOG = load()
VOID = 'tools = "void_invoice"\naction = "ask"\n'
HOMELESS = {"XDG_CONFIG_HOME": "/nonexistent", "XDG_STATE_HOME": "/nonexistent"}
"""The environment of a user without a policy file."""
WRONG = {
    "broken TOML": ("[defaults\n", "line 1"),
    "unknown table": ("[rule]\n", "rule", "rules"),
    "unknown default": ('[defaults]\nwirte = "ask"\n', "wirte", "write"),
    "unknown action": ('[defaults]\nwrite = "maybe"\n', "write", "allow, ask, refuse", "maybe"),
    "defaults no table": ("defaults = 3\n", "[defaults]"),
    "rules no tables": ("rules = [1]\n", "[[rules]]"),
    "unknown key": (
        f"\n[[rules]]\n{VOID}amonut_over = 3\n",
        "rule 1 (line 5): ",
        "amonut_over",
        "amount_over",
    ),
    "unknown tool": (
        f'[[rules]]\n{VOID}[[rules]]\naction = "ask"\ntools = ["get_invoice", "delet_invoice"]\n',
        "rule 2 (line 6): ",
        "delet_invoice",
        "delete_invoice",
    ),
    "glob without a tool": ('[[rules]]\naction = "ask"\ntools = "vod_*"\n', "rule 1 (line 3): ", "vod_*"),
    "unknown toolset": ('[[rules]]\naction = "ask"\ntoolsets = "invoice"\n', "rule 1 (line 3): ", "invoices"),
    "unknown effect": ('[[rules]]\naction = "ask"\neffects = "delete"\n', "rule 1 (line 3): ", "delete"),
    "unknown status": ('[[rules]]\naction = "ask"\nstatus = ["Void"]\n', "Void", "void"),
    "no action": ('[[rules]]\ntools = "void_invoice"\n', "rule 1 (line 1): action"),
    "wrong action": ('[[rules]]\naction = "deny"\n', "rule 1 (line 2): action", "allow, ask, refuse"),
    "negative amount": (f"[[rules]]\n{VOID}amount_over = -1\n", "amount_over", "-1"),
    "infinite amount": (f"[[rules]]\n{VOID}amount_over = inf\n", "rule 1 (line 4): amount_over"),
    "amount as text": (f'[[rules]]\n{VOID}amount_over = "5"\n', "amount_over", "'5'"),
    "amount as yes": (f"[[rules]]\n{VOID}amount_over = true\n", "rule 1 (line 4): amount_over"),
    "organisation as number": (
        f"[[rules]]\n{VOID}organization = 7\n",
        "rule 1 (line 4): organization",
    ),
    "empty list": ('[[rules]]\naction = "ask"\ntools = []\n', "tools", "[]"),
    "recipients inside": (
        '[[rules]]\naction = "ask"\nrecipient_outside_contacts = false\n',
        "recipient_outside_contacts",
    ),
    "reason no text": (f"[[rules]]\n{VOID}reason = 3\n", "rule 1 (line 4): reason"),
    "matchers that cannot be combined": (
        '[[rules]]\naction = "ask"\ntools = "void_*"\neffects = "read"\n',
        "rule 1 (line 1): ",
        "tools, toolsets and effects",
    ),
    "recipients of what is no mail": (
        f"[[rules]]\n{VOID}recipient_outside_contacts = true\n",
        "rule 1 (line 1): ",
        "recipients",
    ),
    "status of nothing": (
        '[[rules]]\naction = "ask"\ntools = "create_customer"\nstatus = "active"\n',
        "rule 1 (line 1): ",
        "status",
    ),
    "amount of nothing": (
        '[[rules]]\naction = "ask"\ntools = "create_customer"\namount_over = 1\n',
        "rule 1 (line 1): ",
        "amount",
    ),
}
SHADOWED = {
    "the same again": (VOID, VOID),
    "a narrower one": ('effects = "destroy"\naction = "ask"\n', VOID),
    "everything before": ('action = "ask"\n', VOID),
    "a higher amount": (f"amount_over = 5\n{VOID}", f"amount_over = 50.5\n{VOID}"),
    "fewer statuses": (f'status = ["sent", "paid"]\n{VOID}', f'status = "paid"\n{VOID}'),
    "a caller among callers": (f'principal = "a*"\n{VOID}', f'principal = ["ada", "a*"]\n{VOID}'),
    "an organisation among them": (f'organization = ["1", "2"]\n{VOID}', f'organization = "1"\n{VOID}'),
    "two that together take all": (
        VOID,
        'tools = "delete_invoice"\naction = "ask"\n',
        'tools = ["delete_invoice", "void_invoice"]\naction = "refuse"\n',
    ),
}
NOT_SHADOWED = {
    "a lower amount": (f"amount_over = 50\n{VOID}", f"amount_over = 5\n{VOID}"),
    "without the amount": (f"amount_over = 50\n{VOID}", VOID),
    "another status": (f'status = "paid"\n{VOID}', f'status = ["sent", "paid"]\n{VOID}'),
    "callers who did not log in": (f'principal = "*"\n{VOID}', VOID),
    "a wider caller": (f'principal = "ada"\n{VOID}', f'principal = "a*"\n{VOID}'),
    "the sending part of a writing tool": (
        'toolsets = "invoices"\neffects = "write"\naction = "allow"\n',
        'tools = "create_invoice"\naction = "ask"\n',
    ),
}


def written(folder: Path, text: str) -> str:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def rules(*bodies: str) -> str:
    return "".join(f"[[rules]]\n{body}" for body in bodies)


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_with_its_file_and_place(tmp_path: Path, what: str) -> None:
    text, *named = WRONG[what]
    file = written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_policy(CATALOG, file=file)
    told = str(caught.value)
    assert [name for name in (file, *named) if name not in told] == []
    assert told.count("\n- ") <= 1


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    text = '[defaults]\nx = "ask"\n[[rules]]\naction = "no"\n[[rules]]\ntools = "x"\n'
    with pytest.raises(SettingsError) as caught:
        load_policy(CATALOG, file=written(tmp_path, text))
    assert str(caught.value).count("\n- ") == 4


@pytest.mark.parametrize("bodies", SHADOWED.values(), ids=list(SHADOWED))
def test_a_rule_whose_calls_earlier_rules_take_is_an_error(tmp_path: Path, bodies: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match=rf"rule {len(bodies)} \(line \d+\): .*\brule 1\b"):
        load_policy(CATALOG, file=written(tmp_path, rules(*bodies)))


@pytest.mark.parametrize("bodies", NOT_SHADOWED.values(), ids=list(NOT_SHADOWED))
def test_a_rule_that_still_has_calls_of_its_own_is_none(tmp_path: Path, bodies: tuple[str, ...]) -> None:
    policy = load_policy(CATALOG, file=written(tmp_path, rules(*bodies)))
    assert len(policy.rules) == len(bodies) + 1


def test_what_a_file_does_not_say_stays_as_shipped(tmp_path: Path) -> None:
    shipped = load_policy(CATALOG)
    mine = load_policy(CATALOG, file=written(tmp_path, rules(VOID)))
    assert mine.defaults == shipped.defaults
    assert mine.rules[1:] == shipped.rules
    own = load_policy(CATALOG, file=written(tmp_path, '[defaults]\nsend = "allow"\n'))
    assert own.rules == ()
    asking = load_policy(CATALOG, file=written(tmp_path, rules('effects = "send"\naction = "ask"\n')))
    assert len(asking.rules) == 1


def test_the_shipped_file_is_a_start_for_ones_own(tmp_path: Path) -> None:
    shipped, copied = load_policy(CATALOG), load_policy(CATALOG, file=written(tmp_path, shipped_text()))
    assert copied.defaults == shipped.defaults
    assert [rule.effects for rule in copied.rules] == [rule.effects for rule in shipped.rules]


def test_the_example_of_the_documentation_is_a_policy(tmp_path: Path) -> None:
    documentation = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", documentation, re.DOTALL)
    assert len(load_policy(CATALOG, file=written(tmp_path, example)).rules) == 4
    assert set(KEYS) <= set(re.findall(r"`(\w+)", documentation))


def test_a_named_file_must_be_there_and_the_users_own_may_be_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_policy(CATALOG, file=str(tmp_path / "none.toml"))
    assert load_policy(CATALOG, users_file=str(tmp_path / "none.toml")).source == "the shipped policy"
    (tmp_path / "link.toml").symlink_to(tmp_path / "none.toml")
    with pytest.raises(SettingsError):
        load_policy(CATALOG, users_file=str(tmp_path / "link.toml"))


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["no text", "a folder"])
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "policy.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(str(path))):
        load_policy(CATALOG, users_file=str(path))


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xef\xbb\xbf" + b'[defaults]\nwrite = "ask"\n')
    assert load_policy(CATALOG, file=str(path)).defaults["write"] == "ask"


@pytest.mark.parametrize(
    ("environment", "platform", "config", "state"),
    [
        ({"HOME": "/h"}, "linux", "/h/.config/zoho-invoice-mcp", "/h/.local/state/zoho-invoice-mcp"),
        (
            {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}, "linux",
            "/c/zoho-invoice-mcp", "/s/zoho-invoice-mcp",
        ),
        (
            {"HOME": "/h", "XDG_CONFIG_HOME": "relative"}, "linux",
            "/h/.config/zoho-invoice-mcp", "/h/.local/state/zoho-invoice-mcp",
        ),
        (
            {"HOME": "/Users/x"}, "darwin",
            "/Users/x/Library/Application Support/zoho-invoice-mcp",
            "/Users/x/Library/Application Support/zoho-invoice-mcp",
        ),
        ({}, "linux", "", ""),
    ],
)  # fmt: skip
@pytest.mark.skipif(os.name == "nt", reason="paths as they are written elsewhere")
def test_the_users_folders_are_those_of_the_platform(
    environment: dict[str, str], platform: str, config: str, state: str
) -> None:
    assert (config_folder(environment, platform), state_folder(environment, platform)) == (config, state)


def test_the_start_stops_with_status_2_when_the_policy_is_wrong(tmp_path: Path) -> None:
    file = written(tmp_path, '[[rules]]\ntools = "vod_invoice"\naction = "ask"\n')
    result = run_here({"ZOHO_POLICY_FILE": file}, "--sandbox")
    assert (result.returncode, result.stdout, result.kind) == (2, "", "settings")
    assert [
        name for name in (file, "rule 1 (line 2): ", "vod_invoice", "void_invoice") if name not in result.stderr
    ] == []


def test_the_command_shows_the_policy_and_where_it_is_from(tmp_path: Path) -> None:
    shipped = run_here(HOMELESS, "policy")
    assert (shipped.returncode, shipped.stderr) == (0, "")
    (tmp_path / "zoho-invoice-mcp").mkdir()
    file = written(tmp_path / "zoho-invoice-mcp", rules(f'amount_over = 1000\nreason = "Too much."\n{VOID}'))
    own = run_here({"XDG_CONFIG_HOME": str(tmp_path), "ZOHO_CONFIRM": "refuse"}, "policy").stdout
    assert file in own.splitlines()[0]
    [rule] = [line for line in own.splitlines() if line.strip().startswith("1. ")]
    assert [word for word in ("void_invoice", "1,000.00", "Too much.") if word not in rule] == []
    assert "ZOHO_CONFIRM=refuse" in own
    assert run_here(HOMELESS, "policy", "shipped").stdout == shipped_text()


OWN = rules(
    'tools = "void_invoice"\nstatus = "paid"\naction = "allow"\n',
    'toolsets = "invoices"\namount_over = 1000\naction = "refuse"\nreason = "Too much."\n',
    'tools = "create_customer"\nprincipal = "clerk-*"\naction = "refuse"\n',
)


def explained(call: str, **environment: str) -> Explanation:
    """What `policy test` would print about a call."""
    tool, *given = call.split()
    settings = from_environment(HOMELESS | environment, account=False)
    operation, facts = call_facts(tool, given, settings, CATALOG)
    return explanation(policy_in_force(settings, CATALOG), operation, facts)


@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("void_invoice record.total=1000 record.status=sent", "ask"),
        ("void_invoice record.total=1000.01 record.status=sent", "refuse"),
        ("void_invoice record.status=paid", "allow"),
        ("record_invoice_payment amount=1001", "refuse"),
        ("record_invoice_payment amount=1000", "allow"),
        ("create_invoice send=true", "allow"),
        ("create_customer", "allow"),
        ("create_customer principal=clerk-7", "refuse"),
        ("email_invoice to_mail_ids=a@x.example,b@x.example record.contact_persons=a@x.example", "ask"),
        ("email_invoice to_mail_ids=a@x.example record.contact_persons=A@x.example,c@x.example", "allow"),
    ],
)
def test_a_test_of_the_policy_shows_what_would_happen_to_a_call(tmp_path: Path, call: str, action: str) -> None:
    found = explained(call, ZOHO_POLICY_FILE=written(tmp_path, OWN))
    assert found.otherwise.action == action
    if action == "refuse" and "amount" in call:
        assert found.otherwise.reason == "Too much."


def test_a_test_of_the_policy_shows_what_a_call_depends_on(tmp_path: Path) -> None:
    found = explained("void_invoice", ZOHO_POLICY_FILE=written(tmp_path, OWN))
    assert found.unknown == {"status", "amount"}
    assert [decision.action for _, decision in found.depends] == ["allow", "refuse"]
    shipped = explained("email_invoice to_mail_ids=a@x.example")
    assert (shipped.unknown, shipped.otherwise.action) == ({"recipients"}, "allow")
    printed = run_here(HOMELESS, "policy", "test", "email_invoice", "to_mail_ids=a@x.example")
    assert (printed.returncode, "record.contact_persons=" in printed.stdout) == (0, True)


@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("create_invoice principal=clerk-7", "refuse"),
        ("list_items principal=clerk-7", "refuse"),
        ("list_invoices principal=clerk-7 organization=11", "refuse"),
        ("list_invoices principal=clerk-7 organization=10", "allow"),
        ("list_invoices principal=clerk-7", "allow"),
        ("create_invoice principal=ada", "allow"),
        ("create_invoice", "allow"),
    ],
)
def test_a_test_of_the_policy_knows_the_grants_of_a_caller(tmp_path: Path, call: str, action: str) -> None:
    clerks = '[[principals]]\nprincipal = "clerk-*"\naccess = "read"\ntoolsets = "invoices"\norganization = "10"\n'
    found = explained(call, ZOHO_POLICY_FILE=written(tmp_path, clerks)).otherwise
    assert found.action == action
    assert found.rule.startswith("principals 1 of ") == (action == "refuse")


@pytest.mark.parametrize(
    "call", ["vod_invoice", "void_invoice foo=1", "void_invoice foo", "void_invoice record.total=x"]
)
def test_a_call_that_cannot_be_is_named(call: str) -> None:
    with pytest.raises(SettingsError) as refused:
        explained(call)
    assert call.split()[-1].split("=")[0] in refused.value.what


def test_a_test_of_the_policy_and_the_server_agree() -> None:
    policy = load_policy(CATALOG)
    for name in ("void_invoice", "list_invoices", "create_customer"):
        facts = at_hand(CATALOG.operations[name], {}, CATALOG, "", None)
        assert explained(name).otherwise == decide(policy, CATALOG.operations[name], facts)
