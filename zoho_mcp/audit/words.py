"""Outcomes and kinds of errors in the audit file in plain words, for people and models."""

from collections.abc import Mapping

OUTCOMES: Mapping[str, str] = {
    "done": "done",
    "asked": "asked",
    "declined": "not approved",
    "refused": "refused",
    "not sent": "not sent",
    "failed": "failed",
    "unknown": "not known",
}
REASONS: Mapping[str, str] = {
    "declined": "the user declined",
    "refused_by_policy": "the policy does not allow it",
    "duplicate": "the same call had been made before",
    "could_not_ask": "nobody could be asked",
    "waiting": "nobody had decided yet",
    "expired": "the question had expired",
    "paused": "declined three times before",
    "answered_by_client": "the app answered in the user's place",
    "arguments": "wrong arguments or file",
    "auth": "Zoho did not accept the login or permission",
    "not_found": "the record was not found",
    "rejected": "Zoho refuses it",
    "limited": "one of Zoho's limits was reached",
    "unavailable": "Zoho could not be reached",
    "unknown": "no response came; look in Zoho",
    "audit": "the record of changes could not be written",
}


def outcome_in_words(outcome: object) -> str:
    """An outcome in words, such as `not approved`; an unknown outcome as it is."""
    return OUTCOMES.get(str(outcome or ""), str(outcome or ""))


def reason_in_words(kind: object, code: object = 0) -> str:
    """An error's kind in words, such as `the user declined`, with Zoho's code if there is one; empty for no error."""
    words = REASONS.get(str(kind or ""), str(kind or ""))
    return f"{words} (code {code})" if words and code else words
