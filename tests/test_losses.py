"""What a change takes away: a person is asked, or the result names it; and the old values are kept either way."""

import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from conftest import Clock, Zoho, call
from mcp import Client
from stories import filled

from zoho_mcp.audit.before_values import BeforeValues, before_file
from zoho_mcp.errors import AuditError
from zoho_mcp.policy.preview import FINAL

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
NO = types.ElicitResult(action="decline")
LINES = [
    {"name": "Design", "rate": 400, "quantity": 2, "description": "Two days", "tax_id": "$tax"},
    {"name": "Print", "rate": 50, "quantity": 3},
]


@dataclass(frozen=True)
class Loss:
    """One way to take something away.

    Attributes:
        field: of the record, as it is kept.
        asks: what the question shows of it; empty: nobody is asked, and the result names it.
    """

    tool: str
    arguments: dict[str, Any]
    field: str
    asks: str = ""


def line(name: str, **changes: Any) -> list[dict[str, Any]]:
    """The lines of a document, the first changed."""
    return [{"line_item_id": f"${name}_line1", **changes}, {"line_item_id": f"${name}_line2"}]


INVOICE = {"invoice_id": "$invoice", "reason": "Asked for"}
DRAFT = {"invoice_id": "$draft"}
ESTIMATE, NOTE = {"estimate_id": "$estimate"}, {"creditnote_id": "$note"}
RECURRING, CUSTOMER = {"recurring_invoice_id": "$recurring"}, {"customer_id": "$customer"}
PAYMENT, EXPENSE, ITEM = {"payment_id": "$payment"}, {"expense_id": "$expense"}, {"item_id": "$item"}
UNIQUE = {"unique_field": "cf_contract", "unique_value": "C-9"}
PERSON = {"customer_id": "$customer", "contact_person_id": "$ada", "first_name": "Ada"}
KEPT = {"line_items": [{"line_item_id": "$invoice_line1"}, {"line_item_id": "$invoice_line2"}]}
LOSSES: dict[str, Loss] = {
    "a line removed": Loss(
        "update_invoice", INVOICE | {"line_items": [{"line_item_id": "$invoice_line1"}]}, "line_items", "150.00"
    ),
    "all lines replaced": Loss(
        "update_invoice", INVOICE | {"line_items": [{"name": "Other", "rate": 9000}]}, "line_items", "800.00"
    ),
    "a rate of 0": Loss("update_invoice", INVOICE | {"line_items": line("invoice", rate=0)}, "line_items", "970.00"),
    "a quantity of 0": Loss(
        "update_invoice", INVOICE | {"line_items": line("invoice", quantity=0)}, "line_items", "970.00"
    ),
    "a lower rate": Loss("update_invoice", INVOICE | {"line_items": line("invoice", rate=399)}, "line_items", "970.00"),
    "100 % discount": Loss("update_invoice", INVOICE | {"discount": "100%"}, "discount", "100%"),
    "100 % discount on a line": Loss(
        "update_invoice", INVOICE | {"line_items": line("invoice", discount="100%")}, "line_items", "970.00"
    ),
    "a cheaper item on a line": Loss(
        "update_invoice", INVOICE | {"line_items": line("invoice", item_id="$item")}, "line_items", "970.00"
    ),
    "a negative adjustment": Loss("update_invoice", INVOICE | {"adjustment": -500}, "adjustment", "500.00"),
    "no shipping charge": Loss("update_invoice", INVOICE | {"shipping_charge": 0}, "shipping_charge", "20.00"),
    "prices that include the tax": Loss(
        "update_invoice", INVOICE | {"is_inclusive_tax": True}, "is_inclusive_tax", "71.00"
    ),
    "a debt moved": Loss("update_invoice", INVOICE | {"customer_id": "$other"}, "customer_id", "Acme"),
    "a recipient of an invoice removed": Loss(
        "update_invoice", INVOICE | {"contact_persons": ["$ben"]}, "contact_persons", "ada@x.example"
    ),
    "the tax of a line cleared": Loss(
        "update_invoice", INVOICE | KEPT | {"clear": ["line_items[0].tax_id"]}, "line_items", "400.00"
    ),
    "the text of a line cleared": Loss(
        "update_invoice", INVOICE | KEPT | {"clear": ["line_items[0].description"]}, "line_items[0].description"
    ),
    "notes overwritten": Loss("update_invoice", INVOICE | {"notes": "Other"}, "notes"),
    "terms overwritten": Loss("update_invoice", INVOICE | {"terms": "60 days"}, "terms"),
    "notes cleared": Loss("update_invoice", INVOICE | {"clear": ["notes"]}, "notes"),
    "a later due date": Loss("update_invoice", INVOICE | {"due_date": "2027-01-31"}, "due_date"),
    "a draft emptied": Loss("update_invoice", DRAFT | {"line_items": [{"name": "Nothing", "rate": 0}]}, "line_items"),
    "a draft moved": Loss("update_invoice", DRAFT | {"customer_id": "$other"}, "customer_id"),
    "a line of an estimate removed": Loss(
        "update_estimate", ESTIMATE | {"line_items": [{"line_item_id": "$estimate_line1"}]}, "line_items", "150.00"
    ),
    "an estimate discounted": Loss("update_estimate", ESTIMATE | {"discount": "50%"}, "discount", "50%"),
    "an estimate declined": Loss("decline_estimate", ESTIMATE, "status"),
    "an earlier expiry date": Loss("update_estimate", ESTIMATE | {"expiry_date": "2026-06-20"}, "expiry_date"),
    "a line of a credit note removed": Loss(
        "update_credit_note", NOTE | {"line_items": [{"line_item_id": "$note_line1"}]}, "line_items", "150.00"
    ),
    "a credit note moved": Loss("update_credit_note", NOTE | {"customer_id": "$other"}, "customer_id", "Acme"),
    "a payment lowered": Loss(
        "update_payment", PAYMENT | {"amount": 10, "invoices": [{"invoice_id": "$owed", "amount_applied": 10}]},
        "amount", "100.00",
    ),
    "a payment moved to another invoice": Loss(
        "update_payment", PAYMENT | {"invoices": [{"invoice_id": "$invoice", "amount_applied": 100}]}, "invoices",
        "100.00",
    ),
    "a payment of nothing": Loss("update_payment", PAYMENT | {"invoices": []}, "invoices", "100.00"),
    "a payment's note cleared": Loss("update_payment", PAYMENT | {"clear": ["description"]}, "description"),
    "a contact person removed": Loss(
        "update_customer", CUSTOMER | {"contact_persons": [{"contact_person_id": "$ada"}]}, "contact_persons",
        "ben@x.example",
    ),
    "a contact person's address replaced": Loss(
        "update_customer",
        CUSTOMER | {"contact_persons": [{"contact_person_id": "$ada", "email": "eve@y.example"},
                                        {"contact_person_id": "$ben"}]},
        "contact_persons", "ada@x.example",
    ),
    "the address of one contact person replaced": Loss(
        "update_contact_person", PERSON | {"email": "eve@y.example"}, "email", "ada@x.example"
    ),
    "the phone of one contact person replaced": Loss("update_contact_person", PERSON | {"phone": "2"}, "phone"),
    "an address overwritten": Loss(
        "update_customer", CUSTOMER | {"billing_address": {"address": "9 Low Street"}}, "billing_address"
    ),
    "a further address overwritten": Loss(
        "update_customer_address", CUSTOMER | {"address_id": "$address", "city": "Elsewhere"}, "city"
    ),
    "a customer's currency": Loss("update_customer", {"customer_id": "$other", "currency_id": "$eur"}, "currency_id",
                                  "USD"),
    "a customer renamed": Loss("update_customer", CUSTOMER | {"contact_name": "Acme 2"}, "contact_name"),
    "a customer's notes cleared": Loss("update_customer", CUSTOMER | {"clear": ["notes"]}, "notes"),
    "a customer deactivated": Loss("deactivate_customer", CUSTOMER, "status"),
    "an expense lowered": Loss("update_expense", EXPENSE | {"amount": 1}, "amount", "80.00"),
    "an expense taken off its customer": Loss(
        "update_expense", EXPENSE | {"clear": ["customer_id"], "is_billable": False}, "customer_id", "Acme"
    ),
    "an expense's description cleared": Loss("update_expense", EXPENSE | {"clear": ["description"]}, "description"),
    "a receipt replaced": Loss(
        "upload_expense_receipt", EXPENSE | {"file_path": "new.png"}, "expense_receipt_name", "old.png"
    ),
    "a file on an invoice replaced": Loss(
        "attach_file_to_invoice", {"invoice_id": "$owed", "file_path": "new.png"}, "attachment_name", "old.png"
    ),
    "an item's price lowered": Loss("update_item", ITEM | {"rate": 1}, "rate"),
    "an item's tax cleared": Loss("update_item", ITEM | {"clear": ["tax_id"]}, "tax_id"),
    "an item deactivated": Loss("deactivate_item", ITEM, "status"),
    "a line of a recurring invoice removed": Loss(
        "update_recurring_invoice", RECURRING | {"line_items": [{"line_item_id": "$recurring_line1"}]}, "line_items",
        "150.00",
    ),
    "a recurring invoice that ends": Loss("update_recurring_invoice", RECURRING | {"end_date": "2026-06-30"},
                                          "end_date"),
    "a recurring invoice stopped": Loss("stop_recurring_invoice", RECURRING, "status"),
    "lines replaced by an upsert": Loss(
        "upsert_recurring_invoice", UNIQUE | {"line_items": [{"name": "Other", "rate": 1}]}, "line_items", "400.00"
    ),
    "notes overwritten by an upsert": Loss("upsert_recurring_invoice", UNIQUE | {"notes": "Other"}, "notes"),
    "a sent invoice made a draft": Loss("mark_invoice_draft", {"invoice_id": "$void"}, "status"),
}  # fmt: skip


async def books(client: Client, folder: Path) -> dict[str, Any]:
    """Records of every kind: the ids that the table above names."""
    ids: dict[str, Any] = {}

    async def use(tool: str, **arguments: Any) -> dict[str, Any]:
        return await call(client, tool, **filled(arguments, ids))

    async def document(name: str, tool: str, key: str, **arguments: Any) -> None:
        made = (await use(tool, customer_id="$customer", line_items=LINES, **arguments))[key]
        ids[name] = made[f"{key}_id"]
        shown = await use(f"get_{tool.removeprefix('create_')}", **{f"{key}_id": ids[name]})
        ids.update({f"{name}_line{at}": one["line_item_id"] for at, one in enumerate(shown[key]["line_items"], 1)})

    ids["tax"] = (await use("list_taxes"))["taxes"][0]["tax_id"]
    ids["eur"] = next(
        one["currency_id"] for one in (await use("list_currencies"))["currencies"] if one["currency_code"] == "EUR"
    )
    people = [{"first_name": "Ada", "email": "ada@x.example", "phone": "1", "is_primary_contact": True},
              {"first_name": "Ben", "email": "ben@x.example"}]  # fmt: skip
    address = {"address": "1 High Street", "city": "Oldtown", "zip": "12345"}
    acme = {"contact_name": "Acme", "notes": "Pays late", "contact_persons": people, "billing_address": address}
    ids["customer"] = (await use("create_customer", **acme))["customer"]["customer_id"]
    ids["other"] = (await use("create_customer", contact_name="Zenith"))["customer"]["customer_id"]
    persons = (await use("list_contact_persons", customer_id="$customer"))["contact_persons"]
    ids |= {name: persons[at]["contact_person_id"] for at, name in enumerate(("ada", "ben"))}
    await use("add_customer_address", customer_id="$customer", address="2 Side Street", city="Oldtown")
    addresses = (await use("list_customer_addresses", customer_id="$customer"))["addresses"]
    ids["address"] = next(one["address_id"] for one in addresses if one.get("address") == "2 Side Street")
    item = await use("create_item", name="Sticker", rate=3, tax_id="$tax")
    ids["item"] = item["item"]["item_id"]
    charges = {"shipping_charge": 20, "adjustment": 0}
    await document("invoice", "create_invoice", "invoice", notes="Thank you", terms="14 days",
                   contact_persons=["$ada", "$ben"], **charges)  # fmt: skip
    await document("owed", "create_invoice", "invoice", reference_number="Paid in part")
    await document("draft", "create_invoice", "invoice", due_date="2026-07-15")
    await document("void", "create_invoice", "invoice", reference_number="Twice")
    await document("estimate", "create_estimate", "estimate", expiry_date="2026-08-01")
    await document("note", "create_credit_note", "creditnote", notes="Sorry")
    every_month = {"recurrence_frequency": "months", "start_date": "2026-06-15"}
    await document("recurring", "create_recurring_invoice", "recurring_invoice", recurrence_name="Care",
                   end_date="2027-06-15", **every_month)  # fmt: skip
    await use("upsert_recurring_invoice", **UNIQUE, upsert=True, customer_id="$customer", recurrence_name="Hosting",
              line_items=LINES, notes="Yearly", **every_month)  # fmt: skip
    for tool in ("mark_invoice_sent", "void_invoice"):
        await use(tool, invoice_id="$void")
    await use("mark_invoice_sent", invoice_id="$invoice")
    await use("mark_estimate_sent", estimate_id="$estimate")
    await use("mark_invoice_sent", invoice_id="$owed")
    paid = [{"invoice_id": "$owed", "amount_applied": 100}]
    payment = await use("record_payment", customer_id="$customer", amount=100, invoices=paid, description="Cheque 5")
    ids["payment"] = payment["payment"]["payment_id"]
    category = (await use("list_expense_categories"))["expense_categories"][0]["account_id"]
    expense = await use("create_expense", account_id=category, date="2026-06-01", amount=80, customer_id="$customer",
                        is_billable=True, description="Taxi")  # fmt: skip
    ids["expense"] = expense["expense"]["expense_id"]
    for name in ("old", "new"):
        (folder / f"{name}.png").write_bytes(PNG + name.encode())
    await use("upload_expense_receipt", expense_id="$expense", file_path="old.png")
    await use("attach_file_to_invoice", invoice_id="$owed", file_path="old.png")
    return ids


def kept(audit: Path) -> list[dict[str, Any]]:
    path = before_file(str(audit))
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("name", LOSSES)
async def test_a_loss_is_asked_about_or_named_and_can_be_restored(zoho: Zoho, tmp_path: Path, name: str) -> None:
    loss, audit = LOSSES[name], tmp_path / "audit.jsonl"
    async with zoho.client(
        toolsets=("all",), repeat_window=0, upload_dir=tmp_path, audit_file=str(audit)
    ) as client:  # fmt: skip
        arguments = filled(loss.arguments, await books(client, tmp_path))
        zoho.person.questions.clear()
        if loss.asks:
            before, yes = zoho.changes(), zoho.person.answer
            zoho.person.answer = NO
            declined = await client.call_tool(loss.tool, arguments)
            assert (declined.structured_content or {})["error"]["kind"] == "declined"
            assert zoho.changes() == before
            zoho.person.answer = yes
        answer = await call(client, loss.tool, **arguments)
    assert len(zoho.person.questions) == (2 if loss.asks else 0)
    assert all(loss.asks in question for question in zoho.person.questions)
    assert all(FINAL not in question for question in zoho.person.questions)
    field = loss.field.partition("[")[0]
    named = {each["field"].partition("[")[0].partition(".")[0] for each in answer["replaced"]}
    assert field in named
    [entry] = [entry for entry in kept(audit) if entry["call"] == answer["before_id"]]
    assert entry["before"][field] not in (None, "", [], {})


def audited(zoho: Zoho, folder: Path, **changes: Any) -> Any:
    (folder / "audit.jsonl").touch(mode=0o600)
    return zoho.client(
        toolsets=("all",), repeat_window=0, upload_dir=folder, audit_file=str(folder / "audit.jsonl"), **changes
    )


FILES: dict[str, dict[str, Any]] = {
    "upload_expense_receipt": EXPENSE | {"file_path": "new.png"},
    "delete_expense_receipt": EXPENSE,
    "attach_file_to_invoice": {"invoice_id": "$owed", "file_path": "new.png"},
    "delete_invoice_attachment": {"invoice_id": "$owed"},
}


@pytest.mark.parametrize("tool", FILES)
async def test_a_file_that_is_replaced_or_deleted_is_kept(zoho: Zoho, tmp_path: Path, tool: str) -> None:
    async with audited(zoho, tmp_path) as client:
        await call(client, tool, **filled(FILES[tool], await books(client, tmp_path)))
    file = Path(kept(tmp_path / "audit.jsonl")[-1]["file"])
    assert file.read_bytes() == PNG + b"old"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_what_is_deleted_is_kept_whole(zoho: Zoho, tmp_path: Path) -> None:
    async with audited(zoho, tmp_path) as client:
        ids = await books(client, tmp_path)
        answer = await call(client, "delete_estimate", estimate_id=ids["estimate"])
        person = await call(
            client, "delete_contact_person", customer_id=ids["customer"], contact_person_id=ids["ben"]
        )  # fmt: skip
    entries = {entry["call"]: entry["before"] for entry in kept(tmp_path / "audit.jsonl")}
    estimate = entries[answer["before_id"]]
    assert [line["name"] for line in estimate["line_items"]] == ["Design", "Print"]
    assert entries[person["before_id"]]["email"] == "ben@x.example"


async def test_no_old_value_reaches_the_audit_file_or_the_log(
    zoho: Zoho, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with audited(zoho, tmp_path) as client:
        ids = await books(client, tmp_path)
        await call(client, "update_customer", customer_id=ids["customer"], notes="Pays on time")
    assert kept(tmp_path / "audit.jsonl")[-1]["before"] == {"notes": "Pays late"}
    assert "Pays late" not in (tmp_path / "audit.jsonl").read_text()
    assert "Pays late" not in caplog.text
    assert before_file(str(tmp_path / "audit.jsonl")).stat().st_mode & 0o777 == 0o600


async def test_without_a_place_for_the_old_values_nothing_is_sent(zoho: Zoho, tmp_path: Path) -> None:
    async with audited(zoho, tmp_path) as client:
        ids = await books(client, tmp_path)
        path = before_file(str(tmp_path / "audit.jsonl"))
        path.unlink()
        path.mkdir()
        before = zoho.changes()
        for tool, arguments in (
            ("update_invoice", {"invoice_id": ids["invoice"], "notes": "x", "reason": "y"}),
            ("void_invoice", {"invoice_id": ids["invoice"]}),
        ):
            result = await client.call_tool(tool, arguments)
            assert (result.structured_content or {})["error"]["kind"] == "audit"
            assert str(path) in (result.structured_content or {})["error"]["message"]
        assert zoho.changes() == before
        # What replaces nothing needs no such place.
        await call(client, "create_item", name="New", rate=1)


def test_a_full_disk_leaves_no_half_a_line(tmp_path: Path) -> None:
    import resource

    values = BeforeValues(str(tmp_path / "audit.jsonl"))
    values.keep({"call": "a", "before": {"notes": "one"}})
    path = before_file(str(tmp_path / "audit.jsonl"))
    whole, limit = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, limit[1]))
        with pytest.raises(AuditError):
            values.keep({"call": "b", "before": {"notes": "two"}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == whole


def test_old_values_and_files_are_removed_after_90_days(tmp_path: Path) -> None:
    clock = Clock()
    values = BeforeValues(str(tmp_path / "audit.jsonl"), clock)
    values.keep({"call": "a", "before": {"x": "first"}}, ("receipt.png", b"1"))
    clock.advance(days=60)
    values.keep({"call": "b", "before": {"x": "second"}}, ("receipt.png", b"2"))
    clock.advance(days=29)
    assert [entry["call"] for entry in values.entries()] == ["a", "b"]
    clock.advance(days=2)
    assert [entry["call"] for entry in values.entries()] == ["b"]
    clock.advance(days=61)
    values.keep({"call": "c", "before": {"x": "third"}})
    assert [entry["call"] for entry in kept(tmp_path / "audit.jsonl")] == ["c"]
    assert list(tmp_path.rglob("*.png")) == []


def test_a_damaged_line_of_old_values_costs_no_other(tmp_path: Path) -> None:
    values = BeforeValues(str(tmp_path / "audit.jsonl"))
    values.keep({"call": "a", "before": {}})
    with before_file(str(tmp_path / "audit.jsonl")).open("ab") as file:
        file.write(b'{"call": "torn')
    values.keep({"call": "b", "before": {}})
    assert [entry["call"] for entry in values.entries()] == ["a", "b"]


SAME_LOSS: dict[str, dict[str, Any]] = {
    "delete_invoice": {"invoice_id": "$invoice"},
    "update_invoice": INVOICE | {"line_items": line("invoice", rate=1)},
    "write_off_invoice": {"invoice_id": "$invoice"},
    "mark_invoice_draft": {"invoice_id": "$invoice"},
    "create_credit_note": {"customer_id": "$customer", "line_items": [{"name": "x", "rate": 970}]},
    "record_invoice_payment": {"invoice_id": "$invoice"},
    "record_payment": {
        "customer_id": "$customer", "amount": 1, "invoices": [{"invoice_id": "$invoice", "amount_applied": 1}]
    },
    "apply_credits_to_invoice": {
        "invoice_id": "$invoice", "apply_creditnotes": [{"creditnote_id": "$note", "amount_applied": 1}]
    },
    "apply_credit_note": {
        "creditnote_id": "$note", "invoices": [{"invoice_id": "$invoice", "amount_applied": 1}]
    },
    "disable_payment_reminders": {"invoice_id": "$invoice"},
}  # fmt: skip


@pytest.mark.parametrize("tool", SAME_LOSS)
async def test_after_a_no_another_way_to_the_same_loss_is_asked_about(zoho: Zoho, tmp_path: Path, tool: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\ntools = "void_*"\naction = "ask"\n[[rules]]\ntools = "*"\naction = "allow"\n')
    async with audited(zoho, tmp_path, policy_file=str(policy)) as client:
        ids = await books(client, tmp_path)
        zoho.person.questions.clear()
        zoho.person.answer = NO
        await client.call_tool("void_invoice", {"invoice_id": ids["invoice"]})
        before = zoho.changes()
        for harmless in ("mark_invoice_sent", "get_invoice"):
            await call(client, harmless, invoice_id=ids["invoice"])
        await call(client, "update_invoice", invoice_id=ids["invoice"], notes="Please pay", reason="Reminder")
        await call(client, "record_invoice_payment", invoice_id=ids["owed"], amount=1)
        assert len(zoho.person.questions) == 1
        before = zoho.changes()
        result = await client.call_tool(tool, filled(SAME_LOSS[tool], ids))
        assert (result.structured_content or {})["error"]["kind"] == "declined"
        assert len(zoho.person.questions) == 2
        assert zoho.changes() == before


async def test_a_no_is_remembered_for_ten_minutes_and_across_servers(zoho: Zoho, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\ntools = "void_*"\naction = "ask"\n[[rules]]\ntools = "*"\naction = "allow"\n')
    settings: dict[str, Any] = {"policy_file": str(policy), "clients_file": str(tmp_path / "clients.json")}
    async with audited(zoho, tmp_path, **settings) as client:
        ids = await books(client, tmp_path)
        zoho.person.questions.clear()
        zoho.person.answer = NO
        await client.call_tool("void_invoice", {"invoice_id": ids["draft"]})
    async with audited(zoho, tmp_path, **settings) as client:
        await client.call_tool("delete_invoice", {"invoice_id": ids["draft"]})
        assert len(zoho.person.questions) == 2
        # That no counts as well.
        zoho.clock.advance(minutes=11)
        await call(client, "delete_invoice", invoice_id=ids["draft"])
    assert len(zoho.person.questions) == 2


async def test_another_way_to_a_loss_is_asked_about_while_the_question_is_open(zoho: Zoho, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\ntools = "void_*"\naction = "ask"\n[[rules]]\ntools = "*"\naction = "allow"\n')
    opened: list[str] = []

    async def browser(address: str) -> bool:
        opened.append(address)
        return True

    async with audited(zoho, tmp_path, policy_file=str(policy)) as client:
        ids = await books(client, tmp_path)
    server = zoho.server(
        browser=browser, toolsets=("all",), policy_file=str(policy), approval_wait=0, can_open_browser=True
    )
    async with Client(server) as client:
        for tool in ("void_invoice", "delete_invoice"):
            result = await client.call_tool(tool, {"invoice_id": ids["draft"]})
            assert (result.structured_content or {})["error"]["kind"] == "waiting", tool
    assert len(opened) == 2
    assert [line for line in zoho.changes() if line.endswith((f"{ids['draft']}/status/void", ids["draft"]))] == []


async def test_a_yes_to_a_loss_ends_the_watch_over_its_record(zoho: Zoho, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\ntools = "void_*"\naction = "ask"\n[[rules]]\ntools = "*"\naction = "allow"\n')
    async with audited(zoho, tmp_path, policy_file=str(policy)) as client:
        ids = await books(client, tmp_path)
        zoho.person.questions.clear()
        await call(client, "void_invoice", invoice_id=ids["invoice"])
        await call(client, "delete_invoice", invoice_id=ids["invoice"])
    assert len(zoho.person.questions) == 1


async def test_a_rule_for_writes_does_not_cover_an_update_that_takes_away(zoho: Zoho, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\neffects = "write"\naction = "allow"\n')
    async with audited(zoho, tmp_path, policy_file=str(policy), confirm="refuse") as client:
        invoice = (await call(client, "list_invoices", status="sent", per_page=1))["invoices"][0]["invoice_id"]
        before = zoho.changes()
        lines = [{"name": "Nothing", "rate": 0}]
        result = await client.call_tool("update_invoice", {"invoice_id": invoice, "line_items": lines, "reason": "x"})
        assert (result.structured_content or {})["error"]["kind"] == "refused_by_policy"
        assert zoho.changes() == before
        await call(client, "update_invoice", invoice_id=invoice, notes="Hello", reason="x")


async def test_a_question_names_what_the_ids_of_a_call_stand_for(zoho: Zoho, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\neffects = ["write", "destroy"]\naction = "ask"\n')
    async with audited(zoho, tmp_path) as client:
        ids = await books(client, tmp_path)
    calls: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        "create_invoice": (
            {"customer_id": "$customer", "line_items": [{"item_id": "$item", "quantity": 5}],
             "contact_persons": ["$ben"]},
            ("15.00", "Sticker", "Acme", "ben@x.example"),
        ),
        "create_estimate": (
            {"customer_id": "$customer", "line_items": [{"name": "Sign", "rate": 9.75}]}, ("9.75", "Acme")
        ),
        "update_estimate": (ESTIMATE | {"customer_id": "$other"}, ("Acme", "Zenith")),
        "record_payment": (
            {"customer_id": "$customer", "amount": 7.25,
             "invoices": [{"invoice_id": "$owed", "amount_applied": 7.25}]},
            ("7.25", "INV-", "Acme"),
        ),
        "apply_credits_to_invoice": (
            {"invoice_id": "$owed", "apply_creditnotes": [{"creditnote_id": "$note", "amount_applied": 3.5}]},
            ("3.50", "CN-", "INV-"),
        ),
        "update_customer": (
            CUSTOMER | {"contact_persons": [{"contact_person_id": "$ada", "phone": "555"}]},
            ("ada@x.example", "555", "ben@x.example"),
        ),
        "delete_contact_person": (CUSTOMER | {"contact_person_id": "$ben"}, ("ben@x.example", "Acme")),
        "delete_customer_address": (CUSTOMER | {"address_id": "$address"}, ("2 Side Street", "Acme")),
        "remove_invoice_payment": ({"invoice_id": "$owed", "invoice_payment_id": "$paid"}, ("100.00", "INV-")),
    }  # fmt: skip
    async with audited(zoho, tmp_path, policy_file=str(policy)) as client:
        paid = (await call(client, "list_invoice_payments", invoice_id=ids["owed"]))["payments"][0]
        ids["paid"] = paid["invoice_payment_id"]
        zoho.person.answer = NO
        for tool, (arguments, words) in calls.items():
            zoho.person.questions.clear()
            await client.call_tool(tool, filled(arguments, ids))
            [question] = zoho.person.questions
            assert [word for word in words if word not in question] == [], (tool, question)


async def test_an_invoice_sent_on_creation_shows_whom_it_is_mailed_to(zoho: Zoho, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\neffects = "send"\naction = "ask"\n')
    async with audited(zoho, tmp_path, policy_file=str(policy)) as client:
        ids = await books(client, tmp_path)
        zoho.person.questions.clear()
        lines = [{"name": "Sign", "rate": 9.75}]
        await call(client, "create_invoice", customer_id=ids["customer"], line_items=lines, send=True)
    [question] = zoho.person.questions
    assert "ada@x.example" in question
    assert "ben@x.example" not in question
    assert question.endswith(FINAL)


async def test_a_server_that_starts_removes_what_is_too_old(zoho: Zoho, tmp_path: Path) -> None:
    clock = Clock()
    BeforeValues(str(tmp_path / "audit.jsonl"), clock).keep({"call": "a", "before": {"x": 1}})
    path = before_file(str(tmp_path / "audit.jsonl"))
    path.write_text(path.read_text().replace("2026-", "2019-"))
    async with audited(zoho, tmp_path):
        assert kept(tmp_path / "audit.jsonl") == []
