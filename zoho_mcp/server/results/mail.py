"""To whom a mail went and under which subject, as far as the call or Zoho's answer tells. Pure."""

from collections.abc import Mapping
from typing import Any, cast

from zoho_mcp.policy.facts import MAIL, can_mail
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.specs.model import Operation

TEMPLATE = "from Zoho's template"


def mailed(operation: Operation, arguments: Mapping[str, Any], envelope: Mapping[str, Any]) -> dict[str, Any]:
    """What a result says of its mail; empty for a call that sent none. Zoho itself says only that it was sent."""
    if effect_of(operation, arguments) != "send":
        return {}
    if not can_mail(operation):
        return {"mailed_to": _addressees(envelope.get(operation.answer.key)) or "not told by Zoho"}
    to = {name: given for name, given in arguments.items() if name.endswith(MAIL)}
    return to | ({"subject": arguments.get("subject", TEMPLATE)} if "subject" in operation.input["properties"] else {})


def _addressees(record: object) -> list[str]:
    """The addresses of a record's contact persons, else its own."""
    known = cast("Mapping[str, Any]", record) if isinstance(record, Mapping) else {}
    people = cast("list[Any]", known.get("contact_persons_details") or [])
    found = [cast("Mapping[str, Any]", part).get("email") for part in people if isinstance(part, Mapping)]
    return [str(address) for address in found if address] or [str(known["email"])] * bool(known.get("email"))
