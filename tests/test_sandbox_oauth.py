"""The accounts server: grants, refusals that come with HTTP 200, and its limits."""

from urllib.parse import parse_qsl

import pytest
from sandbox_support import Sandbox

from zoho_mcp.sandbox import oauth
from zoho_mcp.sandbox.app import create_app
from zoho_mcp.sandbox.credentials import CREDENTIALS

pytestmark = pytest.mark.anyio


REFRESH = {"grant_type": "refresh_token", "refresh_token": CREDENTIALS.refresh_token}


async def test_a_refresh_gives_an_access_token_and_no_refresh_token(sandbox: Sandbox) -> None:
    answer = await sandbox.accounts(**REFRESH)
    token = answer.pop("access_token")
    assert token.startswith("1000.")
    assert answer == {
        "scope": "ZohoInvoice.fullaccess.all ZohoBooks.fullaccess.all",
        "api_domain": "http://sandbox",
        "token_type": "Bearer",
        "expires_in": 3600,
    }


async def test_the_parameters_may_come_in_the_query(sandbox: Sandbox) -> None:
    client = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
    response = await sandbox.http.post("/oauth/v2/token", params={**client, **REFRESH})
    assert "access_token" in response.json()
    assert sandbox.request_log[0].query == {"client_id": CREDENTIALS.client_id, "grant_type": "refresh_token"}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "1000.OTHER"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"refresh_token": "1000.revoked"}, "invalid_code"),
        ({"refresh_token": ""}, "invalid_code"),
        ({"grant_type": "authorization_code", "code": "1000.used"}, "invalid_code"),
        ({"grant_type": "client_credentials", "scope": "ZohoInvoice.invoices.READ"}, "missing_org_info"),
    ],
)
async def test_a_refusal_comes_with_status_200(sandbox: Sandbox, changed: dict[str, str], error: str) -> None:
    client = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
    response = await sandbox.http.post("/oauth/v2/token", data={**client, **REFRESH, **changed})
    assert response.status_code == 200
    assert response.json() == {"error": error}


async def test_the_eleventh_refresh_in_ten_minutes_is_throttled(sandbox: Sandbox) -> None:
    for _ in range(10):
        assert "access_token" in await sandbox.accounts(**REFRESH)
    throttled = await sandbox.accounts(**REFRESH)
    assert (throttled["error"], throttled["status"]) == ("Access Denied", "failure")
    assert throttled["error_description"].startswith("You have made too many requests continuously")
    sandbox.pass_time(minutes=10)
    assert "access_token" in await sandbox.accounts(**REFRESH)


async def test_the_sixteenth_live_token_kills_the_oldest(sandbox: Sandbox) -> None:
    tokens: list[str] = []
    for index in range(16):
        if index == 10:
            sandbox.pass_time(minutes=10)
        tokens.append((await sandbox.accounts(**REFRESH))["access_token"])
    statuses = [
        (await sandbox.send("GET", "/contacts", headers={"Authorization": f"Zoho-oauthtoken {token}"})).status_code
        for token in tokens
    ]
    assert statuses == [401] + [200] * 15


async def test_a_code_is_good_once_and_brings_a_refresh_token(sandbox: Sandbox) -> None:
    code = oauth.add_code(sandbox.store, CREDENTIALS.client_id, ["ZohoInvoice.contacts.READ"], sandbox.now)
    answer = await sandbox.accounts(grant_type="authorization_code", code=code)
    assert answer["scope"] == "ZohoInvoice.contacts.READ"
    refreshed = await sandbox.accounts(grant_type="refresh_token", refresh_token=answer["refresh_token"])
    assert refreshed["scope"] == "ZohoInvoice.contacts.READ"
    assert await sandbox.accounts(grant_type="authorization_code", code=code) == {"error": "invalid_code"}


async def test_a_code_is_no_refresh_token_and_dies_after_two_minutes(sandbox: Sandbox) -> None:
    code = oauth.add_code(sandbox.store, CREDENTIALS.client_id, ["ZohoInvoice.contacts.READ"], sandbox.now)
    assert await sandbox.accounts(grant_type="refresh_token", refresh_token=code) == {"error": "invalid_code"}
    sandbox.pass_time(minutes=2)
    assert await sandbox.accounts(grant_type="authorization_code", code=code) == {"error": "invalid_code"}


async def test_client_credentials_give_a_token_for_the_organisation_named(sandbox: Sandbox) -> None:
    soid = f"ZohoBooks.{CREDENTIALS.organization_id}"
    answer = await sandbox.accounts(grant_type="client_credentials", scope="ZohoBooks.contacts.READ", soid=soid)
    assert "refresh_token" not in answer
    headers = {"Authorization": f"Zoho-oauthtoken {answer['access_token']}"}
    assert (await sandbox.send("GET", "/books/v3/contacts", headers=headers)).status_code == 200


async def test_revoking_the_refresh_token_ends_its_access_tokens(sandbox: Sandbox) -> None:
    await sandbox.ask("GET", "/contacts")
    response = await sandbox.http.post("/oauth/v2/token/revoke", params={"token": CREDENTIALS.refresh_token})
    assert response.json() == {"status": "success"}
    assert await sandbox.refusal("GET", "/contacts") == (401, 57)
    assert await sandbox.accounts(**REFRESH) == {"error": "invalid_code"}


async def test_the_api_domain_can_be_given(sandbox: Sandbox) -> None:
    gateway = "https://gateway.example"
    sandbox.transport.app = create_app(sandbox.store, clock=lambda: sandbox.now, api_domain=gateway)
    assert (await sandbox.accounts(**REFRESH))["api_domain"] == gateway


CLIENT = {"client_id": CREDENTIALS.client_id, "response_type": "code", "state": "st4te"}
BACK = "http://localhost:8765/callback"


async def consent(sandbox: Sandbox, **params: str) -> dict[str, str]:
    """What the browser is sent back with."""
    scope = "ZohoInvoice.contacts.READ,ZohoInvoice.settings.READ"
    response = await sandbox.http.get(
        "/oauth/v2/auth", params={**CLIENT, "redirect_uri": BACK, "scope": scope, **params}
    )
    assert response.status_code == 302
    address, _, query = response.headers["location"].partition("?")
    assert address == BACK
    return dict(parse_qsl(query))


async def test_the_consent_page_sends_the_browser_back_with_a_code_and_where_to_exchange_it(sandbox: Sandbox) -> None:
    answer = await consent(sandbox, access_type="offline")
    code = answer.pop("code")
    assert answer == {"state": "st4te", "location": "us", "accounts-server": "http://sandbox"}
    assert code not in str(sandbox.request_log)
    granted = await sandbox.accounts(grant_type="authorization_code", code=code, redirect_uri=BACK)
    assert granted["scope"] == "ZohoInvoice.contacts.READ ZohoInvoice.settings.READ"
    assert granted["refresh_token"]


async def test_a_code_belongs_to_its_redirect_address_and_its_challenge(sandbox: Sandbox) -> None:
    code = (await consent(sandbox))["code"]
    elsewhere = await sandbox.accounts(grant_type="authorization_code", code=code, redirect_uri="http://localhost:1/")
    assert elsewhere == {"error": "invalid_redirect_uri"}
    # base64url(sha256("v3rifier")) without its padding
    challenge = "2ZNFZ4uP3Oj1-XcdHGp2ijn5Jrdw1-5-u5MSN_fV6YA"
    for verifier, error in (("wrong", "invalid_code"), ("v3rifier", None)):
        code = (await consent(sandbox, code_challenge=challenge, code_challenge_method="S256"))["code"]
        exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        assert (await sandbox.accounts(**exchange, code_verifier=verifier)).get("error") == error


async def test_without_offline_access_there_is_no_refresh_token(sandbox: Sandbox) -> None:
    code = (await consent(sandbox))["code"]
    granted = await sandbox.accounts(grant_type="authorization_code", code=code, redirect_uri=BACK)
    assert "refresh_token" not in granted


@pytest.mark.parametrize("wrong", [{"client_id": "1000.NOBODY"}, {"redirect_uri": "https://evil.example/"}])
async def test_nobody_is_sent_anywhere_for_an_unknown_client_or_address(
    sandbox: Sandbox, wrong: dict[str, str]
) -> None:
    params = {**CLIENT, "redirect_uri": BACK, "scope": "ZohoInvoice.contacts.READ", **wrong}
    response = await sandbox.http.get("/oauth/v2/auth", params=params)
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_a_request_that_makes_no_sense_is_sent_back_with_an_error(sandbox: Sandbox) -> None:
    assert await consent(sandbox, scope="") == {"state": "st4te", "error": "invalid_request"}
