"""The accounts server: grants, refusals that come with HTTP 200, and its limits."""

from collections.abc import Iterator

import pytest
from test_sandbox_support import Sandbox

from zoho_mcp.sandbox import oauth
from zoho_mcp.sandbox.app import create_app
from zoho_mcp.sandbox.credentials import CREDENTIALS

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def zoho() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


REFRESH = {"grant_type": "refresh_token", "refresh_token": CREDENTIALS.refresh_token}


async def test_a_refresh_gives_an_access_token_and_no_refresh_token(zoho: Sandbox) -> None:
    answer = await zoho.accounts(**REFRESH)
    token = answer.pop("access_token")
    assert token.startswith("1000.")
    assert answer == {
        "scope": "ZohoInvoice.fullaccess.all ZohoBooks.fullaccess.all",
        "api_domain": "http://sandbox",
        "token_type": "Bearer",
        "expires_in": 3600,
    }


async def test_the_parameters_may_come_in_the_query(zoho: Sandbox) -> None:
    client = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
    response = await zoho.http.post("/oauth/v2/token", params={**client, **REFRESH})
    assert "access_token" in response.json()
    assert zoho.received[0].query == {"client_id": CREDENTIALS.client_id, "grant_type": "refresh_token"}


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
async def test_a_refusal_comes_with_status_200(zoho: Sandbox, changed: dict[str, str], error: str) -> None:
    client = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
    response = await zoho.http.post("/oauth/v2/token", data={**client, **REFRESH, **changed})
    assert response.status_code == 200
    assert response.json() == {"error": error}


async def test_the_eleventh_refresh_in_ten_minutes_is_throttled(zoho: Sandbox) -> None:
    for _ in range(10):
        assert "access_token" in await zoho.accounts(**REFRESH)
    throttled = await zoho.accounts(**REFRESH)
    assert (throttled["error"], throttled["status"]) == ("Access Denied", "failure")
    assert throttled["error_description"].startswith("You have made too many requests continuously")
    zoho.pass_time(minutes=10)
    assert "access_token" in await zoho.accounts(**REFRESH)


async def test_the_sixteenth_live_token_kills_the_oldest(zoho: Sandbox) -> None:
    tokens: list[str] = []
    for index in range(16):
        if index == 10:
            zoho.pass_time(minutes=10)
        tokens.append((await zoho.accounts(**REFRESH))["access_token"])
    statuses = [
        (await zoho.send("GET", "/contacts", headers={"Authorization": f"Zoho-oauthtoken {token}"})).status_code
        for token in tokens
    ]
    assert statuses == [401] + [200] * 15


async def test_a_code_is_good_once_and_brings_a_refresh_token(zoho: Sandbox) -> None:
    code = oauth.add_code(zoho.store, CREDENTIALS.client_id, ["ZohoInvoice.contacts.READ"], zoho.now)
    answer = await zoho.accounts(grant_type="authorization_code", code=code)
    assert answer["scope"] == "ZohoInvoice.contacts.READ"
    refreshed = await zoho.accounts(grant_type="refresh_token", refresh_token=answer["refresh_token"])
    assert refreshed["scope"] == "ZohoInvoice.contacts.READ"
    assert await zoho.accounts(grant_type="authorization_code", code=code) == {"error": "invalid_code"}


async def test_a_code_is_no_refresh_token_and_dies_after_two_minutes(zoho: Sandbox) -> None:
    code = oauth.add_code(zoho.store, CREDENTIALS.client_id, ["ZohoInvoice.contacts.READ"], zoho.now)
    assert await zoho.accounts(grant_type="refresh_token", refresh_token=code) == {"error": "invalid_code"}
    zoho.pass_time(minutes=2)
    assert await zoho.accounts(grant_type="authorization_code", code=code) == {"error": "invalid_code"}


async def test_client_credentials_give_a_token_for_the_organisation_named(zoho: Sandbox) -> None:
    soid = f"ZohoBooks.{CREDENTIALS.organization_id}"
    answer = await zoho.accounts(grant_type="client_credentials", scope="ZohoBooks.contacts.READ", soid=soid)
    assert "refresh_token" not in answer
    headers = {"Authorization": f"Zoho-oauthtoken {answer['access_token']}"}
    assert (await zoho.send("GET", "/books/v3/contacts", headers=headers)).status_code == 200


async def test_revoking_the_refresh_token_ends_its_access_tokens(zoho: Sandbox) -> None:
    await zoho.ask("GET", "/contacts")
    response = await zoho.http.post("/oauth/v2/token/revoke", params={"token": CREDENTIALS.refresh_token})
    assert response.json() == {"status": "success"}
    assert await zoho.refusal("GET", "/contacts") == (401, 57)
    assert await zoho.accounts(**REFRESH) == {"error": "invalid_code"}


async def test_the_api_domain_can_be_given(zoho: Sandbox) -> None:
    gateway = "https://gateway.example"
    zoho.transport.app = create_app(zoho.store, clock=lambda: zoho.now, api_domain=gateway)
    assert (await zoho.accounts(**REFRESH))["api_domain"] == gateway
