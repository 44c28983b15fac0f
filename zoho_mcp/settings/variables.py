"""Every environment variable of this program: its meaning, its values and its default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import SecretStr

from zoho_mcp.settings import values

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
    """Needed where variables name the account; a stored login has it too."""
    secret: bool = False
    read: Callable[[str], Any] = str
    """From the text to the value. Raises ValueError with the right form, never with the text."""


SETTINGS: tuple[Setting, ...] = (
    Setting("ZOHO_PROFILE", "The profile of `zoho-invoice-mcp login` to use. Other variables override it."),
    Setting("ZOHO_CLIENT_ID", "Client id of your client in Zoho's API console.", required=True),
    Setting("ZOHO_CLIENT_SECRET", "Its client secret.", required=True, secret=True, read=SecretStr),
    Setting("ZOHO_REFRESH_TOKEN", "The refresh token made for that client.", required=True, secret=True,
            read=SecretStr),
    Setting("ZOHO_ORGANIZATION_ID", "The organisation to work in, by number or name; of several (a,b) each call "
            "names one. Without it only list_organizations works.", read=values.organizations),
    Setting("ZOHO_PLAN", "Zoho's plan of the organisation; it says how many requests are allowed (unlimited: only for "
            "a sandbox on this machine).", "free",
            ("free", "standard", "professional", "premium", "elite", "ultimate", "unlimited")),
    Setting("ZOHO_SOID", "Instead of a refresh token, for a Self Client without a user: product and organisation, "
            "as in `ZohoInvoice.10234695`.", read=values.soid),
    Setting("ZOHO_SCOPES", "The scopes that were granted, with commas; tools that need others are not offered.",
            read=values.scopes),
    Setting("ZOHO_DC", "Data centre of the account, by the address you log in at.", "us", tuple(DATA_CENTRES)),
    Setting("ZOHO_PRODUCT", "Which product the organisation uses.", "invoice", ("invoice", "books")),
    Setting("ZOHO_EDITION", "Country edition whose own fields (GST, VAT, CFDI, …) are offered.", "", EDITIONS),
    Setting("ZOHO_CONFIRM", "Reaction to a call that destroys something: ask a person, refuse, or allow.", "ask",
            ("ask", "refuse", "allow")),
    Setting("ZOHO_CONFIRM_TIMEOUT", "Seconds to wait for a person's answer.", "120", read=values.seconds),
    Setting("ZOHO_REPEAT_WINDOW", "Seconds in which a repeated change needs approval; 0: never.", "600",
            read=values.window),
    Setting("ZOHO_TOOLSETS", "Only the tools of these toolsets, separated by commas; `all`: the extra ones too.",
            read=values.names),
    Setting("ZOHO_TOOLS", "Only these tools (with ZOHO_TOOLSETS: these as well).", read=values.names),
    Setting("ZOHO_EXCLUDE_TOOLS", "All but these tools.", read=values.names),
    Setting("ZOHO_READ_ONLY", "Offer only tools that change nothing.", "false", ("true", "false"), read=values.switch),
    Setting("ZOHO_UPLOAD_DIR", "Folder with the receipts to upload; without it, no file leaves this machine.",
            read=values.folder),
    Setting("ZOHO_DOWNLOAD_DIR", "Folder for saved PDFs; nothing is overwritten there.", read=values.folder),
    Setting("ZOHO_ANSWER", "How answers are given: as text, as structured content, or both, which say the same but "
            "cost twice where a client shows a model both.", "both", ("both", "text", "structured")),
    Setting("ZOHO_MAX_ANSWER", "Characters of an answer; of a longer list, rows are left out and can be asked for.",
            "40000", read=values.characters),
    Setting("ZOHO_POLICY_FILE", "Policy file: what is allowed, asked about, refused (default: policy.toml in the "
            "user's configuration folder, else the shipped policy)."),
    Setting("ZOHO_AUDIT_FILE", "File that every decision and every change is recorded in (default: audit.jsonl in the "
            "user's state folder; with --sandbox beside its FILE)."),
    Setting("ZOHO_CONFIRM_FALLBACK", "How a person is asked where the client cannot ask: on a page in the browser, by "
            "a second call with a token (no protection against a model that calls twice), or not at all.", "page",
            ("page", "token", "refuse")),
    Setting("ZOHO_APPROVAL_WAIT", "Seconds a call waits for a decision on the approval page.", "45",
            read=values.seconds),
    Setting("ZOHO_APPROVAL_TYPE_NUMBER_OVER", "Amount, in the record's currency, above which approving a loss on the "
            "page takes typing the record's number.", "1000", read=values.amount),
    Setting("ZOHO_APPROVAL_URL_TO_MODEL", "1: the approval page's address may go into answers to the model, which "
            "could then pass it to something that clicks for you.", "0", ("0", "1"), read=values.switch),
    Setting("ZOHO_REDIS_URL", "Redis or Valkey that several servers of the same account share: "
            "`rediss://user:password@host`; docs/replicas.md says what is stored there.", secret=True,
            read=values.redis_url),
    Setting("ZOHO_API_URL", "Another host for the API, for a gateway or the sandbox.", read=values.api_url),
    Setting("ZOHO_ACCOUNTS_URL", "Another host for OAuth, for a gateway or the sandbox.", read=values.accounts_url),
    Setting("ZOHO_LOG", "How the log on stderr is written: as text, or as JSON without private data, an object a line.",
            "text", ("text", "json")),
    Setting("ZOHO_LOG_LEVEL", "From which level on; info: a line for each call, debug: for each request to Zoho too.",
            "warning", ("debug", "info", "warning", "error")),
    Setting("ZOHO_METRICS", "Port, or HOST:PORT, that Prometheus can read counts and times from, at /metrics; a port "
            "alone is open to this machine only. Needs the extra `metrics`.", read=values.metrics_address),
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
    Setting("ZOHO_SANDBOX", "The sandbox instead of an account, as with --sandbox.", "false", ("true", "false")),
)  # fmt: skip


class Given:
    """The settings of an environment, and everything that is wrong with them.

    Attributes:
        problems: sentences for the error.
        missing: the required settings that are not set.
    """

    def __init__(self, environment: Mapping[str, str], account: bool = False) -> None:
        """`account`: whether the settings of the account are required."""
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
        """The text of a setting, or its default."""
        return self._values[name]

    def checked(self, name: str, convert: Callable[[str], _Value]) -> _Value:
        """The value of a setting. `convert` is like `Setting.read`; after its ValueError, it is that of the default."""
        try:
            return convert(self._values[name])
        except ValueError as right_form:
            self.problems.append(f"{name} must be {right_form}.")
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
