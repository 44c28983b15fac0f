"""Files of records: returned as resource links, and uploaded from the upload folder. The entry describes the file."""

import mimetypes
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import mcp_types as types

from zoho_mcp.errors import NotFoundError
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.resources import uris
from zoho_mcp.server.tools import local_files
from zoho_mcp.specs.entry import File
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import fill, one_line, visible

Answer = tuple[dict[str, Any], tuple[types.ResourceLink, ...]]
Arguments = Mapping[str, Any]
SAVE = "save"
"""The argument that saves a file in the download folder."""


async def download(app: ServerContext, operation: Operation, arguments: Arguments) -> Answer:
    """A link to the file, whose bytes never pass through the model. With `save` it is also written to a folder.

    Unless a record shows that the file exists, it is fetched, so that the link works. Raises NotFoundError.
    """
    file = operation.answer.file
    assert file is not None
    record = await app.api.record(file.record, arguments) if file.record else {}
    own_name = fill(file.name, lambda field: str(record.get(field) or ""))
    name = visible(own_name or file.title)
    content = b""
    if arguments.get(SAVE) or not (record and own_name):
        content = await _fetch(app, operation, arguments, file)
    media_type = file.media_type
    if media_type == "*/*":
        media_type = mimetypes.guess_type(name)[0] or local_files.media_type_of(content)
    uri = app.base_uri + uris.expanded(file.at, arguments)
    answer = {"uri": uri, "name": name, "mime_type": media_type}
    if arguments.get(SAVE):
        answer["saved_as"] = str(await local_files.save(app.settings.download_dir, name, content))
    link = types.ResourceLink(uri=uri, name=name, mime_type=media_type, description=operation.description)
    return answer, (link,)


async def _fetch(app: ServerContext, operation: Operation, arguments: Arguments, file: File) -> bytes:
    try:
        return cast(bytes, await app.api.send(app.api.request(operation, arguments)))
    except NotFoundError as problem:
        raise NotFoundError(f"{file.title}: there is none. {one_line(problem.what)}", "Tell the user so.") from problem


async def upload(app: ServerContext, operation: Operation, arguments: Arguments) -> Answer:
    """Upload a file from the upload folder. Raises ArgumentsError if it may not be sent."""
    field = operation.http.file
    file = await local_files.upload(operation.name, field, app.settings.upload_dir, arguments["file_path"])
    request = replace(app.api.request(operation, arguments), upload=file)
    return cast("dict[str, Any]", await app.api.send(request)), ()
