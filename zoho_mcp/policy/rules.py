"""Decides whether a call may go, must be asked about, or is refused. Pure: no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from zoho_mcp.settings import ConfirmMode
from zoho_mcp.specs.model import EFFECTS, Effect, Operation

Action = Literal["allow", "ask", "refuse"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a call; `reason` is passed on to the model when it is refused."""

    action: Action
    reason: str = ""


def effect_of(operation: Operation, arguments: Mapping[str, Any]) -> Effect:
    """The effect of this very call: an argument can raise it (`send: true` makes writing an invoice a sending)."""
    raised = [effect for name, effect in operation.raises.items() if arguments.get(name)]
    return max([operation.effect, *raised], key=EFFECTS.index)


def decide(operation: Operation, arguments: Mapping[str, Any], confirm: ConfirmMode) -> Decision:
    """What destroys is asked about (or as `confirm` says), everything else is allowed."""
    if effect_of(operation, arguments) != "destroy":
        return Decision("allow")
    if confirm == "refuse":
        return Decision("refuse", "Deleting, voiding and refunding are switched off here (ZOHO_CONFIRM=refuse).")
    return Decision(confirm)
