"""The refusals Zoho gives, as values: its own code, its message and the HTTP status they travel with.

Codes whose number or status no document or recording confirms are marked unverified where they are made.
"""


class ZohoError(Exception):
    """An answer with a code other than 0."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid_value(field: str) -> ZohoError:
    """A value that is missing, of the wrong type or outside what the field takes."""
    return ZohoError(2, f"Invalid value passed for {field}")


def too_long(field: str, limit: int) -> ZohoError:
    """A text longer than the field takes."""
    return ZohoError(15, f"Please ensure that the {field} has less than {limit} characters.")


def malformed_body() -> ZohoError:
    """A body that is no JSON object. The number 4 is unverified."""
    return ZohoError(4, "Invalid value passed for JSONString")


def invalid_url() -> ZohoError:
    """No such route."""
    return ZohoError(5, "Invalid URL Passed", 404)


def method_not_allowed() -> ZohoError:
    """A known path, asked with a method it does not have. Unverified, third parties report it so."""
    return ZohoError(37, "The HTTP method is not allowed for the requested resource", 405)


def missing_token() -> ZohoError:
    """No Authorization header at all. The number 14 is third-party knowledge, unverified."""
    return ZohoError(14, "Invalid value passed for authtoken.", 401)


def not_authorized() -> ZohoError:
    """A token that is unknown, expired or revoked, or that lacks the scope."""
    return ZohoError(57, "You are not authorized to perform this operation", 401)


def wrong_organization(organization_id: str) -> ZohoError:
    """An organisation that this user does not belong to."""
    return ZohoError(6041, f"This user is not associated with the CompanyID/CompanyName:{organization_id}.")


def does_not_exist(what: str, code: int = 1002) -> ZohoError:
    """A record that is not there. That the status is 404 is inferred from the meaning, not recorded."""
    return ZohoError(code, f"{what} does not exist.", 404)


def number_exists(what: str, code: int = 1001) -> ZohoError:
    """A document number that another document carries."""
    return ZohoError(code, f"{what} Number already exist")


def too_many_per_minute() -> ZohoError:
    """The block for the minute."""
    return ZohoError(
        44,
        "For security reasons your organization has been blocked as it have exceeded the maximum number of requests "
        "per minute that can be accepted.",
        429,
    )


def too_many_per_day(limit: int) -> ZohoError:
    """The block for the rest of the organisation's day."""
    return ZohoError(
        45, f"The API call for this organization has exceeded the maximum call rate limit of {limit}.", 429
    )


def too_many_at_once() -> ZohoError:
    """The block for requests that run side by side."""
    return ZohoError(1070, "You have reached the maximum number of in process requests allowed.", 429)


def refused(message: str) -> ZohoError:
    """A record whose state forbids the operation, where Zoho's own code is not known: 4003 is unverified."""
    return ZohoError(4003, message)
