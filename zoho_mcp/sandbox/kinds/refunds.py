"""The refunds of payments and of credit notes, in one store: a refund is a record of kind "refund" with a source."""

from collections.abc import Callable
from dataclasses import dataclass

from zoho_mcp.sandbox.balances import rest
from zoho_mcp.sandbox.kinds.record_kind import RecordKind, Router
from zoho_mcp.sandbox.listing import Listing, respond
from zoho_mcp.sandbox.pricing import ZERO, rounded
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import does_not_exist, invalid_value, refused
from zoho_mcp.sandbox.wire.fields import day, number, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request


@dataclass(frozen=True, kw_only=True)
class RefundKind:
    """The refunds of one kind of record. A message that is "" means that Zoho has no such route."""

    source: RecordKind
    path_id: str
    """The id of a refund in a path, which differs from its key in the records for payments."""
    listing: Listing
    shown: Callable[[Record], Record]
    """The key and the value of one refund in a response."""
    listed: str
    read: str
    created: str
    deleted: str
    too_much: str
    updated: str = ""
    new: Callable[[Request, Record], Record]
    """The initial values of a refund of that source; may refuse it."""
    mode: Callable[[Record, str, str], str]
    """Reads the refund_mode of a body; the arguments are those of fields.text."""

    @property
    def id_key(self) -> str:
        """The key of a refund's id: "payment_refund_id"."""
        return f"{self.source.name}_refund_id"

    def router(self) -> Router:
        """A router with the routes below one source."""
        router = Router(self.source)
        one = f"/refunds/{{{self.path_id}}}"
        router.on_one("GET", "/refunds", shape="refunds")(self._list)
        router.on_one("GET", one, self.read, "refund")(self._get)
        router.on_one("POST", "/refunds", self.created, "refund")(self._create)
        if self.updated:
            router.on_one("PUT", one, self.updated, "refund")(self._update)
        router.on_one("DELETE", one, self.deleted)(self._delete)
        return router

    def _list(self, request: Request, source: Record) -> Reply:
        reply = respond(request, self.listing, refund_rows(request.books, self.source.name, source))
        return Reply(self.listed, reply.keys)

    def _get(self, request: Request, source: Record) -> Record:
        return self.shown(refund_row(self.source.name, source, self._named(request, source)))

    def _create(self, request: Request, source: Record) -> Record:
        initial = self.new(request, source)
        number(request.body, "amount")
        refund: Record = {
            self.id_key: request.books.new_id(), "source_kind": self.source.name,
            "source_id": source[self.source.id_key], "customer_id": source["customer_id"],
            # Zoho's documentation of credit notes requires a date; that it is today's otherwise is unverified.
            "date": request.today, "refund_mode": "cash", "exchange_rate": source["exchange_rate"],
            "created_time": request.stamp, **initial,
        }  # fmt: skip
        return self._write(request, source, refund)

    def _update(self, request: Request, source: Record) -> Record:
        return self._write(request, source, self._named(request, source))

    def _delete(self, request: Request, source: Record) -> None:
        request.books.drop("refund", self._named(request, source)[self.id_key])
        self.source.save(request, source)

    def _named(self, request: Request, source: Record) -> Record:
        for refund in refunds_of(request.books, self.source.name, source):
            if refund[self.id_key] == request.path[self.path_id]:
                return refund
        raise does_not_exist("Refund")

    def _write(self, request: Request, source: Record, refund: Record) -> Record:
        body, was = request.body, refund.get("amount", ZERO)
        refund["amount"] = number(body, "amount", was)
        if refund["amount"] <= 0 or refund["amount"] != rounded(refund["amount"], source["price_precision"]):
            raise invalid_value("amount")
        if refund["amount"] > rest(request.books, self.source.name, source) + was:
            raise refused(self.too_much)
        refund["date"] = day(body, "date", refund["date"])
        refund["refund_mode"] = self.mode(body, "refund_mode", refund["refund_mode"])
        refund["reference_number"] = text(body, "reference_number", str(refund.get("reference_number", "")), 100)
        refund["description"] = text(body, "description", str(refund.get("description", "")), 500)
        refund["exchange_rate"] = number(body, "exchange_rate", refund["exchange_rate"])
        if refund["exchange_rate"] <= 0:
            raise invalid_value("exchange_rate")
        account_id = text(body, "from_account_id", str(refund.get("from_account_id", "")))
        # Zoho Invoice has no accounts in its API, so none is required; Books requires one. Both are unverified.
        is_missing = not account_id and request.product == "books"
        if is_missing or (account_id and request.books.get("account", account_id) is None):
            raise invalid_value("from_account_id")
        refund["from_account_id"] = account_id
        touch(refund, request.now)
        request.books.put("refund", refund[self.id_key], refund)
        self.source.save(request, source)
        return self.shown(refund_row(self.source.name, source, refund))


def refunds_of(books: Books, kind: str, source: Record) -> list[Record]:
    """The refunds of a payment or credit note, oldest first."""
    refunds = books.of_customer("refund", source["customer_id"])
    return [refund for refund in refunds if refund["source_id"] == source[f"{kind}_id"]]


def refund_rows(books: Books, kind: str, source: Record) -> list[Record]:
    """The refunds of a payment or credit note as Zoho shows them."""
    return [refund_row(kind, source, refund) for refund in refunds_of(books, kind, source)]


def refund_row(kind: str, source: Record, refund: Record) -> Record:
    """A refund as Zoho shows it."""
    names = (f"{kind}_id", f"{kind}_number", "customer_name")
    return {
        **refund,
        **{name: source[name] for name in names},
        "amount_fcy": refund["amount"],
        "amount_bcy": rounded(refund["amount"] * refund["exchange_rate"]),
    }
