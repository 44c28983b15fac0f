"""Reads answers within bounds: how long they are on the wire and unpacked, whatever the sender says about them."""

import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

LARGEST_ANSWER = 20_000_000
"""Bytes of an answer, unpacked; more is not read."""
ENCODINGS = "gzip"
"""What an answer may be packed with: one layer, unpacked here piece by piece."""
_PIECE = 65_536


class AnswerTooLongError(httpx.DecodingError):
    """The answer is longer than any that Zoho has a reason to give."""


async def bound(response: httpx.Response) -> None:
    """Bound an answer before a byte of its body is read; a response hook of the one `httpx.AsyncClient`.

    Unpacks it too: httpx unpacks each chunk whole, and 20 KB of a gzip bomb are 20 MB.
    """
    packed = response.headers.pop("content-encoding", "identity").strip().lower()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    response.stream = _Bounded(response.stream, packed, response.request)


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, packed: str, request: httpx.Request) -> None:
        self._stream = stream
        self._packed = packed
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = on_the_wire = 0
        unpack = _Unpacker(self._packed, self._request)
        async for chunk in self._stream:
            on_the_wire += len(chunk)
            for piece in unpack.pieces(chunk):
                length += len(piece)
                if max(length, on_the_wire) > LARGEST_ANSWER:
                    raise AnswerTooLongError(f"more than {LARGEST_ANSWER} bytes", request=self._request)
                yield piece
        if on_the_wire:
            unpack.finish()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Unpacker:
    """Unpacks into pieces of bounded size; nothing is done for an answer that is not packed."""

    def __init__(self, packed: str, request: httpx.Request) -> None:
        self._request = request
        self._gzip = zlib.decompressobj(zlib.MAX_WBITS | 16) if packed in ("gzip", "x-gzip") else None
        if self._gzip is None and packed not in ("identity", ""):
            raise httpx.DecodingError(f"packed in a way that was not asked for: {packed[:40]}", request=request)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """The chunk unpacked. An empty piece still lets the caller count what came over the wire."""
        if self._gzip is None:
            yield chunk
            return
        full = True
        while (chunk or full) and not self._gzip.eof:
            try:
                piece = self._gzip.decompress(chunk, _PIECE)
            except zlib.error as problem:
                raise httpx.DecodingError(str(problem), request=self._request) from problem
            yield piece
            chunk, full = self._gzip.unconsumed_tail, len(piece) == _PIECE

    def finish(self) -> None:
        """Raise unless the packed answer came to its end."""
        if self._gzip is not None and not self._gzip.eof:
            raise httpx.DecodingError("a packed answer that breaks off", request=self._request)
