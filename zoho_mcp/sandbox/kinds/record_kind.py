"""The declaration that all kinds of records share, and the routes that follow from it."""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import TypeAlias

from zoho_mcp.sandbox.listing import Listing, respond_many
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist
from zoho_mcp.sandbox.wire.fields import Fields, Reader
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import BOTH, Reply, Request, Route, created, done

Handler: TypeAlias = Callable[[Request], Reply]
Action: TypeAlias = Callable[[Request, Record], Mapping[str, object] | Reply | None]
"""Handles a request whose path names this record. Returns the keys of the response besides code and message, or the
whole response."""
PERMISSIONS = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "DELETE": "DELETE"}


def no_values(request: Request) -> Record:
    """The initial values of a kind that has none of its own."""
    return {}


def do_nothing(request: Request, record: Record) -> None:
    """The check of a kind that refuses nothing."""


def unchanged(request: Request, record: Record) -> Record:
    """The view of a kind whose records are shown as they are stored."""
    return record


@dataclass(frozen=True, kw_only=True)
class RecordKind:
    """One kind of record. A message that is "" means that Zoho, or the sandbox, has no such route."""

    name: str
    """In the store, before `_id`, and as the key of one record in a response: "invoice"."""
    path: str
    """The path of the list: "/invoices"."""
    scope: str
    tables: str
    """The file of its shapes in the key tables."""
    word: str
    """Its name in refusals: "Credit Note"."""
    code: int = 1002
    """Zoho's code for a record that does not exist."""
    refusal: tuple[int, str, int] | None = None
    """Code, message and HTTP status for a record that does not exist, where Zoho's words differ."""
    key: str = ""
    """The key of one record in a response, if it is not the name."""
    saved: str = "one"
    """The shape of a response to a write."""
    products: tuple[str, ...] = BOTH
    listing: Listing | None = None
    read: str = "success"
    created: str = ""
    updated: str = ""
    deleted: str = ""
    has_activity: bool = False
    """Whether the record can be marked as active and inactive."""
    fields: Fields = field(default_factory=dict[str, tuple[Reader, object]])
    """The fields that are read and stored as they are."""
    new: Callable[[Request], Record] = no_values
    """The other initial values of a new record."""
    write: Callable[[Request, Record], None] = do_nothing
    """Sets the other fields, after `fields`."""
    view: Callable[[Request, Record], Record] = unchanged
    """A record as GET shows it."""
    overview: Callable[[Request], list[Record]] | None = None
    """Every record with the values that lists filter and sort by, if those differ from the views of all records."""
    before_change: Callable[[Request, Record], None] = do_nothing
    """Runs before the body is read; may refuse the change."""
    before_delete: Callable[[Request, Record], None] = do_nothing
    """May refuse a delete, or take back what depends on the record."""

    @property
    def id_key(self) -> str:
        """The key of the record's id: "invoice_id"."""
        return f"{self.name}_id"

    def find(self, books: Books, record_id: str, word: str = "") -> Record:
        """The record of that id; `word` names it in the refusal. Raises ZohoError."""
        record = books.get(self.name, record_id)
        if record is None:
            raise ZohoError(*self.refusal) if self.refusal else does_not_exist(word or self.word, self.code)
        return record

    def named(self, request: Request) -> Record:
        """The record that the request's path names."""
        return self.find(request.books, request.path[self.id_key])

    def save(self, request: Request, record: Record, **changes: object) -> None:
        """Save a record with these fields changed."""
        record |= changes
        touch(record, request.now)
        request.books.put(self.name, record[self.id_key], record)

    def rows(self, request: Request) -> list[Record]:
        """Every record with the values that lists filter and sort by."""
        if self.overview is not None:
            return self.overview(request)
        return [self.view(request, record) for record in request.books.all(self.name)]

    def detail(self, request: Request, record: Record) -> Record:
        """A record as GET shows it."""
        return self.view(request, record)

    def make(self, request: Request, **initial: object) -> Record:
        """Create and save the record that the body describes; `initial` are values that the body may change."""
        record = self.initial(request) | initial
        self.fill(request, record)
        self.save(request, record)
        return record

    def initial(self, request: Request) -> Record:
        """A new record with its initial values. Not saved."""
        record: Record = {self.id_key: request.books.new_id(), "created_time": request.stamp}
        return record | {key: copy(value) for key, (_, value) in self.fields.items()} | self.new(request)

    def read_fields(self, request: Request, record: Record) -> None:
        """Set the fields that the body names, as `fields` says."""
        for key, (read, initial) in self.fields.items():
            record[key] = read(request.body, key, record.get(key, initial))

    def change(self, request: Request, record: Record) -> None:
        """Change what the body names and save it; the rest stays."""
        self.before_change(request, record)
        self.fill(request, record)
        self.save(request, record)

    def fill(self, request: Request, record: Record) -> None:
        """Set what the body names, in a new or an existing record. The caller saves it."""
        self.read_fields(request, record)
        self.write(request, record)

    def get_one(self, request: Request) -> Reply:
        """GET of one record."""
        return done(self.read, **self.shown(request, self.named(request)))

    def shown(self, request: Request, record: Record) -> Record:
        """The key and the value of one record in a response."""
        return {self.key or self.name: self.detail(request, record)}

    def router(self) -> "Router":
        """A router with the routes that follow from the declaration."""
        router = Router(self)
        if (listing := self.listing) is not None:
            router.add("GET", "", lambda request: respond_many(request, listing, lambda: self.rows(request)), "list")
        router.add("GET", router.one, self.get_one, "one")
        if self.created:
            router.add("POST", "", self._create, self.saved)
        if self.updated:
            router.on_one("PUT", "", self.updated, self.saved)(self._update)
        if self.deleted:
            router.on_one("DELETE", "", self.deleted)(self._delete)
        if self.has_activity:
            for status in ("active", "inactive"):
                router.change("POST", f"/{status}", f"The {self.name} has been marked as {status}.", status=status)
        return router

    def _create(self, request: Request) -> Reply:
        record = self.make(request)
        return created(self.created, f"{self.path}/{record[self.id_key]}", **self.shown(request, record))

    def _update(self, request: Request, record: Record) -> Record:
        self.change(request, record)
        return self.shown(request, record)

    def _delete(self, request: Request, record: Record) -> None:
        self.before_delete(request, record)
        request.books.drop(self.name, record[self.id_key])


class Router:
    """The routes of one kind of record. Paths are below the kind's, shapes in its file of the key tables."""

    def __init__(self, kind: RecordKind) -> None:
        self.kind = kind
        self.one = f"/{{{kind.id_key}}}"
        self.routes: list[Route] = []

    def add(self, method: str, path: str, handler: Handler, shape: str = "", *, products: tuple[str, ...] = ()) -> None:
        """Add a route. `shape` names a file of the key tables only if it is another one: "emails.content"."""
        keys = f"{self.kind.tables}.{shape}" if shape and "." not in shape else shape
        scope = f"{self.kind.scope}.{PERMISSIONS[method]}"
        where = self.kind.path + path
        self.routes.append(Route(method, where, scope, handler, keys, products or self.kind.products))

    def on_all(
        self, method: str, path: str, shape: str = "", *, products: tuple[str, ...] = ()
    ) -> Callable[[Handler], Handler]:
        """Register the handler of a path that names no record."""

        def register(handler: Handler) -> Handler:
            self.add(method, path, handler, shape, products=products)
            return handler

        return register

    def on_one(
        self, method: str, path: str, message: str = "success", shape: str = "", *, products: tuple[str, ...] = ()
    ) -> Callable[[Action], Action]:
        """Register the handler of a path that names a record, and the message of the response."""

        def register(action: Action) -> Action:
            def handle(request: Request) -> Reply:
                result = action(request, self.kind.named(request))
                return result if isinstance(result, Reply) else done(message, **(result or {}))

            self.add(method, self.one + path, handle, shape, products=products)
            return action

        return register

    def change(self, method: str, path: str, message: str, **changes: object) -> None:
        """Add a route that sets these fields of the record and nothing else."""
        self.on_one(method, path, message)(lambda request, record: self.kind.save(request, record, **changes))
