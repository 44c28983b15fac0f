"""The steps from a client in Zoho's API console to a stored profile. Knows no HTML and no terminal."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import SecretStr

from zoho_mcp.connect.account import forget_token, granted, previous_login, profile_of, scopes_for
from zoho_mcp.connect.consent import belongs
from zoho_mcp.connect.organizations import fitting, organizations
from zoho_mcp.errors import AuthError, SettingsError
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.settings.profiles import DEFAULT, Profile, Profiles, settings_of, token_folder
from zoho_mcp.zoho.oauth import login

_OF_AN_ACCOUNT = ("ZOHO_SOID", "ZOHO_SCOPES", "ZOHO_ORGANIZATION_ID", "ZOHO_SANDBOX")


class SignIn:
    """The steps in order: `begin`, the person's consent at `address`, `finish`, and `choose` an organisation.

    A login can begin again at any time; earlier attempts are then no longer accepted.
    """

    def __init__(self, environment: Mapping[str, str], port: int) -> None:
        self._environment = environment
        self._profiles = Profiles.of(environment)
        self._name = environment.get("ZOHO_PROFILE", "").strip() or DEFAULT
        self._port = port
        self._attempt: login.Attempt | None = None
        self._scopes: tuple[str, ...] = ()
        self._settings: Settings | None = None
        self._organizations: list[tuple[str, str]] = []
        self._profile = self._unfinished()
        if self._profile is not None:
            self._settings = settings_of(environment, self._name)

    @property
    def lacks_organization(self) -> bool:
        """Whether a person has logged in but not chosen an organisation."""
        return self._profile is not None and not self._profile.organization_id

    @property
    def redirect_uri(self) -> str:
        """The address to register with Zoho."""
        return login.Attempt(self._port).redirect_uri

    @property
    def address(self) -> str:
        """The address where the person consents; empty when no attempt is open."""
        if self._settings is None or self._attempt is None:
            return ""
        return login.consent_url(self._settings, self._attempt, self._scopes)

    def _unfinished(self) -> Profile | None:
        """The stored profile if only its organisation is missing, for example because the page was closed too early."""
        try:
            profile = self._profiles.load(self._name)
        except SettingsError:
            return None
        return None if profile.organization_id else profile

    def begin(self, client_id: str, client_secret: str, data_centre: str, product: str, *, read_only: bool) -> None:
        """Start a new attempt. Raises SettingsError for an invalid client."""
        given = {name: value for name, value in self._environment.items() if name not in _OF_AN_ACCOUNT}
        given |= {
            "ZOHO_CLIENT_ID": client_id,
            "ZOHO_CLIENT_SECRET": client_secret,
            "ZOHO_REFRESH_TOKEN": "to come",
            "ZOHO_DC": data_centre,
            "ZOHO_PRODUCT": product,
        }
        given |= {"ZOHO_READ_ONLY": "true"} if read_only else {}
        settings = from_environment(given)
        folder = token_folder(self._environment)
        self._settings = replace(settings, refresh_token=SecretStr(""), token_cache=folder)
        self._scopes = scopes_for(settings, organization_known=False)
        self._attempt = login.Attempt(self._port)
        self._profile = None

    def expects(self, query: Mapping[str, str]) -> bool:
        """Whether a query is Zoho's answer to the open attempt."""
        return self._attempt is not None and belongs(query, self._attempt)

    async def finish(self, query: Mapping[str, str]) -> None:
        """Redeem the answer, which works once, and store the profile. Raises ZohoMcpError."""
        settings, attempt = self._settings, self._attempt
        assert settings is not None
        self._attempt = None
        self._settings = await granted(settings, query, attempt, self._scopes)
        previous = previous_login(self._environment, self._profiles, self._name)
        # Stored before anything else can fail: Zoho gives a refresh token only once.
        self._profile = self._profiles.save(profile_of(self._name, self._settings))
        self._organizations = []
        forget_token(previous, self._settings)

    async def organizations(self) -> list[tuple[str, str]]:
        """The id and name of each organisation of the account. Raises ZohoMcpError."""
        if self._profile is None or self._settings is None:
            raise AuthError("Nobody is logged in.", "Start again.")
        rows = await organizations(self._settings)
        if not rows:
            raise AuthError("This account has no organisation here.", "Check the product and the account.")
        self._organizations = [(str(row.get("organization_id", "")), str(row.get("name", ""))) for row in rows]
        return self._organizations

    async def choose(self, wanted: str) -> Profile:
        """Store and return the profile with the organisation `wanted`, one of those listed. Raises ZohoMcpError."""
        rows = self._organizations or await self.organizations()
        assert self._profile is not None
        row = fitting([{"organization_id": number, "name": name} for number, name in rows], wanted)
        chosen = replace(self._profile, organization_id=row["organization_id"], organization_name=row["name"])
        self._profile = self._profiles.save(chosen)
        return self._profile
