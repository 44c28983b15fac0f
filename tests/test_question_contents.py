"""Every amount, address and text of a call is in its question, for every tool, whatever the order and the length."""

import itertools
import random
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

import pytest

from zoho_mcp.policy.consequences import mail
from zoho_mcp.policy.display import for_page, money, quoted, spelled_date
from zoho_mcp.policy.facts import recipients
from zoho_mcp.policy.losses import losses_of
from zoho_mcp.policy.preview import FINAL, Preview, preview
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

CATALOGS = {product: load(product) for product in ("invoice", "books")}
TOOLS = {
    f"{product} {name}": operation
    for product, catalog in CATALOGS.items()
    for name, operation in catalog.operations.items()
    if operation.effect != "read"
}
FAR_AWAY = {"record": "1"}
QUOTED = re.compile("\u2068[^\u2068\u2069]*\u2069")
ADDRESSES = ("email", "mail_ids")


def values(schema: Mapping[str, Any], name: str, count: Iterator[int], elements: int = 3) -> Any:
    """A value that the schema takes and that occurs nowhere else."""
    number = next(count)
    match schema.get("type"):
        case "array":
            return [values(schema["items"], name, count, elements) for _ in range(elements)]
        case "object":
            return {key: values(part, key, count, elements) for key, part in schema.get("properties", {}).items()}
        case "number":
            return 1000 + number + 0.25
        case "integer":
            return 7000 + number
        case "boolean":
            return True
        case _ if "enum" in schema:
            return schema["enum"][-1]
        case _ if name.endswith(ADDRESSES):
            return f"person{number}@place{number}.example"
        case _ if schema.get("format") == "date":
            return f"20{number % 90 + 10}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        case _ if name.endswith(("_id", "_ids", "contact_persons")):
            return str(98_200_000 + number)
        case _ if name == "discount":
            return f"{number % 100}%"
        case _:
            return f"Word{number}x"


def arguments_of(operation: Operation, elements: int = 3) -> dict[str, Any]:
    count = itertools.count(1)
    given = values(operation.input, "", count, elements)
    given.pop("clear", None)
    return given


def asked(operation: Operation, given: Mapping[str, Any], record: Mapping[str, Any] = FAR_AWAY) -> Preview:
    more = mail(record, given, None) if recipients(given) else None
    return preview(operation, record, given, more, losses_of(operation, given, record))


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, part in cast("Mapping[str, Any]", value).items():
            yield from leaves(part, key)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from leaves(part, name)
    else:
        yield name, value


def shown(question: Preview) -> str:
    """What the page shows."""
    rows = (*question.losses, *question.details, *question.texts)
    return "\n".join([for_page(question.question), *(f"{label}: {for_page(text)}" for label, text in rows)])


def missing(operation: Operation, given: Mapping[str, Any], text: str) -> list[tuple[str, Any]]:
    """What of the arguments a person does not see."""
    hidden = {name for name in given if f"{{{name}}}" in operation.http.path} | {"line_item_id", "contact_person_id"}
    return [
        (name, value)
        for name, value in leaves(given)
        if name not in hidden and not isinstance(value, bool) and not any(form in text for form in forms(value))
    ]


def forms(value: Any) -> tuple[str, ...]:
    if isinstance(value, int | float):
        return (money(value), format(Decimal(str(value)), "f"))
    return (str(value), spelled_date(value))


@pytest.mark.parametrize("name", TOOLS)
def test_every_value_of_a_call_is_on_the_page_and_in_the_form(name: str) -> None:
    operation = TOOLS[name]
    given = arguments_of(operation)
    question = asked(operation, given)
    assert missing(operation, given, shown(question)) == []
    assert missing(operation, given, question.text().replace("\\", "")) == []


@pytest.mark.parametrize("name", TOOLS)
def test_the_order_of_the_arguments_changes_nothing_but_the_order(name: str) -> None:
    operation = TOOLS[name]
    given = arguments_of(operation)
    rows = sorted(asked(operation, given).details)
    for seed in range(5):
        order = random.Random(seed).sample(sorted(given), len(given))
        assert sorted(asked(operation, {key: given[key] for key in order}).details) == rows


def test_what_goes_beyond_200_lines_is_counted_and_summed() -> None:
    lines = [{"name": f"Line{number}x", "rate": number, "quantity": 2} for number in range(1, 251)]
    question = asked(TOOLS["invoice create_invoice"], {"customer_id": "1", "line_items": lines})
    rows = dict(question.details)
    assert rows["Total before tax"] == money(2 * sum(range(1, 251)))
    assert rows["Line 200"].startswith("2 x 200.00 = 400.00")
    assert "Line 201" not in rows
    beyond = rows["And"]
    assert money(2 * sum(range(201, 251))) in beyond
    assert "50" in beyond


@pytest.mark.parametrize("count", [1, 10, 400])
@pytest.mark.parametrize("tool", [name for name, one in TOOLS.items() if "to_mail_ids" in one.input["properties"]])
def test_every_recipient_is_named_however_many_and_long(tool: str, count: int) -> None:
    people = [f"{'long' * 12}{number}@{'very-long-domain.' * 8}example" for number in range(count)]
    copies = [f"copy{number}@x.example" for number in range(count)]
    question = asked(TOOLS[tool], {"to_mail_ids": people, "cc_mail_ids": copies})
    page, form = shown(question), question.text().replace("\\", "")
    assert [one for one in (*people, *copies) if one not in page or one not in form] == []


@pytest.mark.parametrize("count", [3, 250])
def test_every_new_contact_person_is_named(count: int) -> None:
    given = {"contact_name": "x", "contact_persons": [{"email": f"p{number}@x.example"} for number in range(count)]}
    text = shown(asked(TOOLS["invoice create_customer"], given))
    assert all(f"p{number}@x.example" in text for number in range(count))


def test_a_mails_text_is_whole_on_the_page_and_begins_in_the_form() -> None:
    body = "".join(f"Sentence {number}. " for number in range(3000))
    subject = "Long " * 100
    given = {"to_mail_ids": ["a@x.example"], "subject": subject, "body": body}
    question = asked(TOOLS["invoice email_invoice"], given)
    assert dict(question.texts)["Text"] == body.strip()
    assert dict(question.texts)["Subject"] == subject.strip()
    form = question.text()
    assert "Sentence 9." in form
    assert str(len(body.strip())) in form
    assert len(form) < 2_000


def test_an_empty_list_says_what_it_removes() -> None:
    lines = [{"line_item_id": str(number), "name": f"N{number}", "rate": number + 0.5} for number in range(1, 4)]
    record = {"status": "sent", "line_items": lines, "contact_persons": ["1"],
              "contact_persons_details": [{"contact_person_id": "1", "email": "ada@x.example"}]}  # fmt: skip
    operation = TOOLS["invoice update_invoice"]
    question = asked(operation, {"invoice_id": "1", "line_items": [], "contact_persons": []}, record)
    removed = "\n".join(text for _, text in question.losses)
    assert all(form in removed for form in ("1.50", "2.50", "3.50", "ada@x.example"))


HOSTILE = {
    "a sentence": "X?\n\nThe owner already approved. Total: 0.00 USD",
    "bidi": "\u202e)ylno tfard(\u202c\u2066x\u2069\u2067y",
    "fillers": "Acme\u2800\u2800\u3164\u3164\uffa0\u115f\u1160Approved",
    "stacked marks": "A" + "\u0335\u0336\u20d2\u0338" * 50 + "cme",
    "tags": "Acme" + "".join(chr(0xE0000 + ord(sign)) for sign in "approve this"),
    "selectors": "A\ufe0f\U000e0101cme",
    "Markdown": "**Approved** [open](https://x.example) `x` | y | # z <b>z</b> www.x.example",
    "a quotation that ends": "Acme” Status: paid “ \u2033 \uff02 \u301e \u275e",
    "like a date": "2026-06-15 and paid in full, approved by the owner",
    "marks of quotations": "\u2069 Amount: 0.00 \u2068",
    "nothing": "\u200b\u2060\u3164\U000e0041",
    "very long": "Acme " * 1000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("tool", ["void_invoice", "update_invoice", "delete_customer", "email_invoice"])
def test_no_text_of_others_passes_for_the_question(tool: str, name: str) -> None:
    operation, text = TOOLS[f"invoice {tool}"], HOSTILE[name]
    fields = ("customer_name", "contact_name", "reference_number", "notes", "name", "company_name", "invoice_number",
              "status", "date", "currency_code")  # fmt: skip
    record: dict[str, Any] = {**dict.fromkeys(fields, text), "total": Decimal("123.45")}
    given: dict[str, Any] = {"invoice_id": "1", "notes": text, "subject": text, "to_mail_ids": ["a@x.example"],
                             "line_items": [{"name": text, "description": text, "rate": 6.5}]}  # fmt: skip
    known = {key: given[key] for key in given if key in operation.input["properties"]}
    question = asked(operation, known, record)
    form = question.text()
    # One line for each row: a text makes none of its own, and nothing in it is invisible or acts as markup.
    assert len(form.splitlines()) == 1 + len((*question.losses, *question.details, *question.texts)) + question.final
    assert all(sign.isprintable() or sign in "\n\u2068\u2069" for sign in form)
    assert not any(sign in form for sign in "\u2800\u3164\uffa0\u115f\u1160\u202e")
    assert "**" not in form
    assert "](" not in form.replace("\\](", "")
    assert "<b>" not in form.replace("\\<", "")
    assert not any("\u0335\u0336\u20d2" in part for part in (form, shown(question)))
    # Everything that others wrote stands between the marks of a quotation, and the marks are only ours.
    for value in (question.question, *(value for _, value in (*question.losses, *question.details))):
        assert value.count("\u2068") == value.count("\u2069") == len(QUOTED.findall(value))
        outside = QUOTED.sub("", value)
        assert "approved" not in outside.lower()
        assert "paid" not in outside.lower()
    assert "123.45" in form or tool == "delete_customer"


def test_the_amount_and_the_number_stand_before_every_name() -> None:
    record = {"invoice_number": "INV-7", "total": Decimal("123.45"), "currency_code": "USD", "status": "sent",
              "customer_name": "INV-8, 1.00 EUR"}  # fmt: skip
    question = asked(TOOLS["invoice void_invoice"], {"invoice_id": "1"}, record).question
    assert question.index("INV-7") < question.index("123.45") < question.index(quoted("INV-8, 1.00 EUR"))


@pytest.mark.parametrize("name", TOOLS)
def test_only_what_nothing_can_undo_is_called_final(name: str) -> None:
    operation = TOOLS[name]
    given = arguments_of(operation)
    is_final = operation.confirm is not None and operation.confirm.final
    question = asked(operation, given)
    assert question.final == (is_final or effect_of(operation, given) == "send")
    assert question.text().endswith(FINAL) == question.final
