"""Tokens of an OAuth issuer: those it has signed are accepted, and no others."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import jwt
import pytest
from conftest import ERAS, Era, Zoho, call
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issuer import Key, TestIssuer, an_issuer
from serving import LIST, Site, a_site

from zoho_mcp.errors import UnavailableError
from zoho_mcp.http.identity import Identity, Issued
from zoho_mcp.http.issuer import FRESH, MAX_AGE, NOT_SOONER, Issuer
from zoho_mcp.http.settings import HttpSettings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
AUDIENCE = "https://books.example/mcp"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def settings(issuer: TestIssuer, **changes: object) -> HttpSettings:
    return replace(HttpSettings(public_url="https://books.example", issuer=issuer.url), **changes)  # pyright: ignore[reportArgumentType] # its fields


@asynccontextmanager
async def a_guarded_site(
    zoho: Zoho, issuer: TestIssuer, clock: Callable[[], float] = time.monotonic, **changes: object
) -> AsyncGenerator[Site]:
    http = settings(issuer, **changes)
    who = Identity(issued=Issued(http, Issuer(issuer.url, clock=clock)))
    async with a_site(zoho, http, who=who) as site:
        yield site


async def status(site: Site, token: str) -> int:
    answer = await site.post(LIST, mcp_protocol_version="2026-07-28", authorization=f"Bearer {token}")
    return answer.status_code


async def comes_in(site: Site, token: str) -> bool:
    """Past the door; what is inside has its own to say about a bare request."""
    return await status(site, token) not in (401, 403)


@pytest.mark.parametrize("era", ERAS)
async def test_a_token_of_the_issuer_is_accepted(era: Era, zoho: Zoho) -> None:
    async with (
        an_issuer() as issuer,
        a_guarded_site(zoho, issuer) as site,
        site.client(era, token=issuer.token(AUDIENCE)) as client,
    ):
        await call(client, "list_customers")
    assert issuer.requests == ["/.well-known/openid-configuration", "/keys"]


async def test_a_refused_caller_learns_where_to_get_a_token(zoho: Zoho) -> None:
    async with an_issuer() as issuer, a_guarded_site(zoho, issuer, scopes=("books",)) as site:
        refused = await site.post(LIST)
        assert refused.status_code == 401
        where = "https://books.example/.well-known/oauth-protected-resource/mcp"
        assert f'resource_metadata="{where}"' in refused.headers["www-authenticate"]
        metadata = (await site.get("/.well-known/oauth-protected-resource/mcp")).json()
    assert metadata["resource"] == AUDIENCE
    assert metadata["authorization_servers"] == [issuer.url]
    assert metadata["scopes_supported"] == ["books"]


def forged(issuer: TestIssuer) -> dict[str, str]:
    """Tokens that this issuer did not give for this server, or that do not hold."""
    now, stranger = int(time.time()), Key("one")
    good = issuer.token(AUDIENCE)
    head, body, seal = good.split(".")
    return {
        "for another server": issuer.token("https://other.example/mcp"),
        "for nobody": issuer.token(AUDIENCE, aud=None),
        "for this server's name as a prefix": issuer.token(AUDIENCE + "/x"),
        "of another issuer": issuer.token(AUDIENCE, iss="https://id.example"),
        "of no issuer": issuer.token(AUDIENCE, iss=None),
        "of an issuer that only begins so": issuer.token(AUDIENCE, iss=issuer.url + "/"),
        "expired": issuer.token(AUDIENCE, exp=now - 60),
        "without an end": issuer.token(AUDIENCE, exp=None),
        "not yet valid": issuer.token(AUDIENCE, nbf=now + 600),
        "about nobody": issuer.token(AUDIENCE, sub=None),
        "about an empty name": issuer.token(AUDIENCE, sub=""),
        "about a number": issuer.token(AUDIENCE, sub=7),
        "about a name with a line break": issuer.token(AUDIENCE, sub="ada\nben"),
        "signed by a stranger under a known name": issuer.token(AUDIENCE, key=stranger),
        "signed by a key that does not exist": issuer.token(AUDIENCE, key=Key("two")),
        "without a signature": jwt.encode(issuer.claims(AUDIENCE), "", "none", headers={"kid": "one"}),
        "with another's body": f"{head}.{_part({**issuer.claims(AUDIENCE), 'sub': 'eve'})}.{seal}",
        "with its signature cut off": f"{head}.{body}.",
        "signed with the public key as a secret": _with_public_key_as_secret(issuer),
        "bringing its own key": _with_own_key(issuer),
        "no token": "a.b.c",
        "nothing": "x",
    }


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _with_public_key_as_secret(issuer: TestIssuer) -> str:
    # PyJWT refuses to make one.
    public = issuer.keys[0].private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'one'})}.{_part(issuer.claims(AUDIENCE))}"
    seal = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"


def _with_own_key(issuer: TestIssuer) -> str:
    stranger = Key("one")
    headers = {"kid": "one", "jwk": stranger.public(), "jku": "https://evil.example/keys"}
    return jwt.encode(issuer.claims(AUDIENCE), stranger.private, "ES256", headers=headers)


async def test_other_tokens_are_refused_and_nothing_reaches_zoho(zoho: Zoho) -> None:
    async with an_issuer() as issuer:
        issuer.keys.append(Key("rsa", rsa.generate_private_key(65537, 2048)))
        async with a_guarded_site(zoho, issuer) as site:
            answered = {name: await status(site, token) for name, token in forged(issuer).items()}
            assert answered == dict.fromkeys(answered, 401)
            assert len(answered) == 22
            assert zoho.app.state.request_log == []
            for good in (
                issuer.token(AUDIENCE),
                issuer.token(AUDIENCE, key=issuer.keys[1]),
                issuer.token(AUDIENCE, aud=["https://other.example", AUDIENCE]),
                issuer.token(AUDIENCE, exp=int(time.time()) - 5),
            ):
                assert await comes_in(site, good)


async def test_a_token_without_the_scope_is_refused_as_such(zoho: Zoho) -> None:
    async with an_issuer() as issuer, a_guarded_site(zoho, issuer, scopes=("books",)) as site:
        assert await status(site, issuer.token(AUDIENCE)) == 403
        assert await status(site, issuer.token(AUDIENCE, scope="mail bookshelf")) == 403
        assert await comes_in(site, issuer.token(AUDIENCE, scope="mail books"))
        assert await comes_in(site, issuer.token(AUDIENCE, scp=["books"]))


async def test_a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_is_forgotten(zoho: Zoho) -> None:
    clock = Clock()
    async with an_issuer() as issuer, a_guarded_site(zoho, issuer, clock) as site:
        first = issuer.token(AUDIENCE)
        assert await comes_in(site, first)
        issuer.keys.append(Key("two"))
        second = issuer.token(AUDIENCE, key=issuer.keys[1])
        assert await status(site, second) == 401
        clock.now += NOT_SOONER
        assert await comes_in(site, second)
        del issuer.keys[0]
        assert await comes_in(site, first)
        clock.now += FRESH
        assert await status(site, first) == 401
        assert await comes_in(site, second)


async def test_unknown_keys_do_not_cause_repeated_fetches(zoho: Zoho) -> None:
    clock = Clock()
    async with an_issuer() as issuer, a_guarded_site(zoho, issuer, clock) as site:
        for number in range(20):
            assert await status(site, issuer.token(AUDIENCE, key=Key(f"no {number}"))) == 401
        assert issuer.requests.count("/keys") == 1


async def test_while_the_issuer_is_down_its_last_keys_are_valid_for_a_day(zoho: Zoho) -> None:
    clock = Clock()
    async with an_issuer() as issuer, a_guarded_site(zoho, issuer, clock) as site:
        issuer.down = True
        assert (await site.get("/readyz")).status_code == 503
        assert await status(site, issuer.token(AUDIENCE)) == 401
        issuer.down = False
        clock.now += NOT_SOONER
        assert (await site.get("/readyz")).status_code == 200
        assert await comes_in(site, issuer.token(AUDIENCE))
        issuer.down = True
        clock.now += MAX_AGE - 1
        assert await comes_in(site, issuer.token(AUDIENCE))
        clock.now += NOT_SOONER
        assert await status(site, issuer.token(AUDIENCE)) == 401


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://keys.example/keys"},
        {"jwks_uri": "https://169.254.169.254/latest"},
        {"jwks_uri": "https://10.0.0.1/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": "http://id.example/token"},
    ],
)
async def test_metadata_that_point_elsewhere_are_not_followed(metadata: dict[str, str]) -> None:
    async with an_issuer() as issuer:
        issuer.metadata = metadata
        with pytest.raises(UnavailableError):
            await Issuer(issuer.url).ready()
        assert "/keys" not in issuer.requests


async def test_the_principal_is_read_from_the_configured_claim(zoho: Zoho) -> None:
    async with an_issuer() as issuer:
        issued = Issued(settings(issuer, principal_claim="oid"), Issuer(issuer.url))
        token = await issued.verify_token(issuer.token(AUDIENCE, oid="0b7e", sub="pairwise"))
        assert token is not None
        assert (token.subject, token.token) == ("0b7e", "")
        assert await issued.verify_token(issuer.token(AUDIENCE)) is None
