"""The numbers on documents: INV-000001 and so on, from a sequence or given by the caller."""

from dataclasses import dataclass

from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value
from zoho_mcp.sandbox.wire.fields import text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

LIMIT = 100


@dataclass(frozen=True)
class Numbering:
    """How a kind of document is numbered. A caller's number needs ignore_auto_number_generation=true."""

    key: str
    prefix: str
    taken: tuple[int, str]
    """Code and message of the refusal of a number that another document has."""
    word: str = ""
    """Names the document where a number without that parameter is refused; "" for kinds that ignore such a number."""

    def choose(self, request: Request, kind: str) -> str:
        """The number of a new document: the caller's number, else the next free number of the sequence."""
        if request.wants("ignore_auto_number_generation"):
            number = self._given(request)
            if not number:
                raise invalid_value(self.key)
            self._check_free(request, kind, number)
            return number
        if self.word and self._given(request):
            # Zoho's users report that auto-numbering refuses a number; the code is unverified.
            raise ZohoError(
                4097, f"{self.word} number cannot be given while auto-number generation is on. "
                "Pass ignore_auto_number_generation=true to use your own number."
            )  # fmt: skip
        while True:
            number = f"{self.prefix}{request.books.next_number(kind):06d}"
            if not request.books.labelled(kind, number):
                return number

    def change(self, request: Request, kind: str, document: Record) -> None:
        """Set the number that a PUT gives, if it differs."""
        if self.word or request.wants("ignore_auto_number_generation"):
            number = self._given(request)
            if number and number != document[self.key]:
                self._check_free(request, kind, number, document[f"{kind}_id"])
                document[self.key] = number

    def _given(self, request: Request) -> str:
        return text(request.body, self.key, limit=LIMIT).strip()

    def _check_free(self, request: Request, kind: str, number: str, own_id: str = "") -> None:
        if any(document[f"{kind}_id"] != own_id for document in request.books.labelled(kind, number)):
            raise ZohoError(*self.taken)
