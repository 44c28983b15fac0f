"""From the text of a setting to its value. A ValueError names the right form and never quotes the text."""

import ipaddress
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from pydantic import SecretStr

_HOST = r"\[[0-9a-fA-F:]+\]|[\w.-]"
_ADDRESS = re.compile(rf"(?:(?P<host>{_HOST}*):)?(?P<port>[0-9]{{1,5}})|(?P<alone>{_HOST}+)")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    if host in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """The host as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def host_and_port(value: str) -> tuple[str, int | None]:
    """Host and port of HOST:PORT, or of either alone; the host is 127.0.0.1 by default. Raises ValueError."""
    found = _ADDRESS.fullmatch(value)
    if found is None or int(found["port"] or 0) > 65535:
        raise ValueError("HOST:PORT, such as 127.0.0.1:8000")
    host = (found["host"] or found["alone"] or "").strip("[]")
    return host or "127.0.0.1", int(found["port"]) if found["port"] else None


def metrics_address(value: str) -> tuple[str, int] | None:
    """Host and port for Prometheus; None if there is none."""
    if not value:
        return None
    right = ValueError("a port, or a host and a port, as in 127.0.0.1:9464")
    try:
        host, port = host_and_port(value)
    except ValueError:
        raise right from None
    if not port:
        raise right
    return host, port


def names(value: str) -> tuple[str, ...]:
    """Words with commas between them, or a JSON list of words."""
    if value.strip()[:1] in ("[", "{", '"'):
        value = ",".join(_words_of_json(value))
    return tuple(name for part in value.split(",") if (name := part.strip()))


def _words_of_json(value: str) -> list[str]:
    right = ValueError("names with commas between them, as in invoices,payments")
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError):
        raise right from None
    words = cast("list[object]", found) if isinstance(found, list) else [found]
    if not all(isinstance(word, str) for word in words):
        raise right
    return [str(word) for word in words]


def folder(value: str) -> Path | None:
    """The absolute path of a folder; None if there is none."""
    found = Path(value).expanduser()
    if not found.is_dir():
        raise ValueError("a folder that exists")
    return found.resolve() if value else None


def organizations(value: str) -> str:
    """Numbers or names of organisations with commas between them, each once."""
    parts = [part.strip() for part in value.split(",")] if value else []
    if not all(part.isprintable() and 0 < len(part) <= 100 for part in parts):
        raise ValueError("the organisation's number or its name; of several, with commas between them")
    return ",".join(dict.fromkeys(parts))


def window(value: str) -> float:
    """Seconds from 0 to a day."""
    return _between(0, 86_400, value, "a number of seconds, or 0")


def soid(value: str) -> str:
    """The product and organisation of a Self Client."""
    if value and not re.fullmatch(r"Zoho(Invoice|Books)\.[0-9]+", value):
        raise ValueError("ZohoInvoice. or ZohoBooks. and the organisation's number")
    return value


def scopes(value: str) -> tuple[str, ...]:
    """Scopes with commas or spaces between them."""
    found = tuple(value.replace(",", " ").split())
    if not all(re.fullmatch(r"\w+\.\w+\.\w+", scope) for scope in found):
        raise ValueError("scopes as Zoho names them (ZohoInvoice.invoices.READ), with commas")
    return found


def seconds(value: str) -> float:
    """Seconds to wait, from 1 to 3600."""
    return _between(1, 3600, value, "a number of seconds between 1 and 3600")


def characters(value: str) -> int:
    """The longest result, in characters."""
    if not re.fullmatch(r"[0-9]{4,8}", value) or not 2000 <= int(value) <= 10_000_000:
        raise ValueError("a number of characters from 2000 to 10000000")
    return int(value)


def _between(least: float, most: float, value: str, right: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError(right) from None
    # The opposite comparison would let nan pass.
    if not least <= number <= most:
        raise ValueError(right)
    return number


def amount(value: str) -> Decimal:
    """An amount of money."""
    if not re.fullmatch(r"[0-9]+([.][0-9]+)?", value):
        raise ValueError("an amount such as 1000 or 250.50")
    return Decimal(value)


def switch(value: str) -> bool:
    """Whether something is switched on."""
    return value in ("true", "1")


def redis_url(value: str) -> SecretStr:
    """The address of a Redis server, which may hold a password."""
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False  # The error itself would quote from the address.
    if value and not right:
        raise ValueError("an address such as rediss://user:password@host:6379/0")
    return SecretStr(value)


def api_url(value: str) -> str:
    """The address of the API, without the product's base path."""
    return re.sub(r"/(invoice|books)/v3$", "", safe_url(value))


def accounts_url(value: str) -> str:
    """The address of the accounts server, without the path of its endpoints."""
    return safe_url(value).removesuffix("/oauth/v2")


def safe_url(value: str) -> str:
    """An address that a token may be sent to: encrypted, or on this machine. Raises ValueError with the right form."""
    right = ValueError("an https:// address (http:// only for this machine), without a path")
    try:
        parts = urlsplit(value)
    except ValueError:
        raise right from None
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if value and not (encrypted and parts.hostname and not parts.username and not parts.query):
        raise right
    return value.rstrip("/")
