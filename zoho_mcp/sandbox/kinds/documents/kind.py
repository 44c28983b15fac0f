"""The declaration that all kinds of documents with lines share, and the routes that follow from it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from zoho_mcp.sandbox.kinds import settings
from zoho_mcp.sandbox.kinds.contacts.contacts import CONTACT
from zoho_mcp.sandbox.kinds.documents import documents, mail, views
from zoho_mcp.sandbox.kinds.documents.document_pdf import pdf_reply, wants_pdf
from zoho_mcp.sandbox.kinds.documents.numbering import Numbering
from zoho_mcp.sandbox.kinds.record_kind import Action, RecordKind, Router, do_nothing
from zoho_mcp.sandbox.listing import Holds, equals
from zoho_mcp.sandbox.wire.errors import refused
from zoho_mcp.sandbox.wire.fields import custom_fields, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import BOTH, Reply, Request


@dataclass(frozen=True)
class Transition:
    """A route that changes the status, of documents in one of the statuses `changes`.

    Documents in another status stay unchanged and the request succeeds. With a `refusal`, that is so only for those in
    `keeps`, and the rest are refused. `effect` runs before a change; it may refuse, or set other fields.
    """

    path: str
    status: str
    message: str
    changes: Collection[str]
    keeps: Collection[str] = ()
    refusal: str = ""
    effect: Action | Callable[[Request, Record], None] = do_nothing
    products: tuple[str, ...] = BOTH


@dataclass(frozen=True)
class Mail:
    """How a kind of document is mailed. `subject` starts the subject line."""

    subject: str
    message: str
    draft_becomes: str = "sent"
    on_create: bool = False
    """Whether a create with send=true mails the new document."""
    shape: str = ""


def stored_status(request: Request, document: Record) -> str:
    """The status in the record, which ignores other records and today's date."""
    return str(document["status"])


def sent_custom_fields(request: Request, was: list[Record]) -> list[Record]:
    """The custom fields of the body, else those of the document."""
    return custom_fields(request.body, "custom_fields", was)


@dataclass(frozen=True, kw_only=True)
class DocumentKind(RecordKind):
    """One kind of document. `write` sets the fields of this kind, after the customer and before the lines."""

    derive: Callable[[Request, str | None], Callable[[Record], Record]]
    """For one customer's documents, or all: gives a document's values that follow from other records and the date."""
    add_details: Callable[[Request, Record], Record]
    """Values that a single document has besides those in the list."""
    saved: str = "saved"
    numbering: Numbering | None = None
    pdf_title: str = ""
    template_type: str = "invoice"
    custom_fields: Callable[[Request, list[Record]], list[Record]] = sent_custom_fields
    """The custom fields after a write, from those before."""
    after_write: Callable[[Request, Record], None] = do_nothing
    """Runs when all fields and totals are set, before the document is saved."""
    line_filters: Mapping[str, tuple[str, Holds]] = field(default_factory=lambda: {"item_id": ("item_id", equals)})
    """Query parameters that filter by the lines: the key of a line, and the comparison with its value."""
    status: Callable[[Request, Record], str] = stored_status
    """The status that transitions depend on."""
    transitions: tuple[Transition, ...] = ()
    mail: Mail | None = None

    def rows(self, request: Request) -> list[Record]:
        """Every document whose lines match the query, with the values that lists filter and sort by."""
        people = {contact["contact_id"]: contact for contact in request.books.all("contact")}
        derived = self.derive(request, None)
        chosen = request.books.all(self.name)
        for name, (key, holds) in self.line_filters.items():
            if want := request.query.get(name, "").casefold():
                chosen = [
                    document for document in chosen if any(holds(line[key], want) for line in document["line_items"])
                ]
        return [
            {**document, **views.common(request, document, people[document["customer_id"]]), **derived(document)}
            for document in chosen
        ]

    def detail(self, request: Request, record: Record) -> Record:
        """A document as GET shows it."""
        contact = CONTACT.find(request.books, record["customer_id"])
        derived = self.derive(request, record["customer_id"])(record)
        shown = {**record, **views.common(request, record, contact), **derived}
        shown |= views.extras(request, record, contact, self.template_type)
        return shown | self.add_details(request, shown)

    def initial(self, request: Request) -> Record:
        """A new document with its initial values. Not saved."""
        return {"status": "draft", **documents.new_document(request), **super().initial(request)}

    def fill(self, request: Request, record: Record) -> None:
        """Set what the body names; line_items replaces all lines. With send=true, a new document is mailed."""
        is_new = "last_modified_time" not in record
        if self.numbering is not None and not is_new:
            self.numbering.change(request, self.name, record)
        documents.write_customer(request, record)
        for key, (read, default) in {**documents.FIELDS, **self.fields}.items():
            record[key] = read(request.body, key, record.get(key, default))
        record["custom_fields"] = self.custom_fields(request, record["custom_fields"])
        wanted = text(request.body, "template_id", record["template_id"])
        record["template_id"] = settings.template(request.books, wanted, self.template_type)["template_id"]
        self.write(request, record)
        documents.write_pricing(request, record, self.word)
        self.after_write(request, record)
        if self.numbering is not None and is_new:
            record[self.numbering.key] = self.numbering.choose(request, self.name)
        if is_new and self.mail is not None and self.mail.on_create and request.wants("send"):
            self.send_to_customer(request, record)
            record |= {"status": "sent", "is_emailed": True}

    def get_one(self, request: Request) -> Reply:
        """GET of one document, as a PDF where the kind has one and the request asks for it."""
        if self.pdf_title and wants_pdf(request):
            return self.pdf(request, [self.named(request)])
        return super().get_one(request)

    def pdf(self, request: Request, chosen: list[Record]) -> Reply:
        """These documents as one PDF file."""
        return pdf_reply(request, self.name, self.pdf_title, [self.detail(request, document) for document in chosen])

    def mail_content(self, request: Request, document: Record) -> Record:
        """The mail with a document as it would be sent. Only for kinds with `mail`."""
        assert self.mail is not None
        assert self.numbering is not None
        return mail.content(request, document, self.mail.subject, document[self.numbering.key])

    def send_to_customer(self, request: Request, document: Record) -> None:
        """Mail a document to its contact persons. Refused without an address."""
        mail.send_to_customer(request, self.name, document, self.mail_content(request, document))

    def router(self) -> Router:
        """A router with the routes that follow from the declaration."""
        router = super().router()
        for transition in self.transitions:
            self._add_transition(router, transition)
        if self.mail is not None:
            self._add_mail(router, self.mail)
        return router

    def _add_transition(self, router: Router, transition: Transition) -> None:
        @router.on_one("POST", transition.path, transition.message, products=transition.products)
        def change_status(request: Request, document: Record) -> None:
            status = self.status(request, document)
            if status in transition.changes:
                transition.effect(request, document)
                self.save(request, document, status=transition.status)
            elif transition.refusal and status not in transition.keeps:
                raise refused(transition.refusal)

    def _add_mail(self, router: Router, mailed: Mail) -> None:
        @router.on_one("GET", "/email", shape="emails.content")
        def get_email(request: Request, document: Record) -> Record:
            return {"data": self.mail_content(request, document)}

        @router.on_one("POST", "/email", mailed.message, mailed.shape)
        def send_email(request: Request, document: Record) -> Record:
            mail.send(request, self.name, document[self.id_key], request.body, self.mail_content(request, document))
            status = mailed.draft_becomes if document["status"] == "draft" else document["status"]
            first = {"is_first_email": not document["is_emailed"]} if mailed.shape else {}
            self.save(request, document, status=status, is_emailed=True)
            return first
