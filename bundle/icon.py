"""Draws icon.png, 512 by 512, from a few shapes and with nothing but the standard library: `python bundle/icon.py`."""

import math
import struct
import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

SIZE = 512
ICON = Path(__file__).with_name("icon.png")
Colour = tuple[float, float, float]
Shape = Callable[[float, float], float]
"""The distance of a point to a shape's edge, negative inside."""


def box(left: float, top: float, right: float, bottom: float, radius: float) -> Shape:
    """A rectangle with round corners."""
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    half_x, half_y = (right - left) / 2 - radius, (bottom - top) / 2 - radius

    def distance(x: float, y: float) -> float:
        over_x, over_y = abs(x - middle_x) - half_x, abs(y - middle_y) - half_y
        return math.hypot(max(over_x, 0), max(over_y, 0)) + min(max(over_x, over_y), 0) - radius

    return distance


def line(points: Iterable[tuple[float, float]], width: float) -> Shape:
    """A line through points, with round ends."""
    corners = list(points)

    def distance(x: float, y: float) -> float:
        return min(_to_segment(x, y, a, b) for a, b in pairwise(corners)) - width / 2

    return distance


def _to_segment(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    share = ((x - a[0]) * along_x + (y - a[1]) * along_y) / (along_x**2 + along_y**2)
    share = min(max(share, 0.0), 1.0)
    return math.hypot(x - a[0] - share * along_x, y - a[1] - share * along_y)


SHEET: Colour = (255, 255, 255)
INK: Colour = (148, 163, 184)
GREEN: Colour = (22, 163, 74)
LAYERS: tuple[tuple[Shape, Colour], ...] = (
    (box(16, 16, 496, 496, 108), (30, 64, 175)),
    (box(128, 92, 384, 420, 26), SHEET),
    (box(168, 144, 280, 168, 12), (30, 64, 175)),
    (box(168, 204, 344, 222, 9), INK),
    (box(168, 248, 344, 266, 9), INK),
    (box(168, 292, 256, 310, 9), INK),
    (box(274, 274, 454, 454, 90), SHEET),
    (box(288, 288, 440, 440, 76), GREEN),
    (line(((328, 366), (354, 392), (402, 338)), 22), SHEET),
)


def pixels() -> bytes:
    """Rows of RGBA, each behind its filter byte."""
    rows = bytearray()
    for y in range(SIZE):
        rows.append(0)
        for x in range(SIZE):
            rows += _pixel(x + 0.5, y + 0.5)
    return bytes(rows)


def _pixel(x: float, y: float) -> bytes:
    red = green = blue = alpha = 0.0
    for shape, colour in LAYERS:
        cover = min(max(0.5 - shape(x, y), 0.0), 1.0)
        if cover and not alpha:
            (red, green, blue), alpha = colour, cover
        elif cover:
            red, green, blue = (old + (new - old) * cover for old, new in zip((red, green, blue), colour, strict=True))
            alpha = max(alpha, cover)
    return bytes((round(red), round(green), round(blue), round(alpha * 255))) if alpha else b"\0\0\0\0"


def png(rows: bytes) -> bytes:
    """The file for rows of pixels."""
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


if __name__ == "__main__":
    ICON.write_bytes(png(pixels()))
