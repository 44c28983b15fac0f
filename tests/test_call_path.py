"""How many modules a call passes through. More than this, and nobody can follow a call any more."""

import runpy
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MOST_MODULES = {
    "list_invoices": 20,
    "create_invoice": 25,
    "void_invoice, round 1": 26,
    "void_invoice, round 2": 32,
}


async def test_a_call_passes_through_few_modules() -> None:
    paths = await runpy.run_path(str(CHECKOUT / "benchmarks" / "call_path.py"))["measure"]()
    counted = {name: len(path.modules) for name, path in paths.items()}
    assert counted.keys() == MOST_MODULES.keys()
    assert {name: count for name, count in counted.items() if count > MOST_MODULES[name]} == {}
