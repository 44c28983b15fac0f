"""What a server makes of a wire that is poorer or stranger than the sandbox's: the same figures, or an error."""

from pathlib import Path

import pytest
from conftest import Zoho, opened_zoho
from recorded import only_recorded
from rewriting import Rewriting
from stories import Use, ask_for_figures, use_every_tool

pytestmark = pytest.mark.anyio


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
    expected = await use_every_tool(zoho, tmp_path, product)
    assert shown(found) == shown(expected)
