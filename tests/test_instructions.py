"""The instructions, for every choice of toolsets."""

import itertools

import pytest

from zoho_mcp.server.prompts.instructions import LONGEST, denied, instructions
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

CATALOG = load()


def of(*toolsets: str) -> dict[str, Operation]:
    return {name: one for name, one in CATALOG.operations.items() if one.toolset in toolsets}


@pytest.mark.parametrize("count", range(len(CATALOG.toolsets) + 1))
def test_the_instructions_fit_for_every_combination_of_toolsets(count: int) -> None:
    for toolsets in itertools.combinations(CATALOG.toolsets, count):
        assert len(instructions(of(*toolsets)).encode()) <= LONGEST


def test_no_tool_is_named_that_is_not_offered() -> None:
    assert not [name for name in CATALOG.operations if name in instructions(of("organizations"))]


def test_what_a_tool_does_is_not_denied() -> None:
    operation = CATALOG.operations["mark_invoice_sent"]
    added = operation.model_copy(
        update={"name": "write_off_invoice", "docs": ("POST /invoices/{invoice_id}/writeoff",)}
    )
    offered = of("invoices")
    before = denied(offered)
    assert set(before) - set(denied({**offered, added.name: added})) == {"write off an invoice"}
