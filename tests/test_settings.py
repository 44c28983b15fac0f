"""Settings come from the environment, are checked all at once, and never show a secret."""

import sys
from decimal import Decimal

import pytest

from zoho_mcp.errors import SettingsError
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.settings.profiles import settings_for
from zoho_mcp.settings.variables import DATA_CENTRES, SETTINGS

COMPLETE = {"ZOHO_CLIENT_ID": "1000.ID", "ZOHO_CLIENT_SECRET": "s3cret", "ZOHO_REFRESH_TOKEN": "1000.refr3sh"}


def settings(**more: str) -> Settings:
    return from_environment(COMPLETE | more)


def test_every_missing_and_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        from_environment(
            {"ZOHO_CLIENT_ID": " ", "ZOHO_DC": "mars", "ZOHO_ORGANIZATION_ID": "1,,2", "ZOHO_CONFIRM_TIMEOUT": "0"}
        )
    for name in (
        "ZOHO_CLIENT_ID",
        "ZOHO_CLIENT_SECRET",
        "ZOHO_REFRESH_TOKEN",
        "ZOHO_DC",
        "ZOHO_ORGANIZATION_ID",
        "ZOHO_CONFIRM_TIMEOUT",
    ):
        assert name in str(caught.value)
    assert "--sandbox" in str(caught.value)


def test_without_an_account_the_first_advice_is_to_log_in() -> None:
    with pytest.raises(SettingsError) as caught:
        from_environment({})
    assert 0 < caught.value.next_step.find("login") < caught.value.next_step.find("--sandbox")


def test_a_wrong_value_is_not_answered_with_a_login() -> None:
    with pytest.raises(SettingsError) as caught:
        settings(ZOHO_METRICS="x")
    assert "ZOHO_METRICS" in str(caught.value)
    assert "login" not in str(caught.value)
    assert "--sandbox" not in str(caught.value)


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    assert "s3cret" not in repr(settings())
    assert "refr3sh" not in repr(settings())


def test_the_defaults_are_the_united_states_zoho_invoice_and_asking() -> None:
    found = settings()
    assert (found.data_centre, found.product, found.edition, found.confirm) == ("us", "invoice", "", "ask")
    assert (found.base_path, found.scope_prefix) == ("/invoice/v3", "ZohoInvoice.")


def test_books_has_its_own_base_path_and_scopes() -> None:
    found = settings(ZOHO_PRODUCT="Books")
    assert (found.base_path, found.scope_prefix) == ("/books/v3", "ZohoBooks.")


@pytest.mark.parametrize(
    ("name", "api", "accounts"),
    [
        ("us", "https://www.zohoapis.com", "https://accounts.zoho.com"),
        ("eu", "https://www.zohoapis.eu", "https://accounts.zoho.eu"),
        ("in", "https://www.zohoapis.in", "https://accounts.zoho.in"),
        ("au", "https://www.zohoapis.com.au", "https://accounts.zoho.com.au"),
        ("jp", "https://www.zohoapis.jp", "https://accounts.zoho.jp"),
        ("ca", "https://www.zohoapis.ca", "https://accounts.zohocloud.ca"),
        ("cn", "https://www.zohoapis.com.cn", "https://accounts.zoho.com.cn"),
        ("sa", "https://www.zohoapis.sa", "https://accounts.zoho.sa"),
    ],
)
def test_a_data_centre_has_these_hosts(name: str, api: str, accounts: str) -> None:
    assert (DATA_CENTRES[name].api, DATA_CENTRES[name].accounts) == (api, accounts)


@pytest.mark.parametrize(
    "url", ["http://evil.example", "ftp://127.0.0.1", "https://user@host", "127.0.0.1:80", "https://"]
)
def test_a_token_is_sent_only_encrypted_or_to_this_machine(url: str) -> None:
    with pytest.raises(SettingsError, match="ZOHO_API_URL"):
        settings(ZOHO_API_URL=url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8123", "http://localhost:8123/", "https://gateway.example/invoice/v3"]
)
def test_a_gateway_may_be_given_with_or_without_the_products_path(url: str) -> None:
    assert settings(ZOHO_API_URL=url).api_url in (
        "http://127.0.0.1:8123",
        "http://localhost:8123",
        "https://gateway.example",
    )


def test_a_self_client_without_a_user_needs_its_organisation_and_scopes_but_no_refresh_token() -> None:
    client = {name: COMPLETE[name] for name in ("ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET")}
    found = from_environment(client | {"ZOHO_SOID": "ZohoBooks.10", "ZOHO_SCOPES": "ZohoBooks.invoices.READ, a.b.C"})
    assert (found.soid, found.scopes) == ("ZohoBooks.10", ("ZohoBooks.invoices.READ", "a.b.C"))
    with pytest.raises(SettingsError, match="ZOHO_SCOPES"):
        from_environment(client | {"ZOHO_SOID": "ZohoBooks.10"})
    with pytest.raises(SettingsError, match="ZOHO_SOID"):
        settings(ZOHO_SOID="ZohoBooks.x&y", ZOHO_SCOPES="a.b.C")


def test_without_a_home_no_token_is_shared() -> None:
    assert settings_for(COMPLETE).token_cache is None


def test_a_page_is_the_way_to_ask_where_the_client_cannot() -> None:
    found = settings()
    assert (found.confirm_fallback, found.approval_wait, found.approval_url_to_model) == ("page", 45, False)
    assert found.approval_type_number_over == 1000
    assert settings(ZOHO_APPROVAL_TYPE_NUMBER_OVER="250.50").approval_type_number_over == Decimal("250.5")
    for wrong in ("-1", "1e3", "NaN", "a lot"):
        with pytest.raises(SettingsError, match="ZOHO_APPROVAL_TYPE_NUMBER_OVER"):
            settings(ZOHO_APPROVAL_TYPE_NUMBER_OVER=wrong)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a desktop")
def test_a_browser_is_expected_only_on_a_desktop_or_where_one_is_named() -> None:
    assert not settings().can_open_browser
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        assert settings(**{name: "x"}).can_open_browser


def test_every_setting_says_what_it_means() -> None:
    assert all(setting.meaning.endswith(".") for setting in SETTINGS)
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


def test_an_account_has_limits() -> None:
    with pytest.raises(SettingsError, match=r"ZOHO_PLAN\b.*\bunlimited"):
        from_environment({**COMPLETE, "ZOHO_PLAN": "unlimited"})
    sandbox = from_environment({**COMPLETE, "ZOHO_PLAN": "unlimited", "ZOHO_API_URL": "http://127.0.0.1:8000"})
    assert sandbox.plan == "unlimited"


@pytest.mark.parametrize("written", ["invoices,payments", '["invoices","payments"]', '[ "invoices" , "payments" ]'])
def test_a_list_may_be_written_as_json(written: str) -> None:
    assert settings(ZOHO_TOOLSETS=written).toolsets == ("invoices", "payments")


@pytest.mark.parametrize("written", ["[invoices]", '{"toolset": "invoices"}', "[1]", '["invoices"'])
def test_other_json_is_no_list_of_names(written: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(ZOHO_TOOLSETS=written)
    assert "ZOHO_TOOLSETS" in str(caught.value)
