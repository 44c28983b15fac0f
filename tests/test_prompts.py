"""Prompts: jobs that a person starts by name."""

import re
from importlib.resources import files

import mcp_types as types
import pytest
from conftest import ERAS, Era, Zoho
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.prompts.instructions import LONGEST, instructions
from zoho_mcp.server.prompts.prompt import NAMES, all_prompts
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)


@both_eras
async def test_every_prompt_is_listed_with_its_arguments(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        found = (await client.list_prompts()).prompts
    assert [prompt.name for prompt in found] == [*NAMES]
    for prompt in found:
        assert prompt.title
        assert prompt.description
        assert all(argument.description for argument in prompt.arguments or ())
    required = {one.name: [argument.name for argument in one.arguments or () if argument.required] for one in found}
    assert required["bill_customer"] == ["customer"]
    assert required["monthly_report"] == []


@both_eras
async def test_a_prompt_says_what_the_person_gave_and_what_they_did_not(zoho: Zoho, era: Era) -> None:
    async with zoho.client(era) as client:
        given = {"customer": "Harbor Coffee", "what": "3 days of design"}
        [message] = (await client.get_prompt("bill_customer", given)).messages
    assert message.role == "user"
    assert isinstance(message.content, types.TextContent)
    assert "- customer: Harbor Coffee\n- what: 3 days of design\n" in message.content.text
    assert "due_in_days" in message.content.text.splitlines()[-1]
    assert zoho.received() == []


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("bill_customer", {}, "customer"),
        ("bill_customer", {"customer": "A", "due_in_days": "soon"}, "due_in_days"),
        ("monthly_report", {"month": "May"}, "month.*yyyy-mm"),
        ("monthly_report", {"month": "2026-13"}, "month.*yyyy-mm"),
        ("onboard_customer", {"name": "A", "email": "a"}, "email"),
        ("chase_overdue", {"who": "A"}, r"\bwho\b.*customer, at_least_days"),
        ("make_tea", {}, "make_tea"),
    ],
)
async def test_wrong_arguments_are_a_protocol_error_that_names_them(
    zoho: Zoho, name: str, arguments: dict[str, str], problem: str
) -> None:
    async with zoho.client() as client:
        with pytest.raises(MCPError, match=problem) as caught:
            await client.get_prompt(name, arguments)
    assert caught.value.code == types.INVALID_PARAMS


async def test_only_prompts_that_can_be_followed_are_offered(zoho: Zoho) -> None:
    async with zoho.client(read_only=True) as client:
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == ["monthly_report"]
        with pytest.raises(MCPError) as caught:
            await client.get_prompt("bill_customer", {"customer": "A"})
        assert caught.value.code == types.INVALID_PARAMS


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_names_only_tools_and_arguments_that_exist(name: str) -> None:
    operations = load().operations
    fields = {
        field.removesuffix("?")
        for one in operations.values()
        for path in (*one.answer.columns, *one.answer.fields)
        for field in path.split(".")
    }
    known = {*operations, *fields, *(name for one in operations.values() for name in one.input["properties"])}
    prompt = all_prompts()[name]
    known |= {argument.name for argument in prompt.arguments}
    said = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", " ".join([prompt.text, *prompt.optional_parts])))
    assert said - known == set()
    assert len(said & set(operations)) >= 2
    assert "Do not" in prompt.text


def test_every_prompt_in_the_folder_is_offered() -> None:
    folder = files("zoho_mcp.server.prompts")
    assert {file.name for file in folder.iterdir() if file.name.endswith(".md")} == {
        f"{name}.md" for name in (*NAMES, "instructions")
    }


async def test_a_prompt_uses_further_tools_where_they_are_offered(zoho: Zoho) -> None:
    further = {"chase_overdue": {"send_payment_reminder", "apply_credits_to_invoice"},
               "month_end_close": {"apply_credit_note", "send_payment_reminder", "summarize_records"}}  # fmt: skip
    for toolsets in ((), ("all",)):
        async with zoho.client(toolsets=toolsets) as client:
            for name, tools in further.items():
                [message] = (await client.get_prompt(name)).messages
                assert isinstance(message.content, types.TextContent)
                named = {tool for tool in tools if tool in message.content.text}
                assert named == (tools if toolsets else set())


async def test_the_server_says_how_it_is_used_well_in_half_a_page(zoho: Zoho) -> None:
    catalog = load()
    operations = catalog.operations
    async with zoho.client("legacy") as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        told = client.instructions or ""
    assert told == instructions({name: operations[name] for name in names}, catalog)
    said = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", told))
    arguments = {name for operation in operations.values() for name in operation.input["properties"]}
    assert said <= {*operations, *arguments, "has_more"}
    assert len(told.encode()) <= LONGEST
