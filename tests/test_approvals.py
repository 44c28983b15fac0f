"""Questions and answers by themselves: whom a yes serves, and how often."""

import pytest
from approving import a_desk
from conftest import Clock, Zoho, kind_of
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from test_confirm import sent_invoice, status

from zoho_mcp.policy.approvals import LIFETIME, Approvals, Binding

pytestmark = pytest.mark.anyio

ANN, BOB, NOBODY = Binding("void", "1", "Ann"), Binding("void", "1", "Bob"), Binding("void", "1")


async def test_one_users_yes_never_serves_another() -> None:
    approvals = Approvals()
    anns = await approvals.ask("page", ANN)
    for other in (BOB, NOBODY):
        assert await approvals.ask("page", other) is not anns
        assert await approvals.live("page", other) is not anns
    assert await approvals.decide(anns, yes=True)
    assert await approvals.spend(anns, BOB) == "changed"
    assert await approvals.spend(anns, ANN) == "gone"  # tried for another, it is gone


async def test_a_yes_is_spent_once() -> None:
    approvals = Approvals()
    asked = await approvals.ask("page", ANN)
    assert await approvals.spend(asked, ANN) == "gone"
    assert await approvals.decide(asked, yes=True)
    assert not await approvals.decide(asked, yes=False)
    assert [await approvals.spend(asked, ANN) for _ in range(2)] == ["spent", "gone"]
    assert await approvals.ask("page", ANN) is not asked


async def test_a_secret_of_one_way_opens_no_other() -> None:
    approvals = Approvals()
    asked = await approvals.ask("elicitation", ANN)
    assert await approvals.find("elicitation", asked.secret) is asked
    assert await approvals.find("page", asked.secret) is None
    assert await approvals.find("token", asked.secret) is None
    assert asked.secret not in repr(asked)


async def test_old_questions_are_forgotten() -> None:
    clock = Clock()
    approvals = Approvals(lambda: clock().timestamp())
    asked = await approvals.ask("page", ANN)
    clock.advance(seconds=LIFETIME)
    assert asked is await approvals.find("page", asked.secret)
    assert (asked.state, approvals.remaining(asked)) == ("expired", 0)
    clock.advance(seconds=LIFETIME)
    assert await approvals.find("page", asked.secret) is None


async def test_who_is_logged_in_from_elsewhere_is_not_who_sits_before_the_servers_browser(zoho: Zoho) -> None:
    user = AuthenticatedUser(AccessToken(token="t", client_id="ann", scopes=[]))
    async with a_desk() as desk, zoho.client(can_ask=False, browser=desk.open, can_open_browser=True) as client:
        invoice = await sent_invoice(client)
        reset = auth_context_var.set(user)
        refused = await client.call_tool("void_invoice", {"invoice_id": invoice})
        auth_context_var.reset(reset)
        assert kind_of(refused) == "could_not_ask"
        assert desk.addresses == []
        assert await status(client, invoice) == "sent"
