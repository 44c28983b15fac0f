"""What can go wrong, sorted by what the reader can do next.

ZohoMcpError
├── SettingsError          a setting is missing or wrong; the start stops (exit status 2)
├── SpecError              a file of tool_specs is wrong; the start stops (exit status 2)
├── ArgumentsError         the arguments of a call are wrong: all problems at once
├── DeclinedError          nobody said yes, or the policy says no: nothing was done
├── AuditError             what changes cannot be recorded, so no change is made
├── AuthError              a credential, a scope or the organisation is not accepted
├── NotFoundError          the record does not exist
├── RejectedError          Zoho understood the request and refused it
├── LimitedError           Zoho's limits: per minute, per day, at once
├── UnavailableError       Zoho could not be reached or did not answer sensibly; nothing was changed
└── OutcomeUnknownError    a change was sent and no answer came: it may or may not have happened

A message has three parts: what happened, whether anything changed, what to do next. It never holds a secret.
"""

from typing import ClassVar


class ZohoMcpError(Exception):
    """Base of everything that is turned into an answer. `what` and `next_step` are whole sentences.

    `code` is Zoho's own number; 0 when it gave none.
    """

    changed: ClassVar[str] = "Nothing was changed."

    def __init__(self, what: str, next_step: str = "", *, code: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.code = code

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.changed, self.next_step) if part)


class SettingsError(ZohoMcpError):
    """A setting is missing or wrong."""

    changed = ""


class SpecError(ZohoMcpError):
    """A file of tool_specs cannot be used; `what` names the file and the entry."""

    changed = ""


class ArgumentsError(ZohoMcpError):
    """The arguments of a call do not fit its tool. `problems` holds one sentence per problem."""

    changed = "Nothing was sent to Zoho."

    def __init__(self, tool: str, problems: list[str]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"The arguments of {tool} have {count}:\n- " + "\n- ".join(problems) + "\n")
        self.next_step = "Correct them all and call again."
        self.problems = problems


class DeclinedError(ZohoMcpError):
    """The call needs a person's yes and did not get it, or the policy refuses it."""

    changed = "Nothing was done."


class AuditError(ZohoMcpError):
    """The audit file cannot be written. A change that would leave no trace is not made."""

    changed = "Nothing was done."


class AuthError(ZohoMcpError):
    """Zoho does not accept the credentials, the scope or the organisation."""


class NotFoundError(ZohoMcpError):
    """There is no such record in this organisation."""


class RejectedError(ZohoMcpError):
    """Zoho refused the request."""


class LimitedError(ZohoMcpError):
    """One of Zoho's limits is used up; `next_step` says when it frees."""


class UnavailableError(ZohoMcpError):
    """Zoho could not be reached, or its answer made no sense, and nothing can have changed."""


class OutcomeUnknownError(ZohoMcpError):
    """A change was sent and no usable answer came back. `late`: Zoho may still be at it."""

    changed = "It is not known whether Zoho carried it out."

    def __init__(self, what: str, next_step: str = "", *, late: bool = False) -> None:
        super().__init__(what, next_step)
        self.late = late
