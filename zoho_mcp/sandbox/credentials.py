"""The credentials of the sandbox with demo data, in a module of their own so that clients need not load the sandbox."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Credentials:
    """The credentials that a client of the sandbox presents."""

    client_id: str = "1000.SANDBOXCLIENT0000000000000000000"
    client_secret: str = "sandbox-secret-that-opens-nothing-else"
    refresh_token: str = "1000.sandboxrefreshtoken000000000000.00000000000000000000000000000000"
    organization_id: str = "900000001"  # shorter than other ids, as the real ones are
    organization_name: str = "Studio Linden"


CREDENTIALS = Credentials()
