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


def malformed_body() -> ZohoError:
    """A body that is not a JSON object. The code 4 is unverified."""
    return ZohoError(4, "Invalid value passed for JSONString")


def invalid_url() -> ZohoError:
    """No such route."""
    return ZohoError(5, "Invalid URL Passed", 404)


def method_not_allowed() -> ZohoError:
    """A known path with an unknown method. Unverified; reported by third parties."""
    return ZohoError(37, "The HTTP method is not allowed for the requested resource", 405)


def missing_token() -> ZohoError:
    """No Authorization header at all."""
    return ZohoError(
        14,
        "The request could not be authenticated as the authentication value you entered is invalid. "
        "Enter a valid authentication value and try again.",
        401,
    )


def not_authorized() -> ZohoError:
    """A token that is unknown, expired or revoked, or that lacks the scope."""
    return ZohoError(57, "You are not authorized to perform this operation", 401)


def wrong_organization(organization_id: str) -> ZohoError:
    """An organisation that this user does not belong to."""
    return ZohoError(6041, f"This user is not associated with the CompanyID/CompanyName:{organization_id}.")


def missing_organization() -> ZohoError:
    """No organisation is named. The code was observed; the wording and the status are unverified."""
    return ZohoError(9017, "Please specify the organization.")


def does_not_exist(what: str, code: int = 1002) -> ZohoError:
    """A record that does not exist. Zoho writes "does not exists" for some kinds. The status 404 is inferred from the
    meaning, not recorded."""
    verb = "exists" if what in ("Credit Note", "Expense", "Project") else "exist"
    return ZohoError(code, f"{what} does not {verb}", 404)


def customer_not_accessible() -> ZohoError:
    """A new document for an unknown or inactive customer. Seen for an unknown one; for an inactive one it is
    unverified."""
    return ZohoError(1002, "The Customer is not accessible.", 404)


def no_such_currency() -> ZohoError:
    """A currency that does not exist."""
    return ZohoError(9004, "This currency does not exist. Please choose a valid currency")


def over_applied() -> ZohoError:
    """More than the balance of an invoice. That the code is also that of more than what is left of a payment or a
    credit note is unverified."""
    return ZohoError(24016, "The amount entered is more than the balance due for this invoice")


def too_many_per_minute() -> ZohoError:
    """The limit per minute."""
    return ZohoError(
        44,
        "For security reasons your organization has been blocked as it have exceeded the maximum number of requests "
        "per minute that can originate from an organization.",
        429,
    )


def too_many_per_day(limit: int) -> ZohoError:
    """The limit per day."""
    return ZohoError(
        45, f"The API call for this organization has exceeded the maximum call rate limit of {limit}.", 429
    )


def too_many_at_once() -> ZohoError:
    """The limit of concurrent requests."""
    return ZohoError(
        1070,
        "You have reached the maximum number of in process requests allowed. Kindly try again after some time.",
        429,
    )


def refused(message: str) -> ZohoError:
    """A record whose status forbids the operation, where neither documentation nor recordings have Zoho's code.

    2 is Zoho's code for an invalid value; that it is used here, and the wording, are unverified.
    """
    return ZohoError(2, message)
