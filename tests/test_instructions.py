"""The instructions, for every choice of toolsets."""

import itertools
from random import Random

from zoho_mcp.server.prompts.instructions import LONGEST, denied, instructions
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

CATALOG = load()


def of(*toolsets: str) -> dict[str, Operation]:
    return {name: one for name, one in CATALOG.operations.items() if one.toolset in toolsets}


def test_the_instructions_fit_whatever_toolsets_are_offered() -> None:
    # All of the small and the large combinations, and some of the 2**n between them.
    names, chance = list(CATALOG.toolsets), Random(1)
    few = [each for count in range(3) for each in itertools.combinations(names, count)]
    many = [tuple(name for name in names if name not in each) for each in few]
    between = [tuple(chance.sample(names, chance.randrange(3, len(names) - 2))) for _ in range(300)]
    for toolsets in (*few, *many, *between):
        assert len(instructions(of(*toolsets)).encode()) <= LONGEST, toolsets


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
