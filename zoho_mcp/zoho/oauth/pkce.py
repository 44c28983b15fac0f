"""PKCE (RFC 7636): proof that the program that redeems a code is the one that asked for it."""

import base64
import hashlib
import secrets


def new_verifier() -> str:
    """A fresh secret of 64 characters, sent only when the code is redeemed."""
    return secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    """The verifier's SHA-256, for the method S256. It may be seen in the address of the login page."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
