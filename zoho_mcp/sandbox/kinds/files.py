"""Files that belong to one record: the attachment of an invoice, the receipt of an expense."""

from base64 import b64decode, b64encode
from urllib.parse import quote

from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request

LARGEST = 10 * 1024 * 1024
"""Bytes; Zoho's pages name 5 MB, 7 MB and 10 MB (unverified)."""


def store_file(request: Request, kind: str, record_id: str, file_name: str, media_type: str, content: bytes) -> None:
    """Store the file of a record, in place of an earlier one."""
    stored = {"file_name": file_name, "content_type": media_type, "content": b64encode(content).decode()}
    request.books.put(kind, record_id, stored)


def stored_file(request: Request, kind: str, record_id: str, word: str) -> Record:
    """The file of a record; `word` names it in the refusal, whose code and status are unverified."""
    stored = request.books.get(kind, record_id)
    if stored is None:
        raise does_not_exist(word)
    return stored


def file_reply(stored: Record) -> Reply:
    """The file unchanged."""
    # A header cannot hold every character; how Zoho encodes such names is unverified.
    name = quote(stored["file_name"], safe=" ()+,;=@&'")
    return Reply(content=b64decode(stored["content"]), content_type=stored["content_type"], file_name=name)
