"""Settings: the only reader of the environment."""

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Literal

from pydantic import SecretStr

from zoho_mcp.errors import SettingsError
from zoho_mcp.settings.variables import SETTINGS, Given

Product = Literal["invoice", "books"]
ConfirmMode = Literal["ask", "refuse", "allow"]
AnswerMode = Literal["both", "text", "structured"]
LogFormat = Literal["text", "json"]
Fallback = Literal["page", "token", "refuse"]


NOTHING = SecretStr("")


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings of a server."""

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr
    organization_id: str = ""
    """One organisation, or several with commas between them, by number or name; in a running server by number."""
    organization_names: tuple[str, ...] = ()
    """The known names of these, in the same order."""
    plan: str = "free"
    data_centre: str = "us"
    product: Product = "invoice"
    edition: str = ""
    confirm: ConfirmMode = "ask"
    confirm_timeout: float = 120.0
    repeat_window: float = 600.0
    policy_file: str = ""
    """Empty: `users_policy_file` if it exists, otherwise the shipped policy."""
    users_policy_file: str = ""
    limits_file: str = ""
    """The file in which all processes of a user count their requests. Empty: each counts its own."""
    claims_file: str = ""
    """The file in which all processes of a user record changes, against duplicates. Empty: each records its own."""
    audit_file: str = ""
    """Empty: nothing is recorded."""
    confirm_fallback: Fallback = "page"
    reading_time: float = 1.0
    """Seconds that a person needs at least to read and answer a question. No variable sets it."""
    clients_file: str = ""
    """The file about clients that answer by themselves or give up. Empty: it is forgotten with the process."""
    approval_wait: float = 45.0
    approval_type_number_over: Decimal = Decimal(1000)
    approval_url_to_model: bool = False
    can_open_browser: bool = False
    """Whether a browser can be expected here: a desktop, or a command in `BROWSER`."""
    api_url: str = ""
    """Empty: the host of the data centre, or the `api_domain` that comes with a token."""
    accounts_url: str = ""
    soid: str = ""
    """Set for a Self Client without a user, which has no refresh token."""
    scopes: tuple[str, ...] = ()
    """The scopes that were granted; empty: unknown."""
    token_cache: Path | None = None
    """The folder where processes share access tokens; None: each fetches its own."""
    toolsets: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    exclude_tools: tuple[str, ...] = ()
    read_only: bool = False
    upload_dir: Path | None = None
    download_dir: Path | None = None
    answer: AnswerMode = "both"
    max_answer: int = 40_000
    log: LogFormat = "text"
    log_level: str = "warning"
    metrics: tuple[str, int] | None = None
    """Host and port for Prometheus."""
    redis_url: SecretStr = NOTHING
    """Empty: this server is the only one of the account, or shares with those of the same user on this machine."""

    @property
    def organizations(self) -> tuple[str, ...]:
        """The organisations that may be worked in; no other is ever called."""
        return tuple(part for part in self.organization_id.split(",") if part)

    @property
    def is_sandbox(self) -> bool:
        """Whether this Zoho is one on this machine: no other address may go without encryption."""
        return self.api_url.startswith("http://")

    @property
    def base_path(self) -> str:
        """The product's base path: `/invoice/v3` or `/books/v3`."""
        return f"/{self.product}/v3"

    @property
    def scope_prefix(self) -> str:
        """The prefix of every scope: `ZohoInvoice.` or `ZohoBooks.`."""
        return {"invoice": "ZohoInvoice.", "books": "ZohoBooks."}[self.product]


_FIELDS = frozenset(field.name for field in dataclasses.fields(Settings))


def from_environment(environment: Mapping[str, str], *, account: bool = True) -> Settings:
    """Settings from environment variables. Raises SettingsError naming every one that is missing or wrong.

    Without `account` those of the account may be missing: for commands that do not speak to Zoho.
    """
    given = Given(environment, account)
    names = {setting.name.removeprefix("ZOHO_").lower(): setting for setting in SETTINGS}
    names["data_centre"] = names.pop("dc")
    fields = {name: given.checked(one.name, one.read) for name, one in names.items() if name in _FIELDS}
    config, state = config_folder(environment), state_folder(environment)
    fields["audit_file"] = fields["audit_file"] or _in_folder(state, "audit.jsonl")
    settings = Settings(
        **fields,
        users_policy_file=_in_folder(config, "policy.toml"),
        limits_file=_in_folder(state, "limits.db"),
        claims_file=_in_folder(state, "claims.db"),
        clients_file=_in_folder(state, "clients.json"),
        can_open_browser=_can_open_browser(environment),
    )
    if settings.soid and not settings.scopes:
        given.problems.append("ZOHO_SCOPES is missing: with ZOHO_SOID, it says which scopes to ask for.")
    if settings.plan == "unlimited" and not settings.is_sandbox:
        given.problems.append("ZOHO_PLAN can be unlimited only for a sandbox on this machine (ZOHO_API_URL).")
    if given.problems:
        raise SettingsError(
            "Settings: " + " ".join(given.problems),
            "Run `zoho-invoice-mcp login`, or set environment variables where the server is started (in Claude "
            "Desktop: under env in its entry), or start with --sandbox to try it without an account."
            if given.missing
            else "Correct it in the command or where the server is started (in Claude Desktop: env in its entry).",
        )
    return settings


def config_folder(environment: Mapping[str, str], platform: str = sys.platform) -> str:
    """The user's folder for what they write themselves; empty when the environment does not tell."""
    return _users_folder(environment, platform, "XDG_CONFIG_HOME", ".config", "APPDATA")


def state_folder(environment: Mapping[str, str], platform: str = sys.platform) -> str:
    """The user's folder for what this program keeps; empty when the environment does not tell."""
    return _users_folder(environment, platform, "XDG_STATE_HOME", ".local/state", "LOCALAPPDATA")


def _users_folder(environment: Mapping[str, str], platform: str, xdg: str, usual: str, windows: str) -> str:
    home, above = environment.get("HOME", ""), environment.get(xdg, "")
    if platform == "win32":
        above = environment.get(windows, "")
    elif not above.startswith("/"):
        above = _in_folder(home, "Library/Application Support" if platform == "darwin" else usual)
    return _in_folder(above, "zoho-invoice-mcp")


def _in_folder(folder: str, name: str) -> str:
    return str(PurePath(folder) / name) if folder else ""


def _can_open_browser(environment: Mapping[str, str]) -> bool:
    """Without a desktop, `webbrowser` would start a text browser on the terminal that carries the protocol."""
    desktop = sys.platform in ("darwin", "win32")
    return desktop or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
