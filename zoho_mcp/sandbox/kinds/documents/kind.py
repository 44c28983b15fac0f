"""What all kinds of documents with lines share: finding, listing, reading, drawing as a PDF, mailing.

How a document is written differs from kind to kind and stays in the kind's own module.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from zoho_mcp.sandbox import listing
from zoho_mcp.sandbox.kinds.documents import documents, mail
from zoho_mcp.sandbox.kinds.documents.document_pdf import KINDS as DRAWN
from zoho_mcp.sandbox.kinds.documents.document_pdf import pdf_reply, wants_pdf
from zoho_mcp.sandbox.listing import Listing
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, done


@dataclass(frozen=True)
class DocumentKind:
    """One kind of document.

    `name` is that of its records and of the key of one in a response, and stands before _id and _number: "invoice".
    `path` is "/invoices", `scope` "invoices", `tables` its file in the key tables, `word` its name in refusals.
    """

    name: str
    path: str
    scope: str
    tables: str
    word: str
    listing: Listing
    overview: Callable[[Request], list[Record]]
    """Every document with what lists filter and sort by."""
    detail: Callable[[Request, Record], Record]
    """A document as GET shows it."""
    message: str = "success"
    """What a response with one document says."""

    def find(self, books: Books, document_id: str) -> Record:
        """The document of that id. Raises ZohoError 1002."""
        found = books.get(self.name, document_id)
        if found is None:
            raise does_not_exist(self.word)
        return found

    def named(self, request: Request) -> Record:
        """The document that the request's path names."""
        return self.find(request.books, request.path[f"{self.name}_id"])

    def shown(self, request: Request, document: Record) -> Record:
        """The key and the value of one document in a response."""
        return {self.name: self.detail(request, document)}

    def respond(self, request: Request) -> Reply:
        """GET of the list; item_id looks into the lines."""
        wanted = request.query.get("item_id")

        def read() -> list[Record]:
            rows = self.overview(request)
            # Marked so that the list's own filter finds them.
            return [{**row, "item_id": wanted} for row in rows if _has_item(row, wanted)] if wanted else rows

        return listing.respond_many(request, self.listing, read)

    def get(self, request: Request) -> Reply:
        """GET of one, as JSON, or as a PDF where the kind has one and the request asks for it."""
        shown = self.shown(request, self.named(request))
        if self.name in DRAWN and wants_pdf(request):
            return pdf_reply(request, self.name, [shown[self.name]])
        return done(self.message, **shown)

    def reading_routes(self) -> list[Route]:
        """The list, and one of it."""
        one = f"{self.path}/{{{self.name}_id}}"
        return [
            Route("GET", self.path, f"{self.scope}.READ", self.respond, f"{self.tables}.list"),
            Route("GET", one, f"{self.scope}.READ", self.get, f"{self.tables}.one"),
        ]

    def email_routes(self, subject: str, *, draft_becomes: str, message: str, keys: str = "") -> list[Route]:
        """Read the mail, and send it. Mailing a draft changes its status; `subject` starts the subject line."""

        def get_email(request: Request) -> Reply:
            document = self.named(request)
            return done(data=mail.content(request, document, subject, document[f"{self.name}_number"]))

        def send_email(request: Request) -> Reply:
            document = self.named(request)
            mail.send_as_asked(request, self.name, document, subject, document[f"{self.name}_number"])
            status = draft_becomes if document["status"] == "draft" else document["status"]
            first = {"is_first_email": not document["is_emailed"]} if keys else {}
            documents.change(request, self.name, document, status=status, is_emailed=True)
            return done(message, **first)

        path = f"{self.path}/{{{self.name}_id}}/email"
        return [
            Route("GET", path, f"{self.scope}.READ", get_email, "emails.content"),
            Route("POST", path, f"{self.scope}.CREATE", send_email, keys),
        ]


def _has_item(document: Record, item_id: str) -> bool:
    lines: Iterable[Record] = document["line_items"]
    return any(line["item_id"] == item_id for line in lines)
