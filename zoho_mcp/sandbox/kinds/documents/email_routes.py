"""The two requests by which a document is mailed: what the mail would be, and sending it."""

from collections.abc import Callable

from zoho_mcp.sandbox.kinds.documents import documents, mail
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


def email_routes(
    kind: str, word: str, find: Callable[[Books, str], Record], *, draft_becomes: str, message: str
) -> list[Route]:
    """GET and POST /{kind}s/{id}/email. A mailed draft is one no longer."""

    def get_email(request: Request) -> Reply:
        document = find(request.books, request.path[f"{kind}_id"])
        return done(data=mail.content(request, document, word, document[f"{kind}_number"]))

    def send_email(request: Request) -> Reply:
        document = find(request.books, request.path[f"{kind}_id"])
        mail.send_as_asked(request, kind, document, word, document[f"{kind}_number"])
        status = draft_becomes if document["status"] == "draft" else document["status"]
        first = {"is_first_email": not document["is_emailed"]} if kind == "invoice" else {}
        documents.change(request, kind, document, status=status, is_emailed=True)
        return done(message, **first)

    path = f"/{kind}s/{{{kind}_id}}/email"
    return [
        Route("GET", path, f"{kind}s.READ", get_email, "emails.content"),
        Route("POST", path, f"{kind}s.CREATE", send_email, "invoices.emailed" if kind == "invoice" else ""),
    ]
