"""What a server makes of a wire that is poorer or stranger than the sandbox's: the same figures, or an error."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import mcp_types as types
import pytest
from conftest import Zoho, opened_zoho
from mcp import Client
from mcp.shared.exceptions import MCPError
from recorded import only_recorded
from rewriting import Change, Json, Rewriting
from stories import SUMMARIES, Use, ask_for_figures, use_every_tool

from zoho_mcp.errors import OutcomeUnknownError, UnavailableError
from zoho_mcp.specs.load import load

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
RESOURCES = "zoho-invoice://"
QUERIES: Mapping[str, list[Json]] = {
    "list_customers": [{}, {"filter_by": "Status.Inactive"}, {"contact_name_contains": "har"},
                       {"sort_column": "outstanding_receivable_amount", "sort_order": "D"}],
    "list_invoices": [{}, {"status": "paid"}, {"status": "unpaid"}, {"customer_name": "Fernhill Dental"},
                      {"date_start": "2026-05-01", "date_end": "2026-05-31"}, {"max_records": 1000},
                      {"sort_column": "total"}],
    "list_payments": [{}, {"date_start": "2026-05-01"}, {"filter_by": "PaymentMode.Cash"}, {"max_records": 500}],
    "list_estimates": [{}, {"status": "accepted"}],
    "list_credit_notes": [{}, {"status": "open"}],
    "list_expenses": [{}, {"status": "non-billable"}],
    "list_items": [{}, {"name_contains": "a"}],
    "list_recurring_invoices": [{}, {"status": "stopped"}],
    "get_receivables_aging": [{}],
    "get_payment_performance": [{}],
    "get_monthly_revenue": [{"year": 2026, "month": 5}],
    "summarize_records": [{"records": records, "group_by": groups[0]} for records, groups in SUMMARIES.items()],
}  # fmt: skip
TYPED = [("customers/{customer_id}", "customer_id", "har"), ("invoices/{invoice_id}", "invoice_id", "INV-00004")]


def shown(used: list[Use]) -> list[Use]:
    """Without the calls that ask for every field: these show what Zoho sends, whatever it is."""
    return [use for use in used if "all_fields" not in use.arguments]


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_every_tool_says_the_same_without_the_keys_that_were_never_recorded(
    zoho: Zoho, tmp_path: Path, product: str
) -> None:
    with opened_zoho() as filtered:
        filtered.app = Rewriting(filtered.app, only_recorded)
        assert await ask_for_figures(filtered, product) == await ask_for_figures(zoho, product)
        found = await use_every_tool(filtered, tmp_path, product)
        asked = filtered.person.questions
    expected = await use_every_tool(zoho, tmp_path, product)
    assert shown(found) == shown(expected)
    assert asked == zoho.person.questions


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_lost_answers_are_made_up_for_without_the_keys_that_were_never_recorded(zoho: Zoho, product: str) -> None:
    with opened_zoho() as filtered:
        filtered.app = Rewriting(filtered.app, only_recorded)
        found = await lose_answers(filtered, product)
    assert found == await lose_answers(zoho, product)
    assert [outcome for outcome in found if outcome != "done"] == [OutcomeUnknownError.kind]  # the mail


async def lose_answers(zoho: Zoho, product: str) -> list[str]:
    """What became, as far as the server can tell, of changes that were made and whose answers were lost."""
    outcomes: list[str] = []
    async with zoho.client(product=product, repeat_window=0) as client:

        async def lose(tool: str, **arguments: Any) -> Json:
            zoho.faults.add("POST /*:cut-after", "PUT /*:cut-after", "DELETE /*:cut-after")
            result = await client.call_tool(tool, arguments)
            zoho.faults.clear()
            answer = result.structured_content
            outcomes.append(answer["error"]["kind"] if result.is_error else "done")
            return answer

        customer = (await lose("create_customer", contact_name="Lost & Found"))["customer"]["customer_id"]
        lines = {"customer_id": customer, "line_items": [{"name": "Work", "rate": 80}]}
        invoice = (await lose("create_invoice", **lines))["invoice"]["invoice_id"]
        await lose("update_invoice", invoice_id=invoice, notes="Thanks")
        await lose("mark_invoice_sent", invoice_id=invoice)
        payment = (await lose("record_invoice_payment", invoice_id=invoice, amount=30))["payment"]["payment_id"]
        await lose("update_payment", payment_id=payment, reference_number="R-1")
        await lose("delete_payment", payment_id=payment)
        await lose("void_invoice", invoice_id=invoice)
        estimate = (await lose("create_estimate", **lines))["estimate"]["estimate_id"]
        await lose("mark_estimate_sent", estimate_id=estimate)
        await lose("email_estimate", estimate_id=estimate, to_mail_ids=["ada@lost.example"])
        note = (await lose("create_credit_note", **lines))["creditnote"]["creditnote_id"]
        await lose("update_credit_note", creditnote_id=note, notes="Sorry")
        item = (await lose("create_item", name="Lamp", rate=3))["item"]["item_id"]
        await lose("update_item", item_id=item, rate=4)
        await lose("deactivate_customer", customer_id=customer)
    return outcomes


def of_records(zoho: Zoho) -> dict[str, list[Json]]:
    """The queries of lists that belong to one record."""
    own = {name: {name: oldest(zoho, kind)[field]} for name, kind, field in (
        ("customer_id", "contact", "contact_id"), ("invoice_id", "invoice", "invoice_id"),
        ("payment_id", "payment", "payment_id"), ("creditnote_id", "creditnote", "creditnote_id"),
        ("currency_id", "currency", "currency_id"),
        ("recurring_invoice_id", "recurring_invoice", "recurring_invoice_id"),
    )}  # fmt: skip
    lists = (one for one in load().operations.values() if one.answer.columns or one.name == "get_customer_statement")
    required = {one.name: one.input.get("required", []) for one in lists if one.effect == "read"}
    return {name: [own[names[0]]] for name, names in required.items() if len(names) == 1 and names[0] in own}


def of_everything() -> dict[str, list[Json]]:
    """The queries of all other lists and of reports: without arguments, or those above."""
    found: dict[str, list[Json]] = {}
    for one in load().operations.values():
        if one.effect == "read" and one.answer.columns and not one.handler and not one.input.get("required"):
            found[one.name] = [{}]
    return found | {**QUERIES}


async def answers(zoho: Zoho) -> dict[str, Json]:
    """What every list, report, resource and completion says, by what was asked: `{"error": …}` for an error."""
    found: dict[str, Json] = {}
    async with zoho.client(toolsets=("all",), max_answer=1_000_000) as client:
        for tool, queries in {**of_everything(), **of_records(zoho)}.items():
            for query in queries:
                result = await client.call_tool(tool, query)
                found[f"{tool} {json.dumps(query)}"] = result.structured_content
        statement = f"customers/{oldest(zoho, 'contact')['contact_id']}/statement"
        for path in ("organization", "customers", "invoices", statement):
            found[path] = await read(client, f"{RESOURCES}{path}")
        for template, name, letters in TYPED:
            ref = types.ResourceTemplateReference(uri=f"{RESOURCES}{template}")
            completion = (await client.complete(ref, {"name": name, "value": letters})).completion
            found[f"{name} {letters}"] = completion.model_dump()
    return found


def oldest(zoho: Zoho, kind: str) -> Json:
    return zoho.store.rows("select body from records where kind = ? order by rowid limit 1", kind)[0]


async def read(client: Client, uri: str) -> Json:
    try:
        [contents] = (await client.read_resource(uri)).contents
    except MCPError as problem:
        return {"error": {"kind": UnavailableError.kind, "message": str(problem)}}
    assert isinstance(contents, types.TextResourceContents)
    return json.loads(contents.text)


def ids_as_numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [ids_as_numbers(part) for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    parts = cast(Json, value)
    return {key: int(part) if key.endswith("_id") and str(part).isdecimal() else ids_as_numbers(part)
            for key, part in parts.items()}  # fmt: skip


def page_context(change: Callable[[Json], Any]) -> Change:
    def changed(method: str, path: str, envelope: Json) -> Json:
        return envelope | ({"page_context": change(envelope["page_context"])} if "page_context" in envelope else {})

    return changed


def rows_of(change: Callable[[list[Any]], Any]) -> Change:
    def changed(method: str, path: str, envelope: Json) -> Json:
        parts = envelope.items() if method == "GET" else ()
        return envelope | {key: change(cast("list[Any]", rows)) for key, rows in parts if isinstance(rows, list)}

    return changed


HARMLESS: Mapping[str, Change] = {
    "ids as numbers": lambda method, path, envelope: ids_as_numbers(envelope),
    "page_context null": page_context(lambda context: None),
    "page_context text": page_context(lambda context: "page 1"),
    "page_context number": page_context(lambda context: 7),
    "page_context list": page_context(lambda context: [context]),
    "texts in page_context": page_context(lambda context: {key: str(value) for key, value in context.items()}),
    "nulls in page_context": page_context(lambda context: dict.fromkeys(context)),
    "fractions in page_context": page_context(
        lambda context: {key: float(part) if type(part) is int else part for key, part in context.items()}
    ),
}
BROKEN: Mapping[str, Change] = {
    "renamed": lambda method, path, envelope: {
        f"the_{key}" if isinstance(part, list) else key: part for key, part in envelope.items()
    },
    "null": rows_of(lambda rows: None),
    "text": rows_of(lambda rows: "none"),
    "an object": rows_of(lambda rows: {"rows": rows}),
    "with a null row": rows_of(lambda rows: [*rows, None]),
    "of texts": rows_of(lambda rows: ["row" for _ in rows] or ["row"]),
}


@pytest.mark.parametrize("name", HARMLESS)
async def test_ids_and_page_contexts_of_other_types_change_nothing(zoho: Zoho, name: str) -> None:
    expected = await answers(zoho)
    with opened_zoho() as other:
        other.app = Rewriting(other.app, HARMLESS[name])
        assert await answers(other) == expected


@pytest.mark.parametrize("name", BROKEN)
async def test_a_list_that_is_not_where_it_was_expected_is_an_error_and_never_empty(zoho: Zoho, name: str) -> None:
    zoho.app = Rewriting(zoho.app, BROKEN[name])
    for asked, answer in (await answers(zoho)).items():
        if "has_more" in answer and "values" in answer:
            # A completion has no errors: it says that there is more.
            assert answer["has_more"], asked
        else:
            assert answer["error"]["kind"] == UnavailableError.kind, asked


@pytest.mark.parametrize("change", ["no body", "no envelope"])
async def test_a_response_that_is_no_envelope_is_an_error(zoho: Zoho, change: str) -> None:
    zoho.app = Rewriting(zoho.app, lambda method, path, envelope: cast(Json, {"no body": None}.get(change, [envelope])))
    found = [answer for answer in (await answers(zoho)).values() if "values" not in answer]
    assert {answer["error"]["kind"] for answer in found} == {UnavailableError.kind}


async def test_where_zoho_ignores_every_filter_the_figures_stay_and_the_answer_says_so(zoho: Zoho) -> None:
    expected = await answers(zoho)
    with opened_zoho() as other:
        other.app = Rewriting(other.app, unchanged, ("organization_id", "page", "per_page"))
        found = await answers(other)
    for asked, answer in found.items():
        assert bool(answer.pop("remarks", None)) == is_filtered(asked), asked
        if "sort_column" not in asked:
            assert answer == expected[asked], asked


def unchanged(method: str, path: str, envelope: Json) -> Json:
    return envelope


def is_filtered(asked: str) -> bool:
    """Whether a filter, or an order, was asked for: by the caller, or by a report that needs one."""
    tool, _, query = asked.partition(" ")
    reports = ("get_monthly_revenue", "get_receivables_aging", "get_customer_statement", "get_payment_performance")
    listed = tool.startswith("list_") and any(word in query for word in FILTERS)
    return tool in reports or tool.endswith("/statement") or listed


FILTERS = ("filter_by", "contains", "sort_column", "status", "customer_name", "date_start")


@pytest.mark.parametrize(
    ("tool", "query"),
    [
        ("list_invoices", {"search_text": "INV-00004"}), ("list_invoices", {"recurring_invoice_id": "1"}),
        ("list_customers", {"filter_by": "Invoice.OverDue"}),
    ],
)  # fmt: skip
async def test_rows_that_do_not_show_an_ignored_filter_are_not_added_up(zoho: Zoho, tool: str, query: Json) -> None:
    zoho.app = Rewriting(zoho.app, unchanged, ("organization_id", "page", "per_page"))
    async with zoho.client() as client:
        answer = (await client.call_tool(tool, query)).structured_content
    assert answer["remarks"]
    assert not {"sums", "sums_of_these_rows"} & set(answer)


@pytest.mark.parametrize("key", ["customer_id", "date", "balance", "total", "amount", "contact_id"])
async def test_a_row_without_a_key_that_a_figure_needs_is_an_error_and_no_crash(zoho: Zoho, key: str) -> None:
    expected = await answers(zoho)
    with opened_zoho() as other:
        other.app = Rewriting(other.app, rows_of(lambda rows: [without(row, key) for row in rows]))
        found = await answers(other)
    for asked, answer in found.items():
        if "error" in answer:
            assert answer["error"]["kind"] == UnavailableError.kind, asked
        # Customers without ids are told apart by their names.
        named = key == "customer_id" and asked.startswith("summarize_records")
        for figures in () if named else ("sums", "currencies"):
            assert answer.get(figures) in (None, expected[asked].get(figures)), asked


def without(row: Any, key: str) -> Any:
    return {name: part for name, part in cast(Json, row).items() if name != key} if isinstance(row, dict) else row


SHAPES: tuple[Any, ...] = (None, "x y", [1])


@pytest.mark.parametrize(
    "key",
    ["balance", "customer_id", "line_items", "contact_persons", "invoices", "invoice_ids", "estimate_id", "discount"],
)
async def test_changes_of_records_with_a_key_of_another_shape_are_made_or_refused(zoho: Zoho, key: str) -> None:
    sandbox = zoho.app
    for instead in SHAPES:
        zoho.app = Rewriting(sandbox, partial(reshaped, key, instead))
        async with zoho.client(repeat_window=0) as client:
            for tool, arguments in changes(zoho):
                # A bug would be a protocol error.
                assert isinstance(await client.call_tool(tool, arguments), types.CallToolResult)


def reshaped(key: str, instead: Any, method: str, path: str, envelope: Json) -> Json:
    return {name: other(part, key, instead) for name, part in envelope.items()} if method == "GET" else envelope


def other(value: Any, key: str, instead: Any) -> Any:
    if isinstance(value, list):
        return [other(part, key, instead) for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    parts = cast(Json, value).items()
    return {name: instead if name == key else other(part, key, instead) for name, part in parts}


def changes(zoho: Zoho) -> list[tuple[str, Json]]:
    """Changes that read a record first: for a question, or for what they need of it."""
    invoice, payment = oldest(zoho, "invoice")["invoice_id"], oldest(zoho, "payment")["payment_id"]
    customer, estimate = oldest(zoho, "contact")["contact_id"], oldest(zoho, "estimate")["estimate_id"]
    note, mail = oldest(zoho, "creditnote")["creditnote_id"], {"to_mail_ids": ["ada@harbour.example"]}
    return [
        ("record_invoice_payment", {"invoice_id": invoice}), ("email_invoice", {"invoice_id": invoice, **mail}),
        ("update_invoice", {"invoice_id": invoice, "line_items": [{"name": "x", "rate": 1}], "reason": "New"}),
        ("convert_estimate_to_invoice", {"estimate_id": estimate}), ("delete_estimate", {"estimate_id": estimate}),
        ("update_customer", {"customer_id": customer, "contact_persons": []}),
        ("update_payment", {"payment_id": payment, "amount": 1}), ("delete_payment", {"payment_id": payment}),
        ("void_invoice", {"invoice_id": invoice}), ("void_credit_note", {"creditnote_id": note}),
    ]  # fmt: skip
