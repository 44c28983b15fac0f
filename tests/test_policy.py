"""What is allowed, asked about and refused: by the shipped policy, and by one that an owner wrote."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import ERAS, Era, Zoho, call, kind_of, text_of
from mcp import Client
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.shared.exceptions import MCPError

from zoho_mcp.policy.facts import at_hand, can_mail, with_facts
from zoho_mcp.policy.load import load_policy
from zoho_mcp.policy.rules import decide, needed
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
CATALOG = load()
OPERATIONS = list(CATALOG.operations.values())
every_tool = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
Written = Callable[[str], str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a policy file; its path."""

    def write(text: str) -> str:
        path = tmp_path / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@every_tool
def test_the_shipped_policy_asks_about_what_destroys_and_about_mail_to_strangers_alone(operation: Operation) -> None:
    policy = load_policy(CATALOG)
    plain = at_hand(operation, {}, CATALOG, "1", None)
    assert needed(policy, operation, plain) <= {"recipients"}
    plain = with_facts(plain, outsiders=())
    assert decide(policy, operation, plain).action == ("ask" if operation.effect == "destroy" else "allow")
    for name, effect in operation.escalates.items():
        raised = at_hand(operation, {name: True}, CATALOG, "1", None)
        known = with_facts(raised, outsiders=())
        assert (known.effect, decide(policy, operation, known).action) == (effect, "allow")
    if can_mail(operation):
        mail = at_hand(operation, {"to_mail_ids": ["a@b.example"]}, CATALOG, "1", None)
        assert needed(policy, operation, mail) == {"recipients"}
        assert decide(policy, operation, with_facts(mail, outsiders=())).action == "allow"
        assert decide(policy, operation, with_facts(mail, outsiders=("a@b.example",))).action == "ask"


async def one(client: Client, **wanted: Any) -> dict[str, Any]:
    return (await call(client, "list_invoices", per_page=1, **wanted))["invoices"][0]


async def own_addresses(client: Client, invoice: dict[str, Any]) -> list[str]:
    customer = (await call(client, "get_customer", customer_id=invoice["customer_id"]))["customer"]
    return [person["email"] for person in customer["contact_persons"]]


@both_eras
async def test_a_mail_to_contact_persons_goes_unasked_in_whatever_case_they_are_written(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        invoice = await one(client, status="sent")
        people = [address.upper() for address in await own_addresses(client, invoice)]
        await call(client, "email_invoice", invoice_id=invoice["invoice_id"], to_mail_ids=people, cc_mail_ids=people)
    assert zoho.person.questions == []
    assert zoho.store.outbox()[-1]["to"] == people


@pytest.mark.parametrize("where", ["to_mail_ids", "cc_mail_ids"])
@both_eras
async def test_a_mail_to_anyone_else_is_asked_about_and_says_who_that_is(zoho: Zoho, era: Era, where: str) -> None:
    async with zoho.client(era) as client:
        invoice = await one(client, status="sent")
        mail = {"to_mail_ids": await own_addresses(client, invoice), "subject": "Your invoice"}
        mail[where] = [*mail.get(where, []), "thief@elsewhere.example"]
        await call(client, "email_invoice", invoice_id=invoice["invoice_id"], **mail)
    [question] = zoho.person.questions
    rows = [line for line in question.splitlines() if "“thief@elsewhere.example”" in line]
    strangers, recipients = rows[0], f"To: “{mail['to_mail_ids'][0]}”"
    assert mail["to_mail_ids"][0] not in strangers
    for part in (recipients, "“Your invoice”", "PDF"):
        assert part in question


async def test_a_declined_mail_is_not_sent(zoho: Zoho) -> None:
    async with zoho.client(can_ask=False) as client:
        invoice = await one(client, status="sent")
        result = await client.call_tool(
            "email_invoice", {"invoice_id": invoice["invoice_id"], "to_mail_ids": ["thief@elsewhere.example"]}
        )
    assert kind_of(result) == "waiting"
    assert zoho.changes() == []


async def test_writing_an_invoice_with_send_is_a_sending(zoho: Zoho, written: Written) -> None:
    policy = written('[defaults]\nsend = "refuse"\n')
    async with zoho.client(policy_file=policy) as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        invoice = {"customer_id": customer, "line_items": [{"name": "Logo", "rate": 450}]}
        assert not (await client.call_tool("create_invoice", {**invoice, "send": False})).is_error
        sending = await client.call_tool("create_invoice", {**invoice, "send": True})
    assert kind_of(sending) == "refused_by_policy"
    assert len(zoho.changes()) == 1


async def test_the_first_rule_that_matches_decides_and_its_reason_reaches_the_model(
    zoho: Zoho, written: Written
) -> None:
    policy = written("""
        [[rules]]
        tools = ["void_*"]
        amount_over = 1000
        action = "refuse"
        reason = "Ask Robin in accounting."
        [[rules]]
        tools = "void_invoice"
        action = "allow"
    """)
    async with zoho.client(policy_file=policy) as client:
        customer = await dollar_customer(client)
        for rate, refused in ((1000.01, True), (1000, False)):
            lines = [{"name": "Work", "rate": rate}]
            made = await call(client, "create_invoice", customer_id=customer, line_items=lines)
            result = await client.call_tool("void_invoice", {"invoice_id": made["invoice"]["invoice_id"]})
            assert kind_of(result) == ("refused_by_policy" if refused else "")
            assert ("Ask Robin in accounting." in text_of(result)) == refused
    assert zoho.person.questions == []


async def dollar_customer(client: Client) -> str:
    rows = (await call(client, "list_customers"))["customers"]
    return next(row["customer_id"] for row in rows if row["currency_code"] == "USD")


async def euro_customer(client: Client) -> str:
    rows = (await call(client, "list_customers"))["customers"]
    return next(row["customer_id"] for row in rows if row["currency_code"] == "EUR")


async def test_an_amount_in_another_currency_counts_at_the_records_own_rate(zoho: Zoho, written: Written) -> None:
    rule = '[[rules]]\ntools = "void_invoice"\namount_over = {}\naction = "refuse"\n[defaults]\ndestroy = "allow"\n'
    async with zoho.client() as client:
        lines = [{"name": "Work", "rate": 100}]
        made = await call(client, "create_invoice", customer_id=await euro_customer(client), line_items=lines)
        asked = {"invoice_id": made["invoice"]["invoice_id"], "fields": ["exchange_rate"]}
        invoice = (await call(client, "get_invoice", **asked))["invoice"]
    at_home = Decimal(str(invoice["total"])) * Decimal(str(invoice["exchange_rate"]))
    assert at_home != invoice["total"]
    for limit, refused in ((at_home - Decimal("0.01"), True), (at_home, False)):
        async with zoho.client(policy_file=written(rule.format(limit))) as client:
            result = await client.call_tool("void_invoice", {"invoice_id": invoice["invoice_id"]})
            assert bool(result.is_error) == refused


async def test_a_new_invoice_counts_with_its_lines_and_over_when_its_currency_cannot_be_converted(
    zoho: Zoho, written: Written
) -> None:
    policy = written('[[rules]]\ntools = "create_invoice"\namount_over = 500\naction = "refuse"\n')
    async with zoho.client(policy_file=policy) as client:
        dollars, euros = await dollar_customer(client), await euro_customer(client)

        async def refused(customer: str, *lines: dict[str, Any], **more: Any) -> bool:
            arguments = {"customer_id": customer, "line_items": list(lines), **more}
            return bool((await client.call_tool("create_invoice", arguments)).is_error)

        assert not await refused(dollars, {"name": "x", "rate": 250, "quantity": 2})
        assert await refused(dollars, {"name": "x", "rate": 250, "quantity": 2}, shipping_charge=0.01)
        assert await refused(dollars, {"name": "x", "rate": 250.01, "quantity": 2})
        assert await refused(dollars, {"name": "x"})
        assert await refused(euros, {"name": "x", "rate": 1})


async def test_a_payment_counts_with_its_amount_or_with_the_balance_it_defaults_to(
    zoho: Zoho, written: Written
) -> None:
    policy = written('[[rules]]\ntoolsets = "invoices"\neffects = "write"\namount_over = 99\naction = "refuse"\n')
    async with zoho.client() as client:
        rows = (await call(client, "list_invoices", status="sent"))["invoices"]
        invoice = next(row for row in rows if row["currency_code"] == "USD" and row["balance"] > 99)["invoice_id"]
    async with zoho.client(policy_file=policy) as client:
        assert (await client.call_tool("record_invoice_payment", {"invoice_id": invoice})).is_error
        assert (await client.call_tool("record_invoice_payment", {"invoice_id": invoice, "amount": 99.5})).is_error
        await call(client, "record_invoice_payment", invoice_id=invoice, amount=99)


async def test_a_change_cannot_slip_under_a_limit_by_making_the_record_smaller(zoho: Zoho, written: Written) -> None:
    policy = written('[[rules]]\ntools = ["update_*"]\namount_over = 100\naction = "refuse"\n')
    async with zoho.client(policy_file=policy) as client:
        payment = (await call(client, "list_payments", per_page=1))["customerpayments"][0]
        assert payment["amount"] > 100
        arguments = {"payment_id": payment["payment_id"], "amount": 1}
        assert (await client.call_tool("update_payment", arguments)).is_error
    assert zoho.changes() == []


async def test_a_rule_can_turn_on_the_records_status_and_on_the_organisation(zoho: Zoho, written: Written) -> None:
    policy = written(f"""
        [[rules]]
        tools = "update_invoice"
        status = ["paid", "void"]
        organization = "{zoho.settings.organization_id}"
        action = "ask"
        [[rules]]
        tools = "update_invoice"
        organization = "1"
        action = "refuse"
    """)
    async with zoho.client(policy_file=policy) as client:
        for status in ("draft", "paid"):
            invoice = (await one(client, status=status))["invoice_id"]
            await call(client, "update_invoice", invoice_id=invoice, notes="Thanks", reason="Wording")
    [question] = zoho.person.questions
    assert "INV-" in question.splitlines()[0]
    for part in ("→ “Thanks”", "“Wording”", "paid"):
        assert part in question


async def test_a_rule_about_a_principal_is_about_callers_who_logged_in(zoho: Zoho, written: Written) -> None:
    policy = written('[[rules]]\nprincipal = ["clerk-*"]\neffects = "write"\naction = "refuse"\n')

    async def try_as(principal: str | None) -> bool:
        token = AccessToken(token="t", client_id="app", scopes=[], subject=principal)
        reset = auth_context_var.set(AuthenticatedUser(token) if principal else None)
        try:
            async with zoho.client(policy_file=policy) as client:
                result = await client.call_tool("create_customer", {"contact_name": f"New {principal}"})
        finally:
            auth_context_var.reset(reset)
        return bool(result.is_error)

    assert [await try_as(name) for name in ("clerk-7", "boss", None)] == [True, False, False]


@both_eras
async def test_a_read_can_be_refused_or_asked_about_too(zoho: Zoho, era: Era, written: Written) -> None:
    policy = written(
        '[[rules]]\ntools="list_payments"\naction="refuse"\n[[rules]]\ntools="get_customer"\naction="ask"\n'
    )
    async with zoho.client(era, policy_file=policy) as client:
        assert (await client.call_tool("list_payments", {})).is_error
        customer = await dollar_customer(client)
        await call(client, "get_customer", customer_id=customer)
    assert len(zoho.person.questions) == 1


@pytest.mark.parametrize("action", ["refuse", "ask"])
async def test_a_resource_gives_nothing_that_its_tool_would_not(zoho: Zoho, written: Written, action: str) -> None:
    policy = written(f'[[rules]]\ntools=["get_customer"]\naction="{action}"\n')
    async with zoho.client(policy_file=policy) as client:
        customer = await dollar_customer(client)
        await client.read_resource("zoho-invoice://customers")
        with pytest.raises(MCPError) as caught:
            await client.read_resource(f"zoho-invoice://customers/{customer}")
        kind = {"ask": "could_not_ask", "refuse": "refused_by_policy"}[action]
        assert caught.value.error.data == {"uri": f"zoho-invoice://customers/{customer}", "kind": kind}
        assert f"GET /invoice/v3/contacts/{customer}" not in zoho.received()
    assert zoho.person.questions == []


@both_eras
async def test_what_is_not_there_yet_can_be_asked_about_with_its_arguments(
    zoho: Zoho, era: Era, written: Written
) -> None:
    policy = written('[defaults]\nwrite = "ask"\n')
    async with zoho.client(era, policy_file=policy) as client:
        customer = await dollar_customer(client)
        lines = [{"name": "Logo", "rate": 450, "quantity": 2}]
        await call(client, "create_invoice", customer_id=customer, line_items=lines, date="2026-06-15")
    [question] = zoho.person.questions
    lines_shown = question.splitlines()
    assert lines_shown[0].endswith("?")
    assert lines_shown[1].partition(": ")[2], "whom it is for"
    for value in ("2 x 450.00 = 900.00, “Logo”", "15 June 2026"):
        assert any(line.endswith(f": {value}") for line in lines_shown)


async def test_when_the_facts_cannot_be_read_the_call_fails_with_that_error(zoho: Zoho, written: Written) -> None:
    policy = written('[[rules]]\ntools = "void_invoice"\namount_over = 5\naction = "ask"\n')
    async with zoho.client(policy_file=policy, confirm="allow") as client:
        result = await client.call_tool("void_invoice", {"invoice_id": "999"})
    assert result.is_error
    assert (result.structured_content or {})["error"]["kind"] == "not_found"
    assert zoho.changes() == []


async def test_only_what_a_rule_turns_on_is_read(zoho: Zoho) -> None:
    async with zoho.client() as client:
        invoice = await one(client, status="sent")
        people = await own_addresses(client, invoice)
        before = len(zoho.received())
        await call(client, "get_invoice", invoice_id=invoice["invoice_id"])
        await call(client, "update_invoice", invoice_id=invoice["invoice_id"], notes="Hello", reason="Wording")
        assert len(zoho.received()) == before + 3  # An update reads once what it may overwrite.
        await call(client, "email_invoice", invoice_id=invoice["invoice_id"], to_mail_ids=people)
        assert [line.split("/")[3] for line in zoho.received()[before + 3 :]] == [
            "invoices", "contacts", "invoices", "invoices",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("confirm", "destroy", "rule", "expected"),
    [
        ("allow", "ask", None, "allow"),
        ("allow", "ask", "ask", "ask"),
        ("allow", "refuse", None, "refuse"),
        ("refuse", "ask", None, "refuse"),
        ("refuse", "ask", "ask", "refuse"),
        ("refuse", "ask", "allow", "allow"),
        ("refuse", "allow", None, "allow"),
        ("ask", "allow", None, "allow"),
        ("ask", "ask", None, "ask"),
    ],
)
def test_the_setting_only_changes_what_would_be_asked(
    written: Written, confirm: Any, destroy: str, rule: str | None, expected: str
) -> None:
    text = f'[defaults]\ndestroy = "{destroy}"\n'
    text += f'[[rules]]\ntools = "void_invoice"\naction = "{rule}"\n' if rule else ""
    policy = load_policy(CATALOG, file=written(text), confirm=confirm)
    operation = CATALOG.operations["void_invoice"]
    assert decide(policy, operation, at_hand(operation, {}, CATALOG, "1", None)).action == expected
