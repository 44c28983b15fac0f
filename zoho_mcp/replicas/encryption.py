"""Encrypts values stored in Redis and derives opaque key names.

The keys come from the client secret, which all replicas know and Redis does not.
"""

import base64
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Encryption:
    """Keys derived for one account."""

    def __init__(self, client_secret: str, account: str) -> None:
        def key(purpose: str) -> bytes:
            info = f"zoho-invoice-mcp replicas 1 {purpose}".encode()
            return HKDF(SHA256(), length=32, salt=account.encode(), info=info).derive(client_secret.encode())

        self._cipher = AESGCM(key("seal"))
        self._naming = key("names")
        self.key = key("carried by clients")
        """Encrypts what clients carry from one replica to another."""

    def close(self, text: str, about: str) -> str:
        """The encrypted text; decryption needs the client secret and the context."""
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), about.encode())).decode()

    def open(self, encrypted: str, about: str) -> str | None:
        """The text; None if it was not encrypted with this client secret and context."""
        try:
            raw = base64.b64decode(encrypted, validate=True)
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], about.encode()).decode()
        except (ValueError, InvalidTag):
            return None

    def name(self, *parts: str) -> str:
        """A key name from which these parts cannot be read."""
        return hmac.new(self._naming, "\0".join(parts).encode("utf-8", "replace"), "sha256").hexdigest()[:32]
