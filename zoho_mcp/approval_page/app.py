"""The approval page over HTTP: shows questions and stores decisions. Imported on first use.

Knows nothing of MCP: a click only stores a decision.
"""

import hmac
import secrets

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from zoho_mcp.approval_page.html import outcome_page, question_page
from zoho_mcp.errors import DeclinedError
from zoho_mcp.pages.requests import form_of, is_from, local_only, notice, refusal
from zoho_mcp.policy.approvals import Approval, Approvals

_WAIT_FOR_OUTCOME = 8.0
"""Seconds that a click waits for its call, so that the next page can usually show the outcome."""


def create_page(approvals: Approvals, port: int) -> ASGIApp:
    """The page for a server on this port of loopback."""
    page = Page(approvals, secrets.token_bytes(32))

    async def show(request: Request) -> Response:
        return await page.show(request, None)

    async def decide(request: Request) -> Response:
        # `local_only` has checked the host name, so this is the page's own origin.
        return await page.decide(request, None, f"http://{request.headers['host']}")

    async def unknown(_: Request) -> Response:
        return _not_found()

    routes = [
        Route("/{secret}", show, methods=["GET"]),
        Route("/{secret}", decide, methods=["POST"]),
        Route("/{rest:path}", unknown, methods=["GET", "POST"]),
    ]
    return local_only(Starlette(routes=routes), port)


class Page:
    """Shows questions and stores decisions, for a principal or for the person at this machine (None).

    `key` seals the forms. Servers that share it accept each other's forms.
    """

    def __init__(self, approvals: Approvals, key: bytes) -> None:
        self._approvals = approvals
        self._key = key

    async def show(self, request: Request, principal: str | None) -> Response:
        """The question whose secret is in the path, if it is this principal's; otherwise a 404."""
        try:
            approval = await self._find(request, principal)
        except DeclinedError:
            return _unavailable()
        return self._response(approval) if approval is not None else _not_found()

    async def decide(self, request: Request, principal: str | None, origin: str) -> Response:
        """Store the decision of a form that this page, at `origin`, has sent."""
        if not is_from(request, origin):
            return refusal("This request did not come from the approval page.")
        try:
            return await self._decide(request, principal)
        except DeclinedError:
            return _unavailable()

    async def _decide(self, request: Request, principal: str | None) -> Response:
        approval = await self._find(request, principal)
        if approval is None:
            return _not_found()
        form = await form_of(request)
        decision = form.get("decision")
        if not self._is_view(approval, form.get("view", "")) or decision not in ("approve", "decline"):
            return refusal("This page is out of date.")
        number, typed = approval.shown.type_number, form.get("number", "").strip()
        if decision == "approve" and approval.state == "waiting" and number and typed.casefold() != number.casefold():
            return self._response(approval, "That is not the number. Nothing was done.", typed, status=422)
        decided_now = await self._approvals.decide(approval, yes=decision == "approve")
        if decided_now and approval.callers:
            with anyio.move_on_after(_WAIT_FOR_OUTCOME):
                await approval.settled.wait()
        return RedirectResponse(request.url.path, status_code=303)

    async def _find(self, request: Request, principal: str | None) -> Approval | None:
        approval = await self._approvals.find("page", request.path_params["secret"])
        return approval if approval is not None and approval.bound.principal == principal else None

    def _response(self, approval: Approval, problem: str = "", typed: str = "", status: int = 200) -> Response:
        if approval.state != "waiting":
            return HTMLResponse(outcome_page(approval))
        left = self._approvals.remaining(approval)
        return HTMLResponse(question_page(approval, self._new_view(approval), left, problem, typed[:100]), status)

    def _new_view(self, approval: Approval) -> str:
        """A token for the form of one view of a question. No other page can know it."""
        nonce = secrets.token_urlsafe(16)
        return f"{nonce}.{self._seal(approval, nonce)}"

    def _is_view(self, approval: Approval, view: str) -> bool:
        nonce, _, seal = view.partition(".")
        return hmac.compare_digest(seal.encode(), self._seal(approval, nonce).encode())

    def _seal(self, approval: Approval, nonce: str) -> str:
        return hmac.new(self._key, f"{approval.secret} {nonce}".encode("utf-8", "replace"), "sha256").hexdigest()


def _unavailable() -> Response:
    """For when the store of approvals cannot be reached. A decision may or may not have been stored."""
    text = "Approvals are unavailable at the moment. To see whether your decision was stored, reload in a minute."
    return notice("Temporarily unavailable", text, 503)


def _not_found() -> Response:
    """The same for a wrong guess, however close, and for an approval that has ended."""
    return notice("Not found", "This approval does not exist or has expired. Opening this page changed nothing.", 404)
