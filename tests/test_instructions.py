"""The instructions, for every choice of toolsets."""

import itertools
from random import Random

from zoho_mcp.server.prompts.instructions import LONGEST, instructions, lacking
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
        assert len(instructions(of(*toolsets), CATALOG).encode()) <= LONGEST, toolsets


def test_of_many_missing_abilities_those_are_named_that_fit() -> None:
    many = {**CATALOG.extra, **{f"toolset_{number}": f"ability {number}" for number in range(100)}}
    text = instructions(of("invoices"), CATALOG.model_copy(update={"extra": many}))
    assert len(text.encode()) <= LONGEST
    assert next(iter(many.values())) in text
    assert "ability 99" not in text


def test_no_tool_is_named_that_is_not_offered() -> None:
    assert not [name for name in CATALOG.operations if name in instructions(of("organizations"), CATALOG)]


def test_what_is_not_offered_is_named_with_the_setting_that_adds_it() -> None:
    usual = of(*(name for name in CATALOG.toolsets if name not in CATALOG.extra))
    assert lacking(usual, CATALOG) == list(CATALOG.extra.values())
    assert lacking(CATALOG.operations, CATALOG) == []
    for name, ability in CATALOG.extra.items():
        added = {**usual, **of(name)}
        assert set(lacking(usual, CATALOG)) - set(lacking(added, CATALOG)) == {ability}
        assert ability in instructions(usual, CATALOG)
        assert ability not in instructions(added, CATALOG)


def test_who_may_only_read_hears_of_no_changes() -> None:
    reads = {name: one for name, one in of("invoices").items() if one.effect == "read"}
    changing = {one.toolset for one in CATALOG.operations.values() if one.effect != "read"}
    assert lacking(reads, CATALOG) == [able for name, able in CATALOG.extra.items() if name not in changing]
    assert CATALOG.extra["figures"] in lacking(reads, CATALOG)
