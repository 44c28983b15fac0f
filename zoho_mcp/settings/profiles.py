"""Profiles: the accounts that `login` stored.

Secrets are in the system's keyring if there is one, otherwise in the profile's own file, which only this user can read.
"""

import json
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr, TypeAdapter

from zoho_mcp.errors import SettingsError
from zoho_mcp.private_files import read_private, write_private
from zoho_mcp.settings import Product, Settings, config_folder, from_environment, state_folder
from zoho_mcp.settings.variables import DATA_CENTRES

DEFAULT = "default"
SERVICE = "zoho-invoice-mcp"
"""The name of our entries in the keyring."""
_ACCOUNT = ("ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN", "ZOHO_SOID")
_SECRETS = ("client_secret", "refresh_token")


@dataclass(frozen=True, slots=True)
class Profile:
    """An account and the organisation to work in. `path`: its file."""

    name: str
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr = field(default_factory=lambda: SecretStr(""))
    data_centre: str = "us"
    product: Product = "invoice"
    organization_id: str = ""
    organization_name: str = ""
    soid: str = ""
    scopes: tuple[str, ...] = ()
    api_url: str = ""
    accounts_url: str = ""
    in_keyring: bool = False
    path: Path = field(default=Path(), compare=False)

    def environment(self) -> dict[str, str]:
        """The profile as environment variables."""
        found = {
            "ZOHO_CLIENT_ID": self.client_id,
            "ZOHO_CLIENT_SECRET": self.client_secret.get_secret_value(),
            "ZOHO_REFRESH_TOKEN": self.refresh_token.get_secret_value(),
            "ZOHO_SOID": self.soid,
            "ZOHO_SCOPES": ",".join(self.scopes),
            "ZOHO_ORGANIZATION_ID": self.organization_id,
            "ZOHO_DC": self.data_centre,
            "ZOHO_PRODUCT": self.product,
            "ZOHO_API_URL": self.api_url,
            "ZOHO_ACCOUNTS_URL": self.accounts_url,
        }
        return {name: value for name, value in found.items() if value}


def chosen_profile(environment: Mapping[str, str], name: str = "", *, secrets: bool = True) -> Profile | None:
    """The named profile, otherwise the default one unless the variables name an account; None if there is none."""
    name = name or environment.get("ZOHO_PROFILE", "").strip()
    if not name and any(environment.get(variable, "").strip() for variable in _ACCOUNT):
        return None
    store = Profiles.of(environment)
    name = name or (store.default_name() if store.folder else "")
    return store.load(name, secrets=secrets) if name else None


def has_account(environment: Mapping[str, str]) -> bool:
    """Whether variables or a profile name an account, even in part or wrongly: then no server may use another one.

    A profile without an organisation does not count.
    """
    if any(environment.get(variable, "").strip() for variable in _ACCOUNT):
        return True
    store, name = Profiles.of(environment), environment.get("ZOHO_PROFILE", "").strip()
    if store.folder is None or not (store.path_of(name).exists() if name else store.names()):
        return False
    try:
        profile = chosen_profile(environment, secrets=False)
    except SettingsError:
        return True
    named = environment.get("ZOHO_ORGANIZATION_ID", "").strip()
    return profile is None or bool(named or profile.organization_id)


def settings_for(environment: Mapping[str, str], name: str = "", *, account: bool = True) -> Settings:
    """Settings from a profile and the environment, which takes precedence.

    Without `account` no account is needed and no secret is read: for commands that do not call Zoho.
    Raises SettingsError, also if the two name different accounts.
    """
    given = {variable: value for variable, value in environment.items() if value.strip()}
    profile = chosen_profile(environment, name, secrets=account)
    stored = profile.environment() if profile else {}
    clash = [variable for variable in _ACCOUNT if profile and given.get(variable, "") not in ("", stored.get(variable))]
    if profile and clash and account:
        raise SettingsError(
            f"Settings: {', '.join(clash)} and the profile {profile.name} are about different accounts.",
            "Take the variables away, or do not name a profile.",
        )
    return replace(from_environment(stored | given, account=account), token_cache=token_folder(environment))


def settings_of(environment: Mapping[str, str], name: str) -> Settings:
    """The settings of a profile, without those of the environment."""
    return settings_for({key: value for key, value in environment.items() if not key.startswith("ZOHO_")}, name)


def token_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder in which the processes of this user share access tokens."""
    state = state_folder(environment)
    return Path(state) / "tokens" if state else None


class Profiles:
    """The profiles of a user, one file each."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Profiles":
        """The profiles of the environment's user."""
        # On Windows the configuration folder is copied to other machines, and these files can hold secrets.
        found = state_folder(environment) if sys.platform == "win32" else config_folder(environment)
        return cls(Path(found) / "profiles" if found else None)

    def names(self) -> list[str]:
        """All profiles, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.json")) if self.folder else []

    def favourite(self) -> str:
        """The chosen default, otherwise the profile named `default`, otherwise the only one; empty if there is none."""
        names = self.names()
        named = [name for name in (self._chosen(), DEFAULT) if name in names]
        return named[0] if named else names[0] if len(names) == 1 else ""

    def default_name(self) -> str:
        """The profile to use when none is named; empty if there are none. Raises SettingsError if it is not clear."""
        names, found = self.names(), self.favourite()
        if names and not found:
            raise SettingsError(
                f"Settings: none of the profiles {', '.join(names)} is the default.",
                "Name one with --profile or ZOHO_PROFILE, or run `zoho-invoice-mcp profiles NAME --use`.",
            )
        return found

    def make_default(self, name: str) -> None:
        """Use this profile when none is named."""
        write_private(self._file("default.txt"), name + "\n")

    def load(self, name: str, *, secrets: bool = True) -> Profile:
        """A profile. Without `secrets` the keyring is not opened. Raises SettingsError."""
        path = self.path_of(name)
        again = f"Run `zoho-invoice-mcp login --profile {name}`."
        try:
            content = read_private(path)
        except FileNotFoundError:
            there = ", ".join(self.names()) or "none"
            raise SettingsError(f"Settings: there is no profile {name} (profiles: {there}).", again) from None
        except OSError as problem:
            raise SettingsError(f"Settings: the profile {name} cannot be used: {problem}.") from None
        try:
            stored: dict[str, Any] = dict(json.loads(content))
            if stored.get("in_keyring"):
                stored |= _from_keyring(name, again) if secrets else {"client_secret": ""}
            profile = TypeAdapter(Profile).validate_python(stored | {"name": name, "path": path})
            DATA_CENTRES[profile.data_centre]
        except (TypeError, ValueError, KeyError):
            # The error itself would quote values.
            raise SettingsError(f"Settings: {path} is not a profile.", again) from None
        return profile

    def save(self, profile: Profile) -> Profile:
        """Store a profile. Returns it with its path. Raises SettingsError."""
        path = self.path_of(profile.name)
        secrets = {name: getattr(profile, name).get_secret_value() for name in _SECRETS}
        kept = replace(profile, in_keyring=_to_keyring(profile.name, secrets), path=path)
        left_out = {"name", "path", *_SECRETS}
        stored = {one.name: getattr(kept, one.name) for one in fields(kept) if one.name not in left_out}
        try:
            write_private(path, json.dumps(stored | ({} if kept.in_keyring else secrets), indent=2), durable=True)
        except OSError as problem:
            raise SettingsError(f"The profile {profile.name} cannot be kept: {problem}.") from None
        return kept

    def forget(self, name: str) -> None:
        """Remove a profile and its secrets."""
        path = self.path_of(name)
        _forget_in_keyring(name)
        path.unlink(missing_ok=True)
        if name not in self.names() and self._chosen() == name:
            self._file("default.txt").unlink(missing_ok=True)

    def path_of(self, name: str) -> Path:
        """The file of a profile. Raises SettingsError for an invalid name."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
            raise SettingsError(
                f"Settings: {name!r} is not a valid profile name.", "Use small letters, digits, - and _."
            )
        return self._file(f"{name}.json")

    def _chosen(self) -> str:
        try:
            return self._file("default.txt").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def _file(self, name: str) -> Path:
        if self.folder is None:
            raise SettingsError("Settings: this user has no folder for profiles.", "Set HOME or XDG_CONFIG_HOME.")
        return self.folder / name


def _to_keyring(name: str, values: Mapping[str, str]) -> bool:
    """Whether the system's keyring stored the secrets. If it fails in any way, they go into the file."""
    try:
        import keyring  # optional, and slow to load

        text = json.dumps(values)
        keyring.set_password(SERVICE, name, text)
        # Some keyrings store nothing and do not say so.
        return keyring.get_password(SERVICE, name) == text
    except Exception:
        _forget_in_keyring(name)
        return False


def _from_keyring(name: str, again: str) -> dict[str, Any]:
    try:
        import keyring

        found: Any = json.loads(keyring.get_password(SERVICE, name) or "null")
    except Exception as problem:
        raise SettingsError(
            f"Settings: the secrets of the profile {name} are in the system's keyring, which cannot be read "
            f"({type(problem).__name__}).",
            f"Unlock it, or install the extra `keyring`. {again}",
        ) from None
    if not isinstance(found, dict):
        raise SettingsError(f"Settings: the secrets of the profile {name} are no longer in the keyring.", again)
    return cast("dict[str, Any]", found)


def _forget_in_keyring(name: str) -> None:
    with suppress(Exception):  # It is not there, or there is no keyring.
        import keyring

        keyring.delete_password(SERVICE, name)
