"""The sandbox as an HTTP server: routes, tokens, organisation, bodies, limits, what it remembers of requests."""

import anyio
import pytest
from sandbox_support import NO_SUCH_ID, Sandbox, exact

from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.limits import Limits

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/customers"),
        ("POST", f"/invoices/{NO_SUCH_ID}/void"),
        ("GET", f"/invoices/{NO_SUCH_ID}/pdf"),
        ("POST", f"/estimates/{NO_SUCH_ID}/converttoInvoice"),
        ("GET", "/invoices/abc"),
        ("GET", f"/invoices/{NO_SUCH_ID}%2Fpayments"),
        ("GET", "/invoice/v3"),
        ("GET", "/books/v2/invoices"),
    ],
)
async def test_a_path_that_zoho_does_not_have_is_404_with_code_5(sandbox: Sandbox, method: str, path: str) -> None:
    response = await sandbox.send(method, path)
    assert response.status_code == 404
    assert response.json() == {"code": 5, "message": "Invalid URL Passed"}


@pytest.mark.parametrize(("method", "path"), [("POST", f"/invoices/{NO_SUCH_ID}/payments"), ("PATCH", "/invoices")])
async def test_a_method_that_a_path_does_not_have_is_405_with_code_37(sandbox: Sandbox, method: str, path: str) -> None:
    assert await sandbox.refusal(method, path) == (405, 37)


@pytest.mark.parametrize("base", ["/invoice/v3", "/books/v3"])
async def test_both_products_answer_with_the_same_envelope(sandbox: Sandbox, base: str) -> None:
    response = await sandbox.send("GET", f"{base}/contacts")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json;charset=UTF-8"
    answer = response.json()
    assert (answer["code"], answer["message"], answer["contacts"]) == (0, "success", [])


async def test_a_create_answers_201_with_a_location(sandbox: Sandbox) -> None:
    response = await sandbox.send("POST", "/contacts", {"contact_name": "Acme"})
    contact_id = response.json()["contact"]["contact_id"]
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/v3/contacts/{contact_id}"
    assert contact_id.isdigit()
    assert len(contact_id) >= 18


@pytest.mark.parametrize("authorization", ["Zoho-oauthtoken 1000.unknown", "Basic abc", "Zoho-oauthtoken"])
async def test_a_token_that_is_none_is_401_with_code_57(sandbox: Sandbox, authorization: str) -> None:
    response = await sandbox.send("GET", "/contacts", headers={"Authorization": authorization})
    assert (response.status_code, response.json()["code"]) == (401, 57)


async def test_no_token_at_all_is_401(sandbox: Sandbox) -> None:
    response = await sandbox.http.get("/invoice/v3/contacts", params={"organization_id": CREDENTIALS.organization_id})
    assert (response.status_code, response.json()["code"]) == (401, 14)
    assert "x-rate-limit-limit" not in response.headers


async def test_a_bearer_token_is_taken_too(sandbox: Sandbox) -> None:
    response = await sandbox.send("GET", "/contacts", headers={"Authorization": f"Bearer {await sandbox.token()}"})
    assert response.status_code == 200


async def test_an_access_token_expires_after_an_hour(sandbox: Sandbox) -> None:
    await sandbox.ask("GET", "/contacts")
    sandbox.pass_time(minutes=59)
    await sandbox.ask("GET", "/contacts")
    sandbox.pass_time(minutes=1)
    assert await sandbox.refusal("GET", "/contacts") == (401, 57)


@pytest.mark.parametrize(
    ("scope", "path", "status"),
    [
        ("ZohoInvoice.invoices.READ", "/invoices", 200),
        ("ZohoInvoice.invoices.ALL", "/invoices", 200),
        ("ZohoInvoice.invoices.CREATE", "/invoices", 401),
        ("ZohoInvoice.fullaccess.all", "/books/v3/invoices", 401),
        ("ZohoInvoice.settings.READ", "/items", 200),
        ("ZohoInvoice.items.READ", "/items", 401),
        ("ZohoInvoice.invoices.READ", "/organizations", 401),
    ],
)
async def test_a_token_opens_what_its_scopes_name(sandbox: Sandbox, scope: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Zoho-oauthtoken {await sandbox.token(scope)}"}
    response = await sandbox.send("GET", path, headers=headers)
    assert response.status_code == status
    assert response.json()["code"] == (0 if status == 200 else 57)


@pytest.mark.parametrize(("organization_id", "code"), [("", 9017), ("12345", 6041)])
async def test_a_missing_or_wrong_organisation_is_refused(sandbox: Sandbox, organization_id: str, code: int) -> None:
    assert await sandbox.refusal("GET", "/contacts", organization_id=organization_id) == (400, code)


@pytest.mark.parametrize("product", ["invoice", "books"])
async def test_the_organisation_may_come_in_the_products_header(sandbox: Sandbox, product: str) -> None:
    headers = {f"X-com-zoho-{product}-organizationid": CREDENTIALS.organization_id}
    response = await sandbox.send("GET", f"/{product}/v3/contacts", organization_id="", headers=headers)
    assert response.status_code == 200


async def test_organisations_are_listed_without_naming_one_and_without_a_page_context(sandbox: Sandbox) -> None:
    answer = await sandbox.ask("GET", "/organizations", organization_id="")
    assert [row["organization_id"] for row in answer["organizations"]] == [CREDENTIALS.organization_id]
    assert answer["organizations"][0]["name"] == "Studio Linden"
    assert "page_context" not in answer


@pytest.mark.parametrize("content", ["{", "[1]", '{"rate": NaN}', "[" * 100_000])
async def test_a_body_that_is_no_json_object_is_refused(sandbox: Sandbox, content: str) -> None:
    await sandbox.ask("GET", "/contacts")
    token = await sandbox.token()
    response = await sandbox.http.post(
        "/invoice/v3/contacts",
        params={"organization_id": CREDENTIALS.organization_id},
        headers={"Authorization": f"Zoho-oauthtoken {token}", "Content-Type": "application/json"},
        content=content,
    )
    assert (response.status_code, response.json()["code"]) == (400, 4)


async def test_the_older_form_field_jsonstring_is_a_body_too(sandbox: Sandbox) -> None:
    token = await sandbox.token()
    path = f"/invoice/v3/contacts?organization_id={CREDENTIALS.organization_id}"
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    form = {"JSONString": '{"contact_name": "Urlencoded"}'}
    assert (await sandbox.http.post(path, headers=headers, data=form)).status_code == 201
    parts = {"JSONString": (None, b'{"contact_name": "Multipart"}')}
    assert (await sandbox.http.post(path, headers=headers, files=parts)).status_code == 201
    names = [row["contact_name"] for row in (await sandbox.ask("GET", "/contacts"))["contacts"]]
    assert sorted(names) == ["Multipart", "Urlencoded"]


async def test_what_a_request_left_unfinished_is_not_kept(sandbox: Sandbox) -> None:
    customer_id = await sandbox.customer()
    sent = {"customer_id": customer_id, "amount": 50, "invoices": [{"invoice_id": NO_SUCH_ID, "amount_applied": 50}]}
    assert await sandbox.refusal("POST", "/customerpayments", sent) == (404, 1002)
    assert (await sandbox.ask("GET", "/customerpayments"))["customerpayments"] == []


async def test_the_log_tells_what_was_asked_and_keeps_no_secret(sandbox: Sandbox) -> None:
    await sandbox.send("POST", "/contacts", {"contact_name": "Acme", "credit_limit": 10})
    await sandbox.send("GET", "/customers")
    token, created, unknown = sandbox.request_log
    assert (token.path, token.code, token.status) == ("/oauth/v2/token", "", 200)
    assert token.body == {"client_id": CREDENTIALS.client_id, "grant_type": "refresh_token"}
    assert (created.method, created.path) == ("POST", "/invoice/v3/contacts")
    assert created.query == {"organization_id": CREDENTIALS.organization_id}
    assert created.body == {"contact_name": "Acme", "credit_limit": 10}
    assert (created.status, created.code) == (201, 0)
    assert "authorization" not in created.headers
    assert (unknown.status, unknown.code) == (404, 5)
    assert CREDENTIALS.client_secret not in repr(sandbox.request_log)
    assert CREDENTIALS.refresh_token not in repr(sandbox.request_log)


async def test_every_answer_tells_the_days_limit_and_the_seconds_to_the_organisations_midnight() -> None:
    with Sandbox(limits=Limits()) as free:
        await free.send("GET", "/contacts")
        for path, remaining in (("/customers", "999"), ("/contacts", "998")):
            headers = (await free.send("GET", path)).headers
            assert headers["x-rate-limit-limit"] == "1000"
            assert headers["x-rate-limit-remaining"] == remaining
            assert headers["x-rate-limit-reset"] == str(12 * 3600)


async def test_the_hundred_and_first_request_of_a_minute_is_429_with_code_44() -> None:
    with Sandbox(limits=Limits()) as free:
        for _ in range(100):
            await free.ask("GET", "/settings/taxes")
        assert await free.refusal("GET", "/settings/taxes") == (429, 44)
        free.pass_time(seconds=60)
        await free.ask("GET", "/settings/taxes")


async def test_the_day_ends_at_the_organisations_midnight() -> None:
    with Sandbox(limits=Limits(per_day=2, beyond=0)) as small:
        await small.ask("GET", "/settings/taxes")
        await small.ask("GET", "/settings/taxes")
        response = await small.send("GET", "/settings/taxes")
        assert (response.status_code, response.json()["code"]) == (429, 45)
        assert response.json()["message"].endswith("rate limit of 2.")
        small.pass_time(hours=11, minutes=59)
        token = await small.token()
        again = {"headers": {"Authorization": f"Zoho-oauthtoken {token}"}}
        assert (await small.send("GET", "/settings/taxes", **again)).status_code == 429
        small.pass_time(minutes=1)
        assert (await small.send("GET", "/settings/taxes", **again)).status_code == 200


async def test_more_requests_at_once_than_the_plan_allows_are_429_with_code_1070() -> None:
    with Sandbox(limits=Limits(at_once=1)) as small:
        await small.ask("GET", "/contacts")
        codes: list[int] = []

        async def ask() -> None:
            codes.append(exact(await small.send("GET", "/contacts"))["code"])

        with small.app.state.meter.running():
            await ask()
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
        assert codes == [1070, 0]


async def test_a_bug_answers_500_as_zoho_does(sandbox: Sandbox) -> None:
    token = await sandbox.token()
    sandbox.store.books(CREDENTIALS.organization_id).put("contact", "1", {"broken": True})
    sandbox.transport.raise_app_exceptions = False
    response = await sandbox.send("GET", "/contacts/1", headers={"Authorization": f"Zoho-oauthtoken {token}"})
    assert (response.status_code, response.json()["code"]) == (500, 1000)
