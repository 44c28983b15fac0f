"""Every environment variable of this program: what it means, what it may say, what holds without it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

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


SETTINGS: tuple[Setting, ...] = (
    Setting("ZOHO_PROFILE", "The profile of `zoho-invoice-mcp login` to use. Other variables override it."),
    Setting("ZOHO_CLIENT_ID", "Client id of your client in Zoho's API console.", required=True),
    Setting("ZOHO_CLIENT_SECRET", "Its client secret.", required=True, secret=True),
    Setting("ZOHO_REFRESH_TOKEN", "The refresh token made for that client.", required=True, secret=True),
    Setting("ZOHO_ORGANIZATION_ID", "The organisation to work in, by number or name; of several (a,b) each call "
            "names one. Without it only list_organizations works."),
    Setting("ZOHO_PLAN", "Zoho's plan of the organisation; it says how many requests are allowed (unlimited: only for "
            "a sandbox on this machine).", "free",
            ("free", "standard", "professional", "premium", "elite", "ultimate", "unlimited")),
    Setting("ZOHO_SOID", "Instead of a refresh token, for a Self Client without a user: product and organisation, "
            "as in `ZohoInvoice.10234695`."),
    Setting("ZOHO_SCOPES", "The scopes that were granted, with commas; tools that need others are not offered."),
    Setting("ZOHO_DC", "Data centre of the account, by the address you log in at.", "us", tuple(DATA_CENTRES)),
    Setting("ZOHO_PRODUCT", "Which product the organisation uses.", "invoice", ("invoice", "books")),
    Setting("ZOHO_EDITION", "Country edition whose own fields (GST, VAT, CFDI, …) are offered.", "", EDITIONS),
    Setting("ZOHO_CONFIRM", "Reaction to a call that destroys something: ask a person, refuse, or allow.", "ask",
            ("ask", "refuse", "allow")),
    Setting("ZOHO_CONFIRM_TIMEOUT", "Seconds to wait for a person's answer.", "120"),
    Setting("ZOHO_REPEAT_WINDOW", "Seconds in which a repeated change needs approval; 0: never.", "600"),
    Setting("ZOHO_TOOLSETS", "Only the tools of these toolsets, separated by commas; `all`: the extra ones too."),
    Setting("ZOHO_TOOLS", "Only these tools (with ZOHO_TOOLSETS: these as well)."),
    Setting("ZOHO_EXCLUDE_TOOLS", "All but these tools."),
    Setting("ZOHO_READ_ONLY", "Offer only tools that change nothing.", "false", ("true", "false")),
    Setting("ZOHO_UPLOAD_DIR", "Folder with the receipts to upload; without it, no file leaves this machine."),
    Setting("ZOHO_DOWNLOAD_DIR", "Folder for saved PDFs; nothing is overwritten there."),
    Setting("ZOHO_ANSWER", "How answers are given: as text, as structured content, or both, which say the same but "
            "cost twice where a client shows a model both.", "both", ("both", "text", "structured")),
    Setting("ZOHO_MAX_ANSWER", "Characters of an answer; of a longer list, rows are left out and can be asked for.",
            "40000"),
    Setting("ZOHO_POLICY_FILE", "Policy file: what is allowed, asked about, refused (default: policy.toml in the "
            "user's configuration folder, else the shipped policy)."),
    Setting("ZOHO_AUDIT_FILE", "File that every decision and every change is recorded in (default: audit.jsonl in the "
            "user's state folder; with --sandbox beside its FILE)."),
    Setting("ZOHO_CONFIRM_FALLBACK", "How a person is asked where the client cannot ask: on a page in the browser, by "
            "a second call with a token (no protection against a model that calls twice), or not at all.", "page",
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
    Setting("ZOHO_SANDBOX", "The sandbox instead of an account, as with --sandbox.", "false", ("true", "false")),
)  # fmt: skip


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
