"""Settings: the only reader of the environment."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from zoho_mcp.errors import SettingsError

Product = Literal["invoice", "books"]
ConfirmMode = Literal["ask", "refuse", "allow"]
AnswerMode = Literal["both", "text", "structured"]
LogFormat = Literal["text", "json"]
Fallback = Literal["page", "token", "refuse"]
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class DataCentre:
    """The two hosts of a Zoho data centre, and the country people look for."""

    name: str
    api: str
    accounts: str


DATA_CENTRES: Mapping[str, DataCentre] = {
    "us": DataCentre("United States", "https://www.zohoapis.com", "https://accounts.zoho.com"),
    "eu": DataCentre("Europe", "https://www.zohoapis.eu", "https://accounts.zoho.eu"),
    "in": DataCentre("India", "https://www.zohoapis.in", "https://accounts.zoho.in"),
    "au": DataCentre("Australia", "https://www.zohoapis.com.au", "https://accounts.zoho.com.au"),
    "jp": DataCentre("Japan", "https://www.zohoapis.jp", "https://accounts.zoho.jp"),
    # Canada's accounts host is zohocloud.ca, not zoho.ca.
    "ca": DataCentre("Canada", "https://www.zohoapis.ca", "https://accounts.zohocloud.ca"),
    "cn": DataCentre("China", "https://www.zohoapis.com.cn", "https://accounts.zoho.com.cn"),
    "sa": DataCentre("Saudi Arabia", "https://www.zohoapis.sa", "https://accounts.zoho.sa"),
}
EDITIONS = ("us", "in", "uk", "eu", "gcc", "mx", "ke", "za", "au", "ca")


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable, for the table in docs/reference.md and for messages."""

    name: str
    meaning: str
    default: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("ZOHO_PROFILE", "Which profile of `zoho-invoice-mcp login` to use; variables that are set win over it."),
    Setting("ZOHO_CLIENT_ID", "Client id of your client in Zoho's API console.", required=True),
    Setting("ZOHO_CLIENT_SECRET", "Its client secret.", required=True, secret=True),
    Setting("ZOHO_REFRESH_TOKEN", "The refresh token made for that client.", required=True, secret=True),
    Setting("ZOHO_ORGANIZATION_ID", "The organisation to work in, by number or name; of several (a,b) each call "
            "names one. Without it only list_organizations works."),
    Setting("ZOHO_PLAN", "Zoho's plan of the organisation; it says how many requests are allowed (unlimited: only for "
            "an embedded Zoho on this machine).", "free",
            ("free", "standard", "professional", "premium", "elite", "ultimate", "unlimited")),
    Setting("ZOHO_SOID", "Instead of a refresh token, for a Self Client without a user: product and organisation, "
            "as in `ZohoInvoice.10234695`."),
    Setting("ZOHO_SCOPES", "The scopes that were granted, with commas; tools that need others are not offered."),
    Setting("ZOHO_DC", "Data centre of the account, by the address you log in at.", "us", tuple(DATA_CENTRES)),
    Setting("ZOHO_PRODUCT", "Which product the organisation uses.", "invoice", ("invoice", "books")),
    Setting("ZOHO_EDITION", "Country edition whose own fields (GST, VAT, CFDI, …) are offered.", "", EDITIONS),
    Setting("ZOHO_CONFIRM", "What happens before something is lost: ask a person, refuse, or allow.", "ask",
            ("ask", "refuse", "allow")),
    Setting("ZOHO_CONFIRM_TIMEOUT", "Seconds to wait for a person's answer.", "120"),
    Setting("ZOHO_REPEAT_WINDOW", "Seconds in which writing the same again is asked about first; 0: never.", "600"),
    Setting("ZOHO_TOOLSETS", "Only the tools of these toolsets, separated by commas."),
    Setting("ZOHO_TOOLS", "Only these tools (with ZOHO_TOOLSETS: these as well)."),
    Setting("ZOHO_EXCLUDE_TOOLS", "All but these tools."),
    Setting("ZOHO_READ_ONLY", "Offer only tools that change nothing.", "false", ("true", "false")),
    Setting("ZOHO_UPLOAD_DIR", "Folder that receipts may be taken from; without it no file leaves this machine."),
    Setting("ZOHO_DOWNLOAD_DIR", "Folder that PDFs may be saved in; nothing is overwritten there."),
    Setting("ZOHO_ANSWER", "How answers are given: as text, as structured content, or both, which say the same but "
            "cost twice where a client shows a model both.", "both", ("both", "text", "structured")),
    Setting("ZOHO_MAX_ANSWER", "Characters of an answer; of a longer list, rows are left out and can be asked for.",
            "40000"),
    Setting("ZOHO_POLICY_FILE", "Policy file: what is allowed, asked about, refused (default: policy.toml in the "
            "user's configuration folder, else the shipped policy)."),
    Setting("ZOHO_AUDIT_FILE", "File that every decision and every change is recorded in (default: audit.jsonl in the "
            "user's state folder; with --sandbox beside its FILE)."),
    Setting("ZOHO_CONFIRM_FALLBACK", "How a person is asked where the client cannot ask: on a page in the browser, by "
            "a second call with a token (no protection from a model that calls twice), or not at all.", "page",
            ("page", "token", "refuse")),
    Setting("ZOHO_APPROVAL_WAIT", "Seconds a call waits for a decision on the approval page.", "45"),
    Setting("ZOHO_APPROVAL_TYPE_NUMBER_OVER", "Amount, in the record's currency, above which approving a loss on the "
            "page takes typing the record's number.", "1000"),
    Setting("ZOHO_APPROVAL_URL_TO_MODEL", "1: the approval page's address may go into answers to the model, which "
            "could then pass it to something that clicks for you.", "0", ("0", "1")),
    Setting("ZOHO_REDIS_URL", "Redis or Valkey that several servers of the same account share: "
            "`rediss://user:password@host`; docs/replicas.md says what lies there.", secret=True),
    Setting("ZOHO_API_URL", "Another host for the API, for a gateway or the sandbox."),
    Setting("ZOHO_ACCOUNTS_URL", "Another host for OAuth, for a gateway or the sandbox."),
    Setting("ZOHO_LOG", "How the log on stderr is written: as text, or as JSON without private data, an object a line.",
            "text", ("text", "json")),
    Setting("ZOHO_LOG_LEVEL", "From which level on; info: a line for each call, debug: for each request to Zoho too.",
            "warning", ("debug", "info", "warning", "error")),
    Setting("ZOHO_METRICS", "Port, or HOST:PORT, that Prometheus can read counts and times from, at /metrics; a port "
            "alone is open to this machine only. Needs the extra `metrics`."),
    Setting("ZOHO_HTTP", "Serve over HTTP at this HOST:PORT instead of over stdio, as with --http."),
    Setting("ZOHO_PUBLIC_URL", "Over HTTP: the https address that people and clients reach this server under."),
    Setting("ZOHO_HTTP_TOKENS", "Over HTTP: file of the bearer tokens that let clients in (default: http-tokens.json "
            "in the user's configuration folder, if it is there)."),
    Setting("ZOHO_HTTP_ISSUER", "Over HTTP: OAuth issuer whose tokens (JWTs) let clients in, instead of a file."),
    Setting("ZOHO_HTTP_AUDIENCE", "With an issuer: the audience a token must be for (default: this server's address, "
            "with /mcp)."),
    Setting("ZOHO_HTTP_SCOPES", "With an issuer: scopes that a token must have, with commas."),
    Setting("ZOHO_HTTP_PRINCIPAL", "With an issuer: the claim that names who is calling; it must never pass to "
            "somebody else.", "sub"),
    Setting("ZOHO_HTTP_CLIENT_ID", "With an issuer: this server's own client id there (public, with PKCE), for people "
            "to log in on the approval page."),
    Setting("ZOHO_HTTP_HOSTS", "Over HTTP: further names, with commas, that this server is reached under."),
    Setting("ZOHO_HTTP_ORIGINS", "Over HTTP: web pages, as https://host with commas, whose scripts may call this "
            "server."),
    Setting("ZOHO_SANDBOX", "The embedded Zoho instead of an account, as with --sandbox.", "false", ("true", "false")),
)  # fmt: skip


NOTHING = SecretStr("")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a server needs to know, checked."""

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr
    organization_id: str = ""
    """As it was set: one, or several with commas between them, by number or name; a server has numbers alone."""
    organization_names: tuple[str, ...] = ()
    """Names of these, in the same order, as far as they are known."""
    plan: str = "free"
    data_centre: str = "us"
    product: Product = "invoice"
    edition: str = ""
    confirm: ConfirmMode = "ask"
    confirm_timeout: float = 120.0
    repeat_window: float = 600.0
    policy_file: str = ""
    """Empty: `users_policy_file` if there is such a file, else the shipped policy."""
    users_policy_file: str = ""
    limits_file: str = ""
    """Where all processes of a user count their requests. Empty: each counts for itself."""
    audit_file: str = ""
    """Empty: nothing is recorded."""
    confirm_fallback: Fallback = "page"
    approval_wait: float = 45.0
    approval_type_number_over: Decimal = Decimal(1000)
    approval_url_to_model: bool = False
    can_open_browser: bool = False
    """Whether a browser can be expected here: a desktop, or a command in `BROWSER`."""
    api_url: str = ""
    """Empty: the data centre's, or the `api_domain` that comes with a token."""
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
    def base_path(self) -> str:
        """The product's base path: `/invoice/v3` or `/books/v3`."""
        return f"/{self.product}/v3"

    @property
    def scope_prefix(self) -> str:
        """What stands before every scope: `ZohoInvoice.` or `ZohoBooks.`."""
        return {"invoice": "ZohoInvoice.", "books": "ZohoBooks."}[self.product]


def from_environment(environment: Mapping[str, str], *, account: bool = True) -> Settings:
    """Settings from environment variables. Raises SettingsError naming every one that is missing or wrong.

    Without `account` those of the account may be missing: for commands that do not speak to Zoho.
    """
    given = Given(environment, account)
    text, checked = given.text, given.checked
    settings = Settings(
        client_id=text("ZOHO_CLIENT_ID"),
        client_secret=SecretStr(text("ZOHO_CLIENT_SECRET")),
        refresh_token=SecretStr(text("ZOHO_REFRESH_TOKEN")),
        organization_id=checked("ZOHO_ORGANIZATION_ID", _organizations),
        plan=text("ZOHO_PLAN"),
        data_centre=text("ZOHO_DC"),
        product=cast(Product, text("ZOHO_PRODUCT")),
        edition=text("ZOHO_EDITION"),
        confirm=cast(ConfirmMode, text("ZOHO_CONFIRM")),
        confirm_timeout=checked("ZOHO_CONFIRM_TIMEOUT", _seconds),
        repeat_window=checked("ZOHO_REPEAT_WINDOW", _window),
        policy_file=text("ZOHO_POLICY_FILE"),
        users_policy_file=_in_folder(config_folder(environment), "policy.toml"),
        limits_file=_in_folder(state_folder(environment), "limits.db"),
        audit_file=text("ZOHO_AUDIT_FILE") or _in_folder(state_folder(environment), "audit.jsonl"),
        confirm_fallback=cast(Fallback, text("ZOHO_CONFIRM_FALLBACK")),
        approval_wait=checked("ZOHO_APPROVAL_WAIT", _seconds),
        approval_type_number_over=checked("ZOHO_APPROVAL_TYPE_NUMBER_OVER", _amount),
        approval_url_to_model=text("ZOHO_APPROVAL_URL_TO_MODEL") == "1",
        can_open_browser=_can_open_browser(environment),
        api_url=checked("ZOHO_API_URL", safe_url).removesuffix(f"/{text('ZOHO_PRODUCT')}/v3"),
        accounts_url=checked("ZOHO_ACCOUNTS_URL", safe_url).removesuffix("/oauth/v2"),
        soid=checked("ZOHO_SOID", _soid),
        scopes=checked("ZOHO_SCOPES", _scopes),
        toolsets=_names(text("ZOHO_TOOLSETS")),
        tools=_names(text("ZOHO_TOOLS")),
        exclude_tools=_names(text("ZOHO_EXCLUDE_TOOLS")),
        read_only=text("ZOHO_READ_ONLY") == "true",
        upload_dir=checked("ZOHO_UPLOAD_DIR", _folder),
        download_dir=checked("ZOHO_DOWNLOAD_DIR", _folder),
        answer=cast(AnswerMode, text("ZOHO_ANSWER")),
        max_answer=checked("ZOHO_MAX_ANSWER", _characters),
        log=cast(LogFormat, text("ZOHO_LOG")),
        log_level=text("ZOHO_LOG_LEVEL"),
        metrics=checked("ZOHO_METRICS", _address),
        redis_url=SecretStr(checked("ZOHO_REDIS_URL", _redis_url)),
    )
    if settings.soid and not settings.scopes:
        given.problems.append("ZOHO_SCOPES is missing: with ZOHO_SOID, it says which scopes to ask for.")
    if settings.plan == "unlimited" and not settings.api_url.startswith("http://"):
        given.problems.append("ZOHO_PLAN can be unlimited only for an embedded Zoho on this machine (ZOHO_API_URL).")
    if given.problems:
        raise SettingsError(
            "Settings: " + " ".join(given.problems),
            "Run `zoho-invoice-mcp login`, or set environment variables where the server is started (in Claude "
            "Desktop: under env in its entry), or start with --sandbox to try it without an account."
            if given.missing
            else "Correct it in the command or where the server is started (in Claude Desktop: env in its entry).",
        )
    return settings


class Given:
    """What an environment says about each setting, or its default; and everything that is wrong with it."""

    def __init__(self, environment: Mapping[str, str], account: bool = False) -> None:
        self.problems: list[str] = []
        self.missing: list[Setting] = []
        self._environment = environment
        self._values = {setting.name: self._value(setting, account) for setting in SETTINGS}
        if self.missing == [setting for setting in SETTINGS if setting.required]:
            names = ", ".join(setting.name for setting in self.missing)
            self.problems.insert(0, f"you are not logged in to Zoho: {names} are missing.")
        else:
            self.problems[:0] = [f"{setting.name} is missing: {setting.meaning}" for setting in self.missing]

    def text(self, name: str) -> str:
        """The value as it stands."""
        return self._values[name]

    def checked(self, name: str, convert: Callable[[str], _Value]) -> _Value:
        """The value as `convert` makes it, which raises ValueError with what would be right."""
        try:
            return convert(self._values[name])
        except ValueError as right:
            self.problems.append(f"{name} must be {right}.")
            return convert(next(setting.default for setting in SETTINGS if setting.name == name))

    def _value(self, setting: Setting, account: bool) -> str:
        value = self._environment.get(setting.name, "").strip()
        by_soid = setting.name == "ZOHO_REFRESH_TOKEN" and self._environment.get("ZOHO_SOID", "").strip()
        if not value and setting.required and account and not by_soid:
            self.missing.append(setting)
        if setting.choices and value:
            value = value.lower()
            if value not in setting.choices:
                self.problems.append(f"{setting.name} must be one of {', '.join(setting.choices)}.")
                return setting.default
        return value or setting.default


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


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for part in value.split(",") if (name := part.strip()))


def _folder(value: str) -> Path | None:
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise ValueError("a folder that exists")
    return folder.resolve() if value else None


def _organizations(value: str) -> str:
    parts = [part.strip() for part in value.split(",")] if value else []
    if not all(part.isprintable() and 0 < len(part) <= 100 for part in parts):
        raise ValueError("the organisation's number or its name; of several, with commas between them")
    return ",".join(dict.fromkeys(parts))


def _window(value: str) -> float:
    return _between(0, 86_400, value, "a number of seconds, or 0")


def _soid(value: str) -> str:
    if value and not re.fullmatch(r"Zoho(Invoice|Books)\.[0-9]+", value):
        raise ValueError("ZohoInvoice. or ZohoBooks. and the organisation's number")
    return value


def _scopes(value: str) -> tuple[str, ...]:
    found = tuple(value.replace(",", " ").split())
    if not all(re.fullmatch(r"\w+\.\w+\.\w+", scope) for scope in found):
        raise ValueError("scopes as Zoho names them (ZohoInvoice.invoices.READ), with commas")
    return found


def _seconds(value: str) -> float:
    return _between(1, 3600, value, "a number of seconds between 1 and 3600")


def _characters(value: str) -> int:
    if not re.fullmatch(r"[0-9]{4,8}", value) or not 2000 <= int(value) <= 10_000_000:
        raise ValueError("a number of characters from 2000 to 10000000")
    return int(value)


def _address(value: str) -> tuple[str, int] | None:
    """Of this machine only, unless a host is named."""
    if not value:
        return None
    host, _, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536 or not re.fullmatch(r"[\w.:-]+", host):
        raise ValueError("a port, or a host and a port, as in 127.0.0.1:9464")
    return host, int(port)


def _between(least: float, most: float, value: str, right: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError(right) from None
    # The other way round, what is not a number (nan) would pass.
    if not least <= number <= most:
        raise ValueError(right)
    return number


def _amount(value: str) -> Decimal:
    if not re.fullmatch(r"[0-9]+([.][0-9]+)?", value):
        raise ValueError("an amount such as 1000 or 250.50")
    return Decimal(value)


def _can_open_browser(environment: Mapping[str, str]) -> bool:
    """Without a desktop, `webbrowser` would start a text browser on the terminal that carries the protocol."""
    desktop = sys.platform in ("darwin", "win32")
    return desktop or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _redis_url(value: str) -> str:
    if value and not _is_redis(value):
        raise ValueError("an address such as rediss://user:password@host:6379/0")
    return value


def _is_redis(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # It would quote from the address, which holds a password.
        return False


def safe_url(value: str) -> str:
    """An address a token may be sent to: encrypted, or on this machine. Raises ValueError with what is right."""
    if value and not _is_safe(value):
        raise ValueError("an https:// address (http:// only for this machine), without a path")
    return value.rstrip("/")


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and loopback)
    return bool(encrypted and parts.hostname and not parts.username and not parts.query)
