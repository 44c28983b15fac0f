"""The icon of the server, shown by clients: a sheet of paper with three lines."""

from urllib.parse import quote

import mcp_types as types

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">'
    '<rect width="48" height="48" rx="10" fill="#1f6f54"/><path d="M14 8h20v32l-5-3-5 3-5-3-5 3z" fill="#fff"/>'
    '<path d="M18 16h12M18 22h12M18 28h7" stroke="#1f6f54" stroke-width="2.5"/></svg>'
)
ICON = types.Icon(src="data:image/svg+xml," + quote(_SVG, safe=" ='/:"), mime_type="image/svg+xml", sizes=["any"])
"""As a data URI, so that no client has to fetch it and nobody learns who views it."""
