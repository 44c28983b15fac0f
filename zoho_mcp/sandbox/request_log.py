"""The log of requests, for tests that check what was sent. Holds no secrets."""

from collections.abc import Mapping
from dataclasses import dataclass

KEEP = 10_000
SECRETS = frozenset({"authorization", "cookie", "client_secret", "refresh_token", "code", "token", "code_verifier"})


@dataclass(frozen=True)
class LoggedRequest:
    """One request and its response."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case, without the token
    body: object  # as parsed; None when there was none or it could not be read
    status: int
    code: int | str  # Zoho's code, or the token endpoint's error ("" when there was none)


def without_secrets(pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs without secrets."""
    return {name: value for name, value in pairs.items() if name.lower() not in SECRETS}


def remember(log: list[LoggedRequest], record: LoggedRequest) -> None:
    """Append to the log, dropping the oldest beyond the limit."""
    log.append(record)
    del log[:-KEEP]
