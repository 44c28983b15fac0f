"""The checked settings for HTTP: address, host names and access."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from zoho_mcp.errors import SettingsError
from zoho_mcp.settings import config_folder
from zoho_mcp.settings.values import bracketed, host_and_port, is_loopback, safe_url
from zoho_mcp.settings.variables import Given

PATH = "/mcp"
PAGE = "/approvals"
TOKENS_FILE = "http-tokens.json"
_PORT = 8000
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Everything about HTTP. `host` is bound, `port` 0 means any free one; `tokens` None means no file lets in."""

    host: str = "127.0.0.1"
    port: int = _PORT
    public_url: str = ""
    tokens: Path | None = None
    issuer: str = ""
    audience: str = ""
    scopes: tuple[str, ...] = ()
    principal_claim: str = "sub"
    client_id: str = ""
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it, and nothing says that it is reached from elsewhere."""
        names = [urlsplit(self.public_url).netloc] if self.public_url else []
        return all(
            is_loopback(urlsplit(f"//{name}").hostname or "") for name in (bracketed(self.host), *names, *self.hosts)
        )

    @property
    def knows_callers(self) -> bool:
        """Whether only those come in who say who they are."""
        return bool(self.issuer or self.tokens)

    @property
    def url(self) -> str:
        """What this server is reached under, without a path."""
        return self.public_url or f"http://{bracketed(self.host)}:{self.port}"

    @property
    def resource(self) -> str:
        """This server's name for an OAuth issuer, and the audience of tokens for it."""
        return self.url + PATH

    @property
    def page(self) -> str:
        """The address of the approval page for who logs in; empty where nobody can."""
        can_log_in = bool(self.tokens or (self.issuer and self.client_id))
        return self.public_url + PAGE if self.public_url and can_log_in else ""

    @property
    def answered_hosts(self) -> list[str]:
        """What a request's Host header may say; `name:*` stands for any port."""
        own = [f"{name}:{self.port}" for name in _LOOPBACK_NAMES]
        # A server bound to every address of its machine is known under none of them.
        bound = [] if self.host in ("0.0.0.0", "::", "") else [f"{bracketed(self.host)}:{self.port}"]
        public = [urlsplit(self.public_url).netloc] if self.public_url else []
        plain = list(_LOOPBACK_NAMES) if self.port == 80 else []
        return list(dict.fromkeys([*own, *bound, *plain, *public, *self.hosts]))

    @property
    def answered_origins(self) -> list[str]:
        """What a request's Origin header may say, where there is one: pages of this server's own, and those named."""
        own = [f"http://{name}:{self.port}" for name in _LOOPBACK_NAMES]
        return list(dict.fromkeys([*own, self.url, *self.origins]))


def http_settings(environment: Mapping[str, str]) -> HttpSettings:
    """From environment variables. Raises SettingsError for what is wrong, and where anybody would be let in."""
    given = Given(environment)
    problems = given.problems = []  # What is wrong elsewhere is said elsewhere.
    host, port = given.checked("ZOHO_HTTP", address)
    found = HttpSettings(
        host=host,
        port=port,
        public_url=given.checked("ZOHO_PUBLIC_URL", _origin),
        tokens=_tokens(environment, problems),
        issuer=given.checked("ZOHO_HTTP_ISSUER", _issuer),
        audience=given.text("ZOHO_HTTP_AUDIENCE"),
        scopes=_words(given.text("ZOHO_HTTP_SCOPES")),
        principal_claim=given.text("ZOHO_HTTP_PRINCIPAL"),
        client_id=given.text("ZOHO_HTTP_CLIENT_ID"),
        hosts=given.checked("ZOHO_HTTP_HOSTS", _hosts),
        origins=given.checked("ZOHO_HTTP_ORIGINS", _origins),
    )
    if found.issuer and environment.get("ZOHO_HTTP_TOKENS", "").strip():
        problems.append("ZOHO_HTTP_ISSUER and ZOHO_HTTP_TOKENS cannot be combined.")
    if found.issuer and not found.public_url and not is_loopback(host):
        problems.append("ZOHO_PUBLIC_URL is missing: an issuer's tokens are for an address.")
    if problems:
        raise SettingsError("Settings: " + " ".join(problems), "docs/http.md explains each.")
    _require_callers(found)
    return found


def _require_callers(found: HttpSettings) -> None:
    if found.is_local or found.knows_callers:
        return
    where = found.public_url or " and ".join((f"{found.host}:{found.port}", *found.hosts))
    raise SettingsError(
        f"At {where} others than you could reach this server, and nothing says who may: it would do for "
        "anybody whatever your account can do.",
        "Make a token for each user with `zoho-invoice-mcp token add NAME`, or set ZOHO_HTTP_ISSUER; or serve at "
        "127.0.0.1 alone.",
    )


def tokens_file(environment: Mapping[str, str]) -> Path | None:
    """Where the tokens are, or would be; None when the environment names no home."""
    if set_to := environment.get("ZOHO_HTTP_TOKENS", "").strip():
        return Path(set_to).expanduser()
    folder = config_folder(environment)
    return Path(folder) / TOKENS_FILE if folder else None


def _tokens(environment: Mapping[str, str], problems: list[str]) -> Path | None:
    """The file that decides, if it is there; one that was named has to be."""
    if environment.get("ZOHO_HTTP_ISSUER", "").strip():
        return None
    file, named = tokens_file(environment), bool(environment.get("ZOHO_HTTP_TOKENS", "").strip())
    # A link that leads nowhere was meant to be a file: it lets nobody in, rather than everybody.
    there = file is not None and (file.exists() or file.is_symlink())
    if named and not there:
        problems.append(f"ZOHO_HTTP_TOKENS: there is no {file}; `zoho-invoice-mcp token add NAME` makes it.")
    return file if there else None


def address(value: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, either of them alone, or neither. Raises ValueError with what is right."""
    host, port = host_and_port(value) if value else ("127.0.0.1", None)
    return host, _PORT if port is None else port


def _origin(value: str) -> str:
    parts = urlsplit(safe_url(value))
    if parts.path or parts.fragment:
        raise ValueError("an https:// address (http:// only for this machine), without a path")
    # As browsers write it.
    default = ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(default)}" if value else ""


def _issuer(value: str) -> str:
    safe_url(value)
    if "#" in value:
        raise ValueError("an https:// address (http:// only for this machine)")
    return value  # Compared letter by letter, a slash at its end included.


def _words(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())


def _hosts(value: str) -> tuple[str, ...]:
    found = _words(value.lower())
    if not all(re.fullmatch(r"([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]+)?", host) for host in found):
        raise ValueError("names such as books.example or books.example:8000")
    return found


def _origins(value: str) -> tuple[str, ...]:
    return tuple(_origin(word) for word in _words(value))
