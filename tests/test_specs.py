"""The spec files, every entry of them."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from zoho_mcp.errors import SpecError
from zoho_mcp.server.tools.composite import COMPOSITES
from zoho_mcp.settings.variables import EDITIONS
from zoho_mcp.specs.check import check_catalog, check_entry
from zoho_mcp.specs.load import load

CATALOGS = {product: load(product) for product in ("invoice", "books")}
ENTRIES = [
    pytest.param(product, name, id=f"{product}-{name}") for product in CATALOGS for name in CATALOGS[product].operations
]


@pytest.mark.parametrize(("product", "name"), ENTRIES)
def test_an_entry_keeps_the_rules(product: str, name: str) -> None:
    assert check_entry(CATALOGS[product].operations[name]) == []


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("product", CATALOGS)
def test_every_edition_loads_and_shows_at_least_what_everybody_sees(product: str, edition: str) -> None:
    plain, edited = CATALOGS[product].operations, load(product, edition).operations
    assert list(edited) == list(plain)
    for name, operation in plain.items():
        assert set(operation.input["properties"]) <= set(edited[name].input["properties"])
        assert "x-edition" not in json.dumps(edited[name].input)


def test_what_a_client_sees_has_no_words_of_our_own() -> None:
    for operation in CATALOGS["invoice"].operations.values():
        assert '"x-' not in json.dumps(operation.published_input)
        assert "$ref" not in json.dumps(operation.published_input)


def test_every_special_tool_has_its_function_and_every_function_its_tool() -> None:
    special = {operation.handler for catalog in CATALOGS.values() for operation in catalog.operations.values()} - {""}
    assert special == set(COMPOSITES)


def test_a_special_tool_names_the_operations_that_its_function_calls() -> None:
    for name, function in COMPOSITES.items():
        called = set(re.findall(r"(?:record\(|run\(|_rows\(app, )\"(\w+)\"", inspect.getsource(function)))
        operation = CATALOGS["invoice"].operations[name]
        assert called <= {name, *operation.also_needs, *operation.may_need}


def _operation(**changes: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": "get_thing",
        "title": "Show a thing",
        "description": "One thing.",
        "docs": ["GET /things/{thing_id}"],
        "http": {"method": "GET", "path": "/things/{thing_id}"},
        "effect": "read",
        "scope": "things.READ",
        "input": {"type": "object", "properties": {"thing_id": {"type": "string"}}, "required": ["thing_id"]},
    }
    return entry | changes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "_shared.json").write_text('{"$defs": {}, "view": {"fields": {"type": "array"}}}')
    return tmp_path


def write(folder: Path, *operations: dict[str, Any]) -> None:
    file = {"toolset": "things", "title": "Things", "about": "Things.", "operations": operations}
    (folder / "things.json").write_text(json.dumps(file))


def _removal(**confirm: Any) -> dict[str, Any]:
    return _operation(
        effect="destroy",
        http={"method": "DELETE", "path": "/things/{thing_id}"},
        idempotent=True,
        outcome={"sign": "unseen"},
        confirm={"ask": "?", "subject": "get_thing"} | confirm,
    )


def _mailing(**mails: Any) -> dict[str, Any]:
    ids = {"type": "array", "items": {"type": "string"}}
    return _operation(
        effect="send",
        http={"method": "POST", "path": "/things/email"},
        input={"type": "object", "properties": {"thing_ids": ids}, "required": ["thing_ids"]},
        mails={"ids": "thing_ids", "record": "get_thing", "mail": "get_thing", "verb": "E", "amount": "total"} | mails,
    )


def _update(kind: str, schema: str = "number", name: str = "amount") -> dict[str, Any]:
    properties = {"thing_id": {"type": "string"}, name: {"type": schema}}
    return _operation(
        effect="write",
        http={"method": "PUT", "path": "/things/{thing_id}"},
        idempotent=True,
        outcome={"sign": "unseen"},
        replaces={name: {"kind": kind}},
        input={"type": "object", "properties": properties, "required": ["thing_id"]},
    )


def _list(columns: list[str], **answer: Any) -> dict[str, Any]:
    return _operation(answer={"key": "things", "columns": columns} | answer)


WRONG = [
    pytest.param(_list(["name", "a_id"]), "own id", id="rows that begin with a name"),
    pytest.param(
        _list(["thing_id", "part_id"]) | {"http": {"method": "GET", "path": "/things/{thing_id}/parts"}},
        "own id",
        id="rows that begin with the id of another record",
    ),
    pytest.param(_list(["a_id", "total"], sums=["total"]), "currency_code", id="sums without a currency"),
    pytest.param(_list(["a_id", "currency_code"], sums=["total"]), "total", id="sums of no column"),
    pytest.param(
        _list(["payment_id", "currency_code"], currency_of_customer=True), "customer_id", id="the currency of nobody"
    ),
    pytest.param(
        _list(["a_id", "customer_id", "currency_code"], currency_of_customer=True), "payment_id", id="no payments"
    ),
    pytest.param(
        _list(["payment_id", "customer_id"], currency_of_customer=True), "currency_code", id="a currency nobody sees"
    ),
    pytest.param(_update("payout", "string"), "not a number", id="a text is paid out"),
    pytest.param(_update("amount", "string", "fee"), "not a number", id="a text that may fall"),
    pytest.param(_operation(answer={"key": "things", "columns": ["a_id"], "number": "no"}), "number", id="no number"),
    pytest.param(_operation(http={"method": "GET", "path": "/things", "account": True}), "account", id="no account"),
    pytest.param(
        _operation(answer={"key": "things", "columns": ["a_id"], "transactions": True}),
        "customer_id",
        id="transactions of nobody",
    ),
    pytest.param(
        _operation(http={"method": "GET", "path": "/things/{thing_id}", "renames": {"no": "contact_id"}}),
        "no is named",
        id="renames nothing",
    ),
    pytest.param(
        _operation(http={"method": "GET", "path": "/things/{thing_id}", "renames": {"thing_id": "amount"}}),
        "is amount in policies",
        id="hides an amount from the policy",
    ),
    pytest.param(_removal(consequence="explodes"), "consequence", id="unknown consequence"),
    pytest.param(_removal(consequence="pays_out"), "amount", id="a consequence without its argument"),
    pytest.param(_removal(consequence="unapplies"), "payments", id="a consequence without its read"),
    pytest.param(_mailing(ids="thing_id"), "mails.ids", id="mails of no argument"),
    pytest.param(_mailing(mail="get_nothing"), "get_nothing", id="mails that nothing shows"),
    pytest.param(
        _operation(found_by={"field": "a", "value": "b", "list": "get_thing", "read": "get_thing"}),
        "found_by",
        id="found by no argument",
    ),
    pytest.param(_operation(efect="read"), "efect", id="unknown key"),
    pytest.param(_operation(effect="harmless"), "effect", id="unknown effect"),
    pytest.param(_operation(effect="write"), "effect read", id="a GET that writes"),
    pytest.param(
        _operation(effect="write", http={"method": "POST", "path": "/things/{thing_id}"}),
        "outcome",
        id="a change without outcome",
    ),
    pytest.param(_operation(idempotent=True), "outcome", id="a read with the keys of a change"),
    pytest.param(
        _operation(input={"type": "object", "properties": {"thing_id": {"typ": "string"}}}),
        "typ",
        id="word of no schema",
    ),
    pytest.param(_operation(input={"type": "object", "properties": {}}), "{thing_id}", id="place without argument"),
    pytest.param(_operation(exclusive=[["a", "b"]]), "exclusive", id="exclusive names nothing"),
    pytest.param(
        _operation(input={"$ref": "_shared.json#/$defs/nothing"}),
        "'nothing'",
        id="dangling reference",
    ),
    pytest.param(
        _operation(effect="destroy", http={"method": "DELETE", "path": "/things/{thing_id}"}),
        "confirm",
        id="no confirm",
    ),
    pytest.param(
        _operation(
            effect="destroy",
            http={"method": "DELETE", "path": "/things/{thing_id}"},
            confirm={"ask": "?", "subject": "get_nothing"},
        ),
        "get_nothing",
        id="subject does not exist",
    ),
]


def test_an_update_of_what_was_paid_out_says_so(folder: Path) -> None:
    paying = _operation(
        name="pay_thing",
        effect="destroy",
        http={"method": "POST", "path": "/things"},
        idempotent=False,
        outcome={"sign": "unseen"},
        confirm={"ask": "?", "subject": "list_things", "done": "Paid.", "consequence": "pays_out"},
        input={"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]},
    )
    listing = _operation(
        name="list_things", http={"method": "GET", "path": "/things"}, input={"type": "object", "properties": {}}
    )
    write(folder, listing, paying, _update("amount"))
    with pytest.raises(SpecError, match="payout"):
        load(folder=folder)
    write(folder, listing, paying, _update("payout"))
    assert "get_thing" in load(folder=folder).operations


def test_few_tools_are_always_loaded(folder: Path) -> None:
    write(folder, *(_operation(name=f"get_thing_{letter}", always_loaded=True) for letter in "abcdef"))
    with pytest.raises(SpecError, match="always_loaded"):
        load(folder=folder)


@pytest.mark.parametrize(("entry", "names"), WRONG)
def test_a_wrong_entry_stops_the_load_and_is_named(folder: Path, entry: dict[str, Any], names: str) -> None:
    write(folder, entry)
    with pytest.raises(SpecError, match=r"things\.json: get_thing") as caught:
        load(folder=folder)
    assert names in str(caught.value)


def test_a_file_that_is_no_json_stops_the_load_and_is_named(folder: Path) -> None:
    (folder / "things.json").write_text("{")
    with pytest.raises(SpecError, match=r"things\.json"):
        load(folder=folder)


def test_a_toolset_that_is_not_named_like_its_file_stops_the_load(folder: Path) -> None:
    write(folder, _operation())
    (folder / "things.json").rename(folder / "stuff.json")
    with pytest.raises(SpecError, match=r"stuff\.json"):
        load(folder=folder)


def test_a_name_used_twice_stops_the_load(folder: Path) -> None:
    write(folder, _operation(), _operation())
    with pytest.raises(SpecError, match="get_thing"):
        load(folder=folder)


def test_what_differs_in_books_is_merged_over_the_entry(folder: Path) -> None:
    write(folder, _operation(books={"http": {"path": "/bookthings/{thing_id}"}, "note": None}))
    assert load("invoice", folder=folder).operations["get_thing"].http.path == "/things/{thing_id}"
    assert load("books", folder=folder).operations["get_thing"].http.path == "/bookthings/{thing_id}"


@pytest.mark.parametrize("product", CATALOGS)
def test_what_an_update_leaves_out_has_no_default(product: str) -> None:
    updates = [one for one in CATALOGS[product].operations.values() if one.name.startswith("update_")]
    described = [
        (one.name, name)
        for one in updates
        for name, schema in one.input["properties"].items()
        if schema.get("description", "").startswith("Default")
    ]
    assert described == []


CHANGE = _operation(
    name="close_thing",
    effect="write",
    http={"method": "POST", "path": "/things/{thing_id}/close"},
    idempotent=True,
    outcome={"sign": "unseen"},
)
UNWANTED = [
    pytest.param(CHANGE, "get_thing in after.read", id="a result that names no record"),
    pytest.param(_operation(answer={"key": "thing"}), "answer.fields", id="a record without fields"),
    pytest.param(_operation(description="See get_other."), "get_other", id="a tool that may not be offered"),
    pytest.param(_operation(description="Long. " * 1000), "x-unlisted", id="a default that costs too much"),
]


@pytest.mark.parametrize(("entry", "names"), UNWANTED)
def test_an_author_is_told_what_models_and_people_would_miss(folder: Path, entry: dict[str, Any], names: str) -> None:
    other = _operation(name="get_other", known_from="computed")
    file = {"toolset": "others", "title": "Others", "about": "Others.", "extra": True, "ability": "other things"}
    (folder / "others.json").write_text(json.dumps(file | {"operations": [other]}))
    shown = _operation(answer={"key": "thing", "fields": ["name"]})
    write(folder, *{one["name"]: one for one in (shown, entry)}.values())
    assert [problem for problem in check_catalog(load(folder=folder)) if names in problem]


@pytest.mark.parametrize("product", CATALOGS)
def test_toolsets_keep_the_rules_and_stay_small(product: str) -> None:
    assert check_catalog(CATALOGS[product]) == []
