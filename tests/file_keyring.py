"""A keyring for tests, in a file: what processes have in common when the system has a keyring."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

FILE = "TEST_KEYRING_FILE"


class Keyring(KeyringBackend):
    priority = 1  # pyright: ignore[reportAssignmentType] # as keyring's own backends have it

    def _all(self) -> dict[str, str]:
        path = Path(os.environ[FILE])
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write(self._all() | {f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        found = self._all()
        if f"{service}/{username}" not in found:
            raise PasswordDeleteError(username)
        del found[f"{service}/{username}"]
        self._write(found)

    def _write(self, found: dict[str, str]) -> None:
        Path(os.environ[FILE]).write_text(json.dumps(found), encoding="utf-8")
