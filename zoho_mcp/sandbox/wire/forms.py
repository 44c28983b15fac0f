"""Bodies of requests: JSON, the older form field JSONString, and the files of a multipart form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from zoho_mcp.sandbox.wire import json_wire
from zoho_mcp.sandbox.wire.errors import ZohoError
from zoho_mcp.sandbox.wire.json_wire import Record


@dataclass(frozen=True)
class Upload:
    """A file that came in a multipart form."""

    file_name: str
    content_type: str
    content: bytes

    @property
    def plain_name(self) -> str:
        """The name without folders. Bytes that are not UTF-8 came as surrogates, which cannot be encoded again."""
        name = self.file_name.encode("utf-8", "replace").decode()
        return name.replace("\\", "/").rpartition("/")[2].strip()


@dataclass(frozen=True)
class Form:
    """The fields and files of a form."""

    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, Upload] = field(default_factory=dict[str, Upload])


def read_form(content_type: str, raw: bytes) -> Form:
    """The form in a body; empty if the body is not a form."""
    kind = content_type.split(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return Form(dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)))
    if kind == "multipart/form-data":
        return _multipart(content_type, raw)
    return Form()


def read_body(content_type: str, raw: bytes) -> tuple[Record, Mapping[str, Upload]]:
    """The request's JSON object, {} when there is none, and its files."""
    if content_type.split(";")[0].strip().lower() == "application/json":
        return _object(raw), {}
    form = read_form(content_type, raw)
    if "JSONString" in form.fields:
        return _object(form.fields["JSONString"].encode()), form.files
    return dict(form.fields) if form.files else {}, form.files


def _object(raw: bytes) -> Record:
    if not raw.strip():
        return {}
    try:
        record = json_wire.as_record(json_wire.load(raw))
        if b"\\u" in raw:
            # Half a surrogate pair is a legal JSON escape, but cannot be stored as text.
            json.dumps(record, ensure_ascii=False, default=str).encode()
    except ValueError:
        record = None
    if record is None:
        raise ZohoError(4, "Invalid value passed for JSONString")  # the code is unverified
    return record


def _multipart(content_type: str, raw: bytes) -> Form:
    # Imported here: only uploads need the mail parser, and importing it slows every start.
    from email import message_from_bytes
    from email.policy import HTTP

    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + raw, policy=HTTP)
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", "", header="content-disposition"))
        content = part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
        file_name = part.get_filename()
        if file_name is None:
            fields[name] = data.decode("utf-8", "replace")
        else:
            files[name] = Upload(file_name, part.get_content_type(), data)
    return Form(fields, files)
