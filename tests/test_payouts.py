"""An update that pays out more money is asked about, one that pays out less is not; and labels tell the two apart."""

import json
import shutil
from pathlib import Path
from typing import Any, Literal

import pytest
from conftest import Zoho, call

from zoho_mcp.policy.losses import Losses, losses_of
from zoho_mcp.specs.entry import Replaces
from zoho_mcp.specs.load import load, specs_folder
from zoho_mcp.specs.model import Catalog

pytestmark = pytest.mark.anyio
IDS = {
    "creditnote_id": {"$ref": "_shared.json#/$defs/creditnote_id"},
    "creditnote_refund_id": {"type": "string", "description": "From list_credit_note_refunds"},
}


def with_update(folder: Path) -> Catalog:
    """The catalog with a tool that changes a refund of a credit note, which the sandbox can do."""
    specs = folder / "specs"
    shutil.copytree(specs_folder(), specs)
    file = specs / "credits.json"
    toolset = json.loads(file.read_text(encoding="utf-8"))
    path = "/creditnotes/{creditnote_id}/refunds/{creditnote_refund_id}"
    update = {
        "name": "revise_refund",
        "title": "Change a refund",
        "description": "Change only the given fields of a refund.",
        "docs": [f"PUT {path}"],
        "http": {"method": "PUT", "path": path},
        "effect": "write",
        "scope": "creditnotes.UPDATE",
        "known_from": "books",
        "idempotent": True,
        "outcome": {"sign": "changed", "read": "get_credit_note_refund"},
        "replaces": {"amount": {"kind": "payout"}},
        "answer": {"key": "creditnote_refund"},
        "input": {
            "type": "object",
            "properties": IDS | {"amount": {"type": "number", "description": "What is paid back"}},
            "required": list(IDS),
        },
    }
    file.write_text(json.dumps(toolset | {"operations": [*toolset["operations"], update]}), encoding="utf-8")
    return load(folder=specs)


async def test_a_refund_is_asked_about_when_it_rises(zoho: Zoho, tmp_path: Path) -> None:
    async with zoho.client(catalog=with_update(tmp_path), toolsets=("all",)) as client:
        customer = (await call(client, "list_customers", per_page=1))["customers"][0]["customer_id"]
        lines = [{"name": "Return", "rate": 100}]
        note = (await call(client, "create_credit_note", customer_id=customer, line_items=lines))["creditnote"]
        which: dict[str, Any] = {"creditnote_id": note["creditnote_id"]}
        await call(client, "refund_credit_note", **which, amount=40, date="2026-06-15")
        listed = await call(client, "list_credit_note_refunds", **which)
        which["creditnote_refund_id"] = listed["creditnote_refunds"][0]["creditnote_refund_id"]
        asked = len(zoho.person.questions)
        await call(client, "revise_refund", **which, amount=30)
        assert len(zoho.person.questions) == asked
        await call(client, "revise_refund", **which, amount=95)
    [question] = zoho.person.questions[asked:]
    assert {"30.00", "95.00"} <= set(question.split())


async def test_the_label_depends_on_the_kind_and_not_on_the_name(tmp_path: Path) -> None:
    made_up = with_update(tmp_path).operations["revise_refund"]

    def losses(kind: Literal["amount", "payout", "reduction"], amount: int) -> Losses:
        operation = made_up.model_copy(update={"replaces": {"amount": Replaces(kind=kind)}})
        return losses_of(operation, {"amount": amount}, {"amount": 40})

    assert losses("amount", 95) == losses("payout", 10) == losses("reduction", 10) == Losses()
    [[lowers, _]], [[pays_more, _]] = losses("amount", 10).rows, losses("payout", 95).rows
    assert pays_more == losses("reduction", 95).rows[0][0] != lowers
    assert losses("payout", 95).serious
