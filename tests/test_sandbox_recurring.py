"""Recurring invoices: their dates, their statuses, their history, and the one that a custom field's value finds."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sandbox_support import NO_SUCH_ID, SALES_TAX, TODAY, Json, Sandbox, exact, path_of

from zoho_mcp.sandbox.kinds.recurring_invoices.schedule import next_date, occurrence

pytestmark = pytest.mark.anyio
CONTRACT_FIELD = "982000000000000401"
SPREADSHEET, FOR_ESTIMATES = "982000000000000203", "982000000000000205"
UPSERT = {"X-Unique-Identifier-Key": "cf_contract", "X-Unique-Identifier-Value": "C-1"}
LINE = {"name": "Care", "rate": "450.50", "quantity": 2}


async def body_of(sandbox: Sandbox, name: str = "Monthly care", **fields: Any) -> Json:
    """What a create needs, with a customer of that name unless one is given."""
    if "customer_id" not in fields:
        fields["customer_id"] = await sandbox.customer(f"Customer of {name}")
    return {"recurrence_name": name, "recurrence_frequency": "months", "line_items": [LINE], **fields}


async def repeat(sandbox: Sandbox, name: str = "Monthly care", **fields: Any) -> Json:
    """A new recurring invoice."""
    return (await sandbox.ask("POST", "/recurringinvoices", await body_of(sandbox, name, **fields)))[
        "recurring_invoice"
    ]


async def change(sandbox: Sandbox, made: Json, **fields: Any) -> Json:
    return (await sandbox.ask("PUT", path_of(made), fields))["recurring_invoice"]


async def upsert(sandbox: Sandbox, body: Json, **headers: str) -> tuple[int, Json]:
    """Status and answer of a PUT with the headers of an upsert."""
    sent = {**UPSERT, **{f"X-{name.replace('_', '-')}": value for name, value in headers.items()}}
    response = await sandbox.send(
        "PUT", "/recurringinvoices", body, headers=sent | {"Authorization": await login(sandbox)}
    )
    return response.status_code, exact(response)


async def login(sandbox: Sandbox) -> str:
    return f"Zoho-oauthtoken {await sandbox.token()}"


async def test_a_recurring_invoice_is_created_with_its_sums_and_its_next_date(sandbox: Sandbox) -> None:
    body = await body_of(sandbox, start_date="2026-10-20", repeat_every=2, payment_terms=15, send_automatically=True)
    response = await sandbox.send("POST", "/recurringinvoices", body)
    answer = exact(response)
    made = answer["recurring_invoice"]
    assert (response.status_code, answer["message"]) == (201, "The recurring invoice has been created.")
    assert response.headers["location"] == f"/api/v3{path_of(made)}"
    assert (made["status"], made["next_invoice_date"], made["last_sent_date"]) == ("active", "2026-10-20", "")
    assert (made["total"], made["payment_terms_label"], made["end_date"]) == (Decimal("901.00"), "Net 15", "")
    [person] = made["contact_persons_associated"]
    assert (person["contact_person_name"], person["contact_person_email"]) == ("Ann Lee", "ann@acme.example")
    assert not {"send_automatically", "history"} & made.keys()
    shown = await sandbox.ask("GET", path_of(made))
    assert shown["message"] == "Details of a recurring invoice is displayed successfully."
    assert shown["recurring_invoice"] == made


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"recurrence_name": None}, (400, 4031)),
        ({"recurrence_name": " "}, (400, 4031)),
        ({"recurrence_name": "x" * 101}, (400, 15)),
        ({"customer_id": NO_SUCH_ID}, (404, 1002)),
        ({"recurrence_frequency": None}, (400, 2)),
        ({"recurrence_frequency": "monthly"}, (400, 2)),
        ({"repeat_every": 0}, (400, 2)),
        ({"repeat_every": "1.5"}, (400, 2)),
        ({"repeat_every": 1001}, (400, 2)),
        ({"start_date": "2026-02-30"}, (400, 2)),
        ({"start_date": "2026-10-20", "end_date": "2026-10-19"}, (400, 2)),
        ({"line_items": []}, (400, 2)),
        ({"template_id": FOR_ESTIMATES}, (400, 2)),
        ({"payment_terms": -1}, (400, 2)),
    ],
)
async def test_a_wrong_recurring_invoice_is_refused(sandbox: Sandbox, wrong: Json, expected: tuple[int, int]) -> None:
    assert await sandbox.refusal("POST", "/recurringinvoices", {**await body_of(sandbox), **wrong}) == expected
    assert (await sandbox.ask("GET", "/recurringinvoices"))["recurring_invoices"] == []


async def test_a_name_belongs_to_one_recurring_invoice(sandbox: Sandbox) -> None:
    made = await repeat(sandbox, "Care")
    other = await repeat(sandbox, "Hosting")
    body = await body_of(sandbox, "CARE", customer_id=made["customer_id"])
    assert await sandbox.refusal("POST", "/recurringinvoices", body) == (400, 1001)
    assert await sandbox.refusal("PUT", path_of(other), {"recurrence_name": "care"}) == (400, 1001)
    assert (await change(sandbox, made, recurrence_name="care"))["recurrence_name"] == "care"


@pytest.mark.parametrize(
    ("start", "unit", "every", "count", "expected"),
    [
        ((2027, 1, 31), "months", 1, 1, (2027, 2, 28)),
        ((2027, 1, 31), "months", 1, 2, (2027, 3, 31)),
        ((2027, 8, 31), "months", 3, 1, (2027, 11, 30)),
        ((2026, 11, 30), "months", 1, 15, (2028, 2, 29)),
        ((2028, 2, 29), "years", 1, 1, (2029, 2, 28)),
        ((2028, 2, 29), "years", 2, 2, (2032, 2, 29)),
        ((2026, 12, 25), "weeks", 2, 1, (2027, 1, 8)),
        ((2026, 12, 25), "days", 10, 3, (2027, 1, 24)),
    ],
)
def test_a_month_end_is_kept_where_there_is_one(
    start: tuple[int, int, int], unit: str, every: int, count: int, expected: tuple[int, int, int]
) -> None:
    assert occurrence(date(*start), unit, every, count) == date(*expected)


@pytest.mark.parametrize("unit", ["days", "weeks", "months", "years"])
@pytest.mark.parametrize("every", [1, 2, 7])
def test_the_next_date_is_the_first_that_is_not_past(unit: str, every: int) -> None:
    start, day = date(1999, 12, 31), date(2026, 10, 9)
    enough = {"days": 10_000, "weeks": 1500}.get(unit, 400)
    dates = [occurrence(start, unit, every, count) for count in range(enough)]
    assert next_date(start, unit, every, day) == min(found for found in dates if found >= day)
    assert next_date(date(9999, 12, 31), unit, every, date.max) == date.max


def test_there_is_no_next_date_after_the_last_year() -> None:
    assert next_date(date(9999, 6, 1), "years", 1000, date(9999, 6, 2)) is None
    assert next_date(date(9999, 6, 1), "days", 1000, date(9999, 6, 2)) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "2026-10-09"),
        ({"start_date": "2026-10-09"}, "2026-10-09"),
        ({"start_date": "2026-08-31"}, "2026-10-31"),
        ({"start_date": "2026-10-08", "recurrence_frequency": "weeks", "repeat_every": 2}, "2026-10-22"),
        ({"start_date": "2024-02-29", "recurrence_frequency": "years"}, "2027-02-28"),
        ({"start_date": "2026-10-08", "end_date": "2026-11-07"}, ""),
        ({"start_date": "2026-10-08", "end_date": "2026-11-08"}, "2026-11-08"),
    ],
)
async def test_the_next_invoice_follows_from_start_and_frequency(sandbox: Sandbox, fields: Json, expected: str) -> None:
    assert (await repeat(sandbox, **fields))["next_invoice_date"] == expected


async def test_time_moves_the_next_date_and_makes_no_invoice(sandbox: Sandbox) -> None:
    made = await repeat(sandbox, start_date="2026-10-10", end_date="2026-11-30")
    sandbox.pass_time(days=3)
    sandbox.log_in_again()
    assert (await sandbox.read(made))["next_invoice_date"] == "2026-11-10"
    assert (await sandbox.ask("GET", "/invoices"))["invoices"] == []
    sandbox.pass_time(days=60)
    sandbox.log_in_again()
    over = await sandbox.read(made)
    assert (over["status"], over["next_invoice_date"]) == ("expired", "")
    for action in ("stop", "resume"):
        assert await sandbox.refusal("POST", f"{path_of(made)}/status/{action}") == (400, 2)
    assert (await change(sandbox, made, end_date=""))["status"] == "active"


async def test_stopping_and_resuming(sandbox: Sandbox) -> None:
    made = await repeat(sandbox)
    for _ in range(2):  # once more is success as well
        answer = await sandbox.ask("POST", f"{path_of(made)}/status/stop")
        assert answer == {"code": 0, "message": "The recurring invoice has been stopped."}
    stopped = await sandbox.read(made)
    assert (stopped["status"], stopped["next_invoice_date"]) == ("stopped", "")
    for _ in range(2):
        answer = await sandbox.ask("POST", f"{path_of(made)}/status/resume")
        assert answer == {"code": 0, "message": "The recurring invoice has been resumed."}
    assert (await sandbox.read(made))["status"] == "active"
    assert await sandbox.refusal("POST", f"{path_of(made)}/status/active") == (404, 5)
    assert await sandbox.refusal("POST", f"/recurringinvoices/{NO_SUCH_ID}/status/stop") == (404, 1002)


async def test_a_change_leaves_the_rest_alone(sandbox: Sandbox) -> None:
    made = await repeat(
        sandbox, payment_terms=7, payment_terms_label="One week", notes="Thanks", reference_number="PO-1"
    )
    sandbox.pass_time(minutes=1)
    answer = await sandbox.ask("PUT", path_of(made), {"repeat_every": 3})
    changed = answer["recurring_invoice"]
    assert answer["message"] == "success"
    moved = {"repeat_every", "last_modified_time"}
    assert {key for key in changed if changed[key] != made[key]} == moved
    lines = [{"name": "Hosting", "rate": 100, "tax_id": SALES_TAX}]
    changed = await change(sandbox, made, line_items=lines, payment_terms=30)
    assert (changed["total"], changed["payment_terms_label"]) == (Decimal("108.88"), "Net 30")
    assert changed["notes"] == "Thanks"


async def test_a_deleted_one_is_gone_but_its_invoices_stay(sandbox: Sandbox) -> None:
    made = await repeat(sandbox)
    child = await sandbox.invoice(made["customer_id"], recurring_invoice_id=made["recurring_invoice_id"])
    answer = await sandbox.ask("DELETE", path_of(made))
    assert answer["message"] == "The recurring invoice is deleted successfully."
    assert await sandbox.refusal("GET", path_of(made)) == (404, 1002)
    assert (await sandbox.read(child))["recurring_invoice_id"] == made["recurring_invoice_id"]


async def test_a_customer_and_an_item_of_a_recurring_invoice_cannot_be_deleted(sandbox: Sandbox) -> None:
    item = (await sandbox.ask("POST", "/items", {"name": "Care", "rate": 450}))["item"]
    made = await repeat(sandbox, line_items=[{"item_id": item["item_id"]}])
    assert await sandbox.refusal("DELETE", f"/contacts/{made['customer_id']}") == (400, 3000)
    assert await sandbox.refusal("DELETE", f"/items/{item['item_id']}") == (400, 2049)


async def test_its_invoices_are_those_that_name_it(sandbox: Sandbox) -> None:
    made = await repeat(sandbox)
    customer_id, own = made["customer_id"], {"recurring_invoice_id": made["recurring_invoice_id"]}
    await sandbox.invoice(customer_id)
    for day in ("2026-09-09", "2026-08-09"):
        await sandbox.invoice(customer_id, date=day, **own)
    answer = await sandbox.ask("GET", f"{path_of(made)}/invoices")
    assert {row["date"] for row in answer["invoices"]} == {"2026-09-09", "2026-08-09"}
    assert answer["page_context"]["has_more_page"] is False
    assert (await sandbox.read(made))["last_sent_date"] == "2026-09-09"
    [row] = (await sandbox.ask("GET", "/recurringinvoices"))["recurring_invoices"]
    assert row["last_sent_date"] == "2026-09-09"


async def test_the_template_can_be_changed_to_one_of_invoices(sandbox: Sandbox) -> None:
    made = await repeat(sandbox)
    answer = await sandbox.ask("PUT", f"{path_of(made)}/templates/{SPREADSHEET}")
    assert answer == {"code": 0, "message": "The template of the recurring invoice has been updated."}
    assert (await sandbox.read(made))["template_name"] == "Spreadsheet Template"
    for template_id in (NO_SUCH_ID, FOR_ESTIMATES):
        assert await sandbox.refusal("PUT", f"{path_of(made)}/templates/{template_id}") == (400, 2)
    assert await sandbox.refusal("PUT", f"/recurringinvoices/{NO_SUCH_ID}/templates/{SPREADSHEET}") == (404, 1002)


async def test_the_history_tells_what_happened(sandbox: Sandbox) -> None:
    made = await repeat(sandbox)
    sandbox.pass_time(days=1)
    sandbox.log_in_again()
    await change(sandbox, made, notes="Hello")
    await sandbox.ask("POST", f"{path_of(made)}/status/stop")
    await sandbox.ask("POST", f"{path_of(made)}/status/stop")
    await sandbox.ask("POST", f"{path_of(made)}/status/resume")
    await sandbox.ask("PUT", f"{path_of(made)}/templates/{SPREADSHEET}")
    answer = await sandbox.ask("GET", f"{path_of(made)}/comments")
    assert answer["message"] == "The complete history and comments of a recurring invoice are displayed successfully."
    assert [comment["comment_description"] for comment in answer["comments"]] == [
        "Recurring Invoice template changed to Spreadsheet Template",
        "Recurring Invoice resumed",
        "Recurring Invoice stopped",
        "Recurring Invoice updated",
        "Recurring Invoice created",
    ]
    first = answer["comments"][-1]
    assert first.pop("comment_id").isdigit()
    assert first == {
        "recurring_invoice_id": made["recurring_invoice_id"],
        "comment_description": "Recurring Invoice created",
        "commented_by_id": "",
        "commented_by": "Robin Linden",
        "comment_type": "system",
        "operation_type": "Added",
        "date": "2026-10-09",
        "date_description": "yesterday",
        "time": "12:00 PM",
        "transaction_id": made["recurring_invoice_id"],
        "transaction_type": "recurring_invoice",
    }


@pytest.mark.parametrize(
    "field",
    [
        {"customfield_id": CONTRACT_FIELD},
        {"customfield_id": int(CONTRACT_FIELD)},
        {"api_name": "cf_contract"},
        {"label": "contract"},
        {"index": 1},
    ],
)
async def test_a_custom_field_can_be_named_in_four_ways(sandbox: Sandbox, field: Json) -> None:
    made = await repeat(sandbox, custom_fields=[{**field, "value": "C-1"}])
    assert made["custom_fields"] == [
        {
            "customfield_id": CONTRACT_FIELD,
            "index": 1,
            "label": "Contract",
            "api_name": "cf_contract",
            "data_type": "string",
            "value": "C-1",
        }
    ]
    assert values(made) == {"cf_contract": "C-1"}


async def test_a_change_of_one_custom_field_leaves_the_others(sandbox: Sandbox) -> None:
    made = await repeat(
        sandbox, custom_fields=[{"label": "Contract", "value": "C-1"}, {"label": "Region", "value": "N"}]
    )
    changed = await change(sandbox, made, custom_fields=[{"label": "Region", "value": "S"}])
    assert values(changed) == {"cf_contract": "C-1", "cf_region": "S"}


def values(record: Json) -> Json:
    return {field["api_name"]: field["value"] for field in record["custom_fields"]}


async def test_a_unique_value_is_given_once(sandbox: Sandbox) -> None:
    fields = [{"api_name": "cf_contract", "value": "C-1"}]
    made = await repeat(sandbox, "Care", custom_fields=fields)
    body = await body_of(sandbox, "Hosting", custom_fields=fields)
    assert await sandbox.refusal("POST", "/recurringinvoices", body) == (400, 2)
    await change(sandbox, made, custom_fields=fields)
    for name in ("Design", "Print"):
        await repeat(sandbox, name, custom_fields=[{"api_name": "cf_contract", "value": ""}])


async def test_an_upsert_changes_the_one_with_the_unique_value(sandbox: Sandbox) -> None:
    made = await repeat(sandbox, "Care", custom_fields=[{"api_name": "cf_contract", "value": "C-1"}])
    await repeat(sandbox, "Hosting", custom_fields=[{"api_name": "cf_contract", "value": "C-2"}])
    status, answer = await upsert(sandbox, {"repeat_every": 6}, Upsert="true")
    assert (status, answer["message"]) == (200, "success")
    changed = answer["recurring_invoice"]
    assert changed["recurring_invoice_id"] == made["recurring_invoice_id"]
    assert (changed["repeat_every"], values(changed)) == (6, {"cf_contract": "C-1"})
    assert len((await sandbox.ask("GET", "/recurringinvoices"))["recurring_invoices"]) == 2


async def test_an_upsert_creates_what_is_not_there_and_finds_it_again(sandbox: Sandbox) -> None:
    body = await body_of(sandbox)
    status, answer = await upsert(sandbox, body)
    assert (status, answer["code"]) == (404, 1002)
    assert (await upsert(sandbox, body, Upsert="false"))[0] == 404
    status, answer = await upsert(sandbox, body, Upsert="true")
    made = answer["recurring_invoice"]
    assert (status, answer["code"], answer["message"]) == (200, 0, "success")
    assert (values(made), made["status"]) == ({"cf_contract": "C-1"}, "active")
    _, answer = await upsert(sandbox, {**body, "notes": "Again"}, Upsert="true")
    assert answer["recurring_invoice"]["recurring_invoice_id"] == made["recurring_invoice_id"]
    assert len((await sandbox.ask("GET", "/recurringinvoices"))["recurring_invoices"]) == 1


async def test_an_upsert_needs_a_unique_field_a_value_and_all_that_a_create_needs(sandbox: Sandbox) -> None:
    body = await body_of(sandbox)
    assert (await upsert(sandbox, body, Unique_Identifier_Key="cf_region"))[1]["code"] == 2
    assert (await upsert(sandbox, body, Unique_Identifier_Value=""))[1]["code"] == 2
    assert await sandbox.refusal("PUT", "/recurringinvoices", body) == (400, 2)
    status, answer = await upsert(sandbox, {"repeat_every": 2}, Upsert="true")
    assert (status, answer["code"]) == (400, 4031)
    assert (await sandbox.ask("GET", "/recurringinvoices"))["recurring_invoices"] == []


@pytest.fixture
async def three(sandbox: Sandbox) -> Sandbox:
    """Care runs, Hosting is stopped, Poster has expired; a minute apart."""
    await repeat(sandbox, "Care", start_date="2026-10-15", notes="north")
    sandbox.pass_time(minutes=1)
    lines = [LINE, {"name": "Server", "description": "Two cores", "rate": 20, "tax_id": SALES_TAX}]
    hosting = await repeat(sandbox, "Hosting", start_date="2026-09-01", line_items=lines)
    await sandbox.ask("POST", f"{path_of(hosting)}/status/stop")
    sandbox.pass_time(minutes=1)
    await repeat(sandbox, "Poster", start_date="2026-01-01", end_date="2026-06-30")
    return sandbox


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Poster", "Hosting", "Care"]),
        ({"status": "active"}, ["Care"]),
        ({"status": "stopped"}, ["Hosting"]),
        ({"status": "expired"}, ["Poster"]),
        ({"filter_by": "Status.Stopped"}, ["Hosting"]),
        ({"filter_by": "Status.All"}, ["Poster", "Hosting", "Care"]),
        ({"recurrence_name": "care"}, ["Care"]),
        ({"customer_name": "Customer of Poster"}, ["Poster"]),
        ({"search_text": "host"}, ["Hosting"]),
        ({"notes": "north"}, ["Care"]),
        ({"item_name": "server"}, ["Hosting"]),
        ({"item_name_startswith": "Ca"}, ["Poster", "Hosting", "Care"]),
        ({"item_description_contains": "cores"}, ["Hosting"]),
        ({"tax_id": SALES_TAX}, ["Hosting"]),
        ({"item_id": NO_SUCH_ID}, []),
        ({"start_date": "2026-09-01"}, ["Hosting"]),
        ({"end_date": "2026-06-30"}, ["Poster"]),
        ({"sort_column": "recurrence_name"}, ["Care", "Hosting", "Poster"]),
        ({"sort_column": "start_date", "sort_order": "D"}, ["Care", "Hosting", "Poster"]),
        ({"per_page": "1", "page": "2"}, ["Hosting"]),
    ],
)
async def test_recurring_invoices_can_be_narrowed_and_ordered(
    three: Sandbox, query: dict[str, str], expected: list[str]
) -> None:
    rows = (await three.ask("GET", "/recurringinvoices", **query))["recurring_invoices"]
    assert [row["recurrence_name"] for row in rows] == expected


async def test_the_list_is_in_the_words_of_the_reference(three: Sandbox) -> None:
    answer = await three.ask("GET", "/books/v3/recurringinvoices")
    assert answer["message"] == "success"
    assert answer["page_context"] == {
        "page": 1, "per_page": 200, "has_more_page": False, "report_name": "Recurring Invoices", "custom_fields": [],
        "applied_filter": "Status.All", "sort_column": "created_time", "sort_order": "D",
    }  # fmt: skip
    for query in ({"status": "running"}, {"filter_by": "Status.Draft"}, {"sort_column": "notes"}):
        assert await three.refusal("GET", "/recurringinvoices", **query) == (400, 2)


async def test_the_scope_is_that_of_invoices(sandbox: Sandbox) -> None:
    made = await repeat(sandbox)
    token = await sandbox.token("ZohoInvoice.invoices.READ", "ZohoInvoice.settings.ALL")
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    assert (await sandbox.send("GET", f"{path_of(made)}/comments", headers=headers)).status_code == 200
    assert (await sandbox.send("POST", f"{path_of(made)}/status/stop", headers=headers)).status_code == 401


async def test_the_demo_studio_has_recurring_invoices_in_every_status() -> None:
    with Sandbox(demo=True) as studio:
        rows = (await studio.ask("GET", "/recurringinvoices"))["recurring_invoices"]
        assert sorted(row["status"] for row in rows) == ["active", "active", "expired", "stopped"]
        assert {values(row)["cf_contract"] for row in rows} == {"SL-2001", "SL-2002", "SL-2003", "SL-2004"}
        [care] = [row for row in rows if row["last_sent_date"]]
        assert (care["next_invoice_date"], care["total"]) == (TODAY.isoformat(), 450)
        children = (await studio.ask("GET", f"{path_of(care)}/invoices"))["invoices"]
        assert [row["date"] for row in children] == ["2026-09-09", "2026-08-10", "2026-07-11", "2026-06-11"]
        [stopped] = [row for row in rows if row["status"] == "stopped"]
        history = (await studio.ask("GET", f"{path_of(stopped)}/comments"))["comments"]
        assert [comment["operation_type"] for comment in history] == ["Stopped", "Resumed", "Stopped", "Added"]
