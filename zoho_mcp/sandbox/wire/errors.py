"""Zoho's errors as values: code, message and HTTP status.

Codes whose number or status no document or recording confirms are marked unverified where they are made.
"""


class ZohoError(Exception):
    """A response with a code other than 0."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid_value(field: str) -> ZohoError:
    """A value that is missing, of the wrong type or out of range."""
    return ZohoError(2, f"Invalid value passed for {field}")


def too_long(field: str, limit: int) -> ZohoError:
    """A text that is too long for its field."""
    return ZohoError(15, f"Please ensure that the {field} has less than {limit} characters.")


def invalid_url() -> ZohoError:
    """No such route."""
    return ZohoError(5, "Invalid URL Passed", 404)


def not_authorized() -> ZohoError:
    """A token that is unknown, expired or revoked, or that lacks the scope."""
    return ZohoError(57, "You are not authorized to perform this operation", 401)


def wrong_organization(organization_id: str) -> ZohoError:
    """An organisation that this user does not belong to."""
    return ZohoError(6041, f"This user is not associated with the CompanyID/CompanyName:{organization_id}.")


def does_not_exist(word: str, code: int = 1002) -> ZohoError:
    """A record that does not exist. Zoho writes "does not exists" for some kinds. The status 404 is inferred from the
    meaning, not recorded."""
    verb = "exists" if word in ("Credit Note", "Expense", "Project") else "exist"
    return ZohoError(code, f"{word} does not {verb}", 404)


def over_applied() -> ZohoError:
    """More than the balance of an invoice. That the code is also that of more than what is left of a payment or a
    credit note is unverified."""
    return ZohoError(24016, "The amount entered is more than the balance due for this invoice")


def refused(message: str) -> ZohoError:
    """A record whose status forbids the operation, where neither documentation nor recordings have Zoho's code.

    2 is Zoho's code for an invalid value; that it is used here, and the wording, are unverified.
    """
    return ZohoError(2, message)
