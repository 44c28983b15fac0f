"""Confirmation by two calls, for servers whose clients cannot be asked: the first returns a preview and a token.

Prevents calls by accident or in one step. Does not prevent a model from making both calls by itself.
"""

from zoho_mcp.server.confirmation.request import ConfirmationRequest, Consent, Snapshot
from zoho_mcp.server.tool_call import TOKEN


async def by_token(request: ConfirmationRequest, snapshot: Snapshot) -> Consent:
    """Consent if the call has the token of its own preview. Otherwise raises DeclinedError with the preview and a
    token.
    """
    approvals = request.app.approvals
    note = ""
    if token := request.call.token:
        approval = await approvals.find("token", token)
        decided = approval is not None and await approvals.decide(approval, yes=True)
        spent = await approvals.spend(approval, snapshot.binding) if approval is not None and decided else "gone"
        if spent == "spent":
            return Consent("token", before=snapshot.before)
        if approval is None or spent == "gone":
            raise request.refusal(
                f"that {TOKEN} was already used, is more than five minutes old, or was never issued.",
                "Call again without it for a new preview.",
                kind="expired",
            )
        if (approval.bound.call, approval.bound.principal) != (snapshot.binding.call, snapshot.binding.principal):
            raise request.refusal(
                f"that {TOKEN} belongs to another call.",
                "Call again without it for a preview of this one.",
                kind="expired",
            )
        note = "the record changed since the last preview, so "
    new = await approvals.ask("token", snapshot.binding)
    raise request.refusal(
        f"{note}the user must approve this first.\n{snapshot.preview.text()}\n",
        "Show the user this preview. Only if they agree, call again within five minutes with the same arguments and "
        f'{TOKEN}: "{new.secret}". It is valid once.',
        kind="waiting",
    )
