"""Writes small PDF files: pages of text and rules in Helvetica. Knows nothing of invoices."""

from dataclasses import dataclass, field

WIDTH, HEIGHT = 595, 842  # A4, in points
# Helvetica's widths in thousandths of the size, from the blank to the tilde; bold is near enough to it.
WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip
LETTER = 556


@dataclass
class Page:
    """One page; coordinates are points from its lower left corner."""

    commands: list[str] = field(default_factory=list[str])

    def text(self, x: float, y: float, words: str, size: float = 10, *, bold: bool = False) -> None:
        """Write a line of text that starts at x."""
        font = "/F2" if bold else "/F1"
        self.commands.append(f"BT {font} {size:g} Tf {x:.2f} {y:.2f} Td ({_escaped(words)}) Tj ET")

    def right(self, x: float, y: float, words: str, size: float = 10, *, bold: bool = False) -> None:
        """Write a line of text that ends at x."""
        places = [ord(letter) - ord(" ") for letter in words]
        width = sum(WIDTHS[place] if 0 <= place < len(WIDTHS) else LETTER for place in places) * size / 1000
        self.text(x - width, y, words, size, bold=bold)

    def rule(self, x1: float, x2: float, y: float) -> None:
        """Draw a thin horizontal line."""
        self.commands.append(f"0.5 w {x1:.2f} {y:.2f} m {x2:.2f} {y:.2f} l S")


def write(pages: list[Page], title: str) -> bytes:
    """The file."""
    kids = " ".join(f"{6 + 2 * index} 0 R" for index in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        font.format("Helvetica").encode(),
        font.format("Helvetica-Bold").encode(),
        b"<< /Title (" + _escaped(title).encode("cp1252") + b") >>",
    ]
    for index, page in enumerate(pages):
        stream = "\n".join(page.commands).encode("cp1252")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {7 + 2 * index} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode()
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n".encode() + stream + b"\nendstream")
    return _assembled(objects)


def _assembled(objects: list[bytes]) -> bytes:
    file = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places: list[int] = []
    for number, content in enumerate(objects, 1):
        places.append(len(file))
        file += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(file)
    file += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    file += "".join(f"{place:010d} 00000 n \n" for place in places).encode()
    file += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(file)


def _escaped(words: str) -> str:
    # The built-in fonts know Windows' Latin letters; everything else becomes a question mark.
    encoded = words.encode("cp1252", "replace").decode("cp1252")
    printable = "".join(letter if letter >= " " else " " for letter in encoded)
    return printable.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
