"""The errors, by what the reader can do next. Each has a stable `kind`.

ZohoMcpError
├── SettingsError          settings      a setting is missing or wrong; the start stops (exit status 2)
├── SpecError              spec          a file of tool_specs is wrong; the start stops (exit status 2)
├── ArgumentsError         arguments     the arguments of a call are wrong: all problems at once
├── DeclinedError          declined …    nobody consented, or the policy refuses: nothing was done
├── AuditError             audit         a change cannot be recorded, so it is not made
├── NotConnectedError      not_connected no Zoho account is connected yet, and nobody chose the demo data
├── AuthError              auth          a credential, a scope or the organisation is not accepted
├── NotFoundError          not_found     the record does not exist
├── RejectedError          rejected      Zoho understood the request and refused it
├── LimitedError           limited       Zoho's limits: per minute, per day, at once
├── UnavailableError       unavailable   Zoho could not be reached or its response is unusable; nothing was changed
└── OutcomeUnknownError    unknown       a change was sent and no response came: it may or may not have happened

A DeclinedError has finer kinds: `declined` (a person said no), `refused_by_policy`, `duplicate`, `could_not_ask`,
`waiting` (for a person), `expired`, `paused` (declined three times), `answered_by_client`. A message has three parts:
what happened, whether anything changed, what to do next. It never holds a secret.
"""

from typing import ClassVar


class ZohoMcpError(Exception):
    """Base of all errors that become a result. `what` and `next_step` are whole sentences.

    `code` is Zoho's code, or 0. `kind` is stable: clients and tests may depend on it.
    """

    kind: str = "failed"
    changed: ClassVar[str] = "Nothing was changed."

    def __init__(self, what: str, next_step: str = "", *, code: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.code = code

    def __str__(self) -> str:
        text = " ".join(part for part in (self.what, self.changed, self.next_step) if part)
        return text.replace("\n ", "\n")


class SettingsError(ZohoMcpError):
    """A setting is missing or wrong."""

    kind = "settings"
    changed = ""


class SpecError(ZohoMcpError):
    """A file of tool_specs cannot be used; `what` names the file and the entry."""

    kind = "spec"
    changed = ""


class ArgumentsError(ZohoMcpError):
    """The arguments of a call do not fit its tool. `problems` holds one sentence per problem."""

    kind = "arguments"
    changed = "Nothing was sent to Zoho."

    def __init__(self, tool: str, problems: list[str]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"The arguments of {tool} have {count}:\n- " + "\n- ".join(problems) + "\n")
        self.next_step = "Correct them all and call again."
        self.problems = problems


class DeclinedError(ZohoMcpError):
    """The call needs a person's consent and did not get it, or the policy refuses it.

    `kind` says which; `way` is the channel on which a person was asked, or empty.
    """

    kind = "declined"
    changed = "Nothing was done."

    def __init__(self, what: str, next_step: str = "", *, kind: str = "declined", way: str = "") -> None:
        super().__init__(what, next_step)
        self.kind = kind
        self.way = way


class AuditError(ZohoMcpError):
    """The audit file cannot be written. A change that would leave no trace is not made."""

    kind = "audit"
    changed = "Nothing was done."


class AuthError(ZohoMcpError):
    """Zoho does not accept the credentials, the scope or the organisation."""

    kind = "auth"


class NotConnectedError(ZohoMcpError):
    """No account is connected yet; `next_step` says how the user connects one."""

    kind = "not_connected"
    changed = "Nothing was done."


class NotFoundError(ZohoMcpError):
    """There is no such record in this organisation."""

    kind = "not_found"


class RejectedError(ZohoMcpError):
    """Zoho refused the request."""

    kind = "rejected"


class LimitedError(ZohoMcpError):
    """One of Zoho's limits is used up; `next_step` says when it frees."""

    kind = "limited"


class UnavailableError(ZohoMcpError):
    """Zoho could not be reached, or its response is unusable; nothing can have changed."""

    kind = "unavailable"


class OutcomeUnknownError(ZohoMcpError):
    """A change was sent and no usable response came. `late`: Zoho may still be processing it."""

    kind = "unknown"
    changed = "It is not known whether Zoho carried it out."

    def __init__(self, what: str, next_step: str = "", *, late: bool = False) -> None:
        super().__init__(what, next_step)
        self.late = late
