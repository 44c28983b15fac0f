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
    """The settings for HTTP. Port 0 means any free port; `tokens` is None if there is no file of tokens."""

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
        """Whether only this machine can reach the server, as far as the settings say."""
        names = [urlsplit(self.public_url).netloc] if self.public_url else []
        return all(
            is_loopback(urlsplit(f"//{name}").hostname or "") for name in (bracketed(self.host), *names, *self.hosts)
        )

    @property
    def knows_callers(self) -> bool:
        """Whether callers must identify themselves."""
        return bool(self.issuer or self.tokens)

    @property
    def url(self) -> str:
        """The address of this server, without a path."""
        return self.public_url or f"http://{bracketed(self.host)}:{self.port}"

    @property
    def resource(self) -> str:
        """This server's name for an OAuth issuer, and the audience of tokens for it."""
        return self.url + PATH

    @property
    def page(self) -> str:
        """The address of the approval page with its login; empty if nobody can log in."""
        can_log_in = bool(self.tokens or (self.issuer and self.client_id))
        return self.public_url + PAGE if self.public_url and can_log_in else ""

    @property
    def answered_hosts(self) -> list[str]:
        """The valid Host headers."""
        own = [f"{name}:{self.port}" for name in _LOOPBACK_NAMES]
        # A server bound to every address of its machine is reached under other names than these.
        bound = [] if self.host in ("0.0.0.0", "::", "") else [f"{bracketed(self.host)}:{self.port}"]
        public = [urlsplit(self.public_url).netloc] if self.public_url else []
        plain = list(_LOOPBACK_NAMES) if self.port == 80 else []
        return list(dict.fromkeys([*own, *bound, *plain, *public, *self.hosts]))

    @property
    def answered_origins(self) -> list[str]:
        """The valid Origin headers: the pages of this server, and the configured ones."""
        own = [f"http://{name}:{self.port}" for name in _LOOPBACK_NAMES]
        return list(dict.fromkeys([*own, self.url, *self.origins]))


def http_settings(environment: Mapping[str, str]) -> HttpSettings:
    """The settings in environment variables. Raises SettingsError if they are wrong, or would let anybody in."""
    given = Given(environment)
    problems = given.problems = []  # Problems of other settings are reported elsewhere.
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
        problems.append("ZOHO_PUBLIC_URL is missing: an issuer's tokens are valid for an address.")
    if problems:
        raise SettingsError("Settings: " + " ".join(problems), "docs/http.md explains each.")
    _require_callers(found)
    return found


def _require_callers(found: HttpSettings) -> None:
    if found.is_local or found.knows_callers:
        return
    where = found.public_url or " and ".join((f"{found.host}:{found.port}", *found.hosts))
    raise SettingsError(
        f"At {where}, other people could reach this server without a login and do everything that your account can do.",
        "Create a token for each user with `zoho-invoice-mcp token add NAME`, set ZOHO_HTTP_ISSUER, or serve at "
        "127.0.0.1 only.",
    )


def tokens_file(environment: Mapping[str, str]) -> Path | None:
    """The file of tokens, whether it exists or not; None if the environment has no home folder."""
    if set_to := environment.get("ZOHO_HTTP_TOKENS", "").strip():
        return Path(set_to).expanduser()
    folder = config_folder(environment)
    return Path(folder) / TOKENS_FILE if folder else None


def _tokens(environment: Mapping[str, str], problems: list[str]) -> Path | None:
    """The file of tokens if there is one. A file that is set must exist."""
    if environment.get("ZOHO_HTTP_ISSUER", "").strip():
        return None
    file, is_set = tokens_file(environment), bool(environment.get("ZOHO_HTTP_TOKENS", "").strip())
    # A broken link was meant to be a file: it must let in nobody, not everybody.
    exists = file is not None and (file.exists() or file.is_symlink())
    if is_set and not exists:
        problems.append(f"ZOHO_HTTP_TOKENS: {file} does not exist. `zoho-invoice-mcp token add NAME` creates it.")
    return file if exists else None


def address(value: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, HOST, PORT or nothing. Raises ValueError with the correct form."""
    host, port = host_and_port(value) if value else ("127.0.0.1", None)
    return host, _PORT if port is None else port


def _origin(value: str) -> str:
    parts = urlsplit(safe_url(value))
    if parts.path or parts.fragment:
        raise ValueError("an https:// address (http:// only for this machine), without a path")
    # Without the default port, as browsers write it.
    default = ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(default)}" if value else ""


def _issuer(value: str) -> str:
    safe_url(value)
    if "#" in value:
        raise ValueError("an https:// address (http:// only for this machine)")
    return value  # It is compared character by character, including a slash at its end.


def _words(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())


def _hosts(value: str) -> tuple[str, ...]:
    found = _words(value.lower())
    if not all(re.fullmatch(r"([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]+)?", host) for host in found):
        raise ValueError("names such as books.example or books.example:8000")
    return found


def _origins(value: str) -> tuple[str, ...]:
    return tuple(_origin(word) for word in _words(value))
