"""Draws docs/pictures/tour.svg, the picture of README.md, from the figures of a session on the sandbox.

`python docs/tour.py` runs the session and writes the file. The tests run it too, and compare.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from svg import Drawing

TOUR = Path(__file__).parent / "pictures" / "tour.svg"
LENGTH = 17.0
"""Seconds of one round."""


@dataclass(frozen=True)
class Figures:
    """What the session found: everything in the picture that is not the same every time."""

    overdue: str
    oldest: str
    number: str
    customer: str
    amount: str
    status: str


def drawing(figures: Figures) -> str:
    """The picture as SVG: a chat on the left, the approval page on the right."""
    picture = Drawing(LENGTH)
    picture.box(0, 0, 880, 452, "var(--back)", radius=14)
    _window(picture, 16, 16, 424, 420, "Your chat app")
    _chat(picture, figures)
    _window(picture, 456, 16, 408, 420, "Your browser")
    _page(picture, figures)
    return picture.svg(
        880,
        452,
        "A question, the approval page, and the result",
        f"Asked who owes money, the assistant answers: {figures.overdue} overdue. Asked to void {figures.number}, it "
        f"calls void_invoice. A page in the browser shows the invoice: {figures.amount}, {figures.customer}. The "
        "person types its number and approves. Only then is the invoice void.",
    )


def _window(picture: Drawing, x: int, y: int, width: int, height: int, title: str) -> None:
    picture.box(x, y, width, height, "var(--card)", edge="var(--edge)", radius=12)
    picture.text(x + 18, y + 26, title, "head")


def _chat(picture: Drawing, figures: Figures) -> None:
    _mine(picture, 0.4, 56, 192, "Who owes us money?")
    _call(picture, 1.5, 104, "get_receivables_aging")
    _answer(picture, 2.3, 144, 66, f"{figures.overdue} are overdue.\nThe oldest debt: {figures.oldest}.")
    _mine(picture, 5.0, 226, 332, f"{figures.number} was written twice. Void it.")
    _call(picture, 6.2, 274, "void_invoice", "waits for you")
    _answer(picture, 13.0, 314, 66, f"Done, after your approval:\n{figures.number} is now void.")


def _mine(picture: Drawing, start: float, y: int, width: int, text: str) -> None:
    picture.begin(start)
    picture.box(424 - width, y, width, 38, "var(--mine)", radius=16)
    picture.text(424 - width + 16, y + 24, text, "on")
    picture.end()


def _call(picture: Drawing, start: float, y: int, tool: str, note: str = "") -> None:
    picture.begin(start)
    picture.box(34, y, 372 if note else 208, 30, "var(--tool)", radius=8)
    picture.text(48, y + 20, tool, "mono")
    if note:
        picture.text(394, y + 20, note, "dim", anchor="end")
    picture.end()


def _answer(picture: Drawing, start: float, y: int, height: int, text: str) -> None:
    picture.begin(start)
    picture.box(34, y, 372, height, "none", edge="var(--edge)", radius=14)
    picture.text(50, y + 27, text)
    picture.end()


def _page(picture: Drawing, figures: Figures) -> None:
    picture.begin(0, 6.5, "last")
    picture.text(
        660, 220, "Before anything is voided, deleted\nor refunded, you are asked here.", "dim", anchor="middle"
    )
    picture.end()
    picture.begin(7.0, 12.0)
    _question(picture, figures)
    picture.end()
    picture.begin(12.4, kind="last")
    picture.box(474, 150, 372, 110, "none", edge="var(--done)")
    picture.text(660, 196, f"Invoice {figures.number} is void.", "bold", anchor="middle")
    picture.text(660, 226, "You can close this page.", "dim", anchor="middle")
    picture.end()


def _question(picture: Drawing, figures: Figures) -> None:
    picture.text(474, 78, figures.amount, "big")
    picture.text(474, 106, f"Void invoice {figures.number}?", "bold")
    picture.text(474, 127, "This cannot be undone.", "dim")
    for number, (name, value) in enumerate(_rows(figures)):
        picture.text(474, 164 + 24 * number, name, "dim")
        picture.text(580, 164 + 24 * number, value)
    picture.text(474, 266, "To approve, type the invoice's number:", "dim")
    picture.box(474, 278, 372, 40, "var(--field)", edge="var(--dim)", radius=8)
    picture.begin(8.6, 12.0)
    picture.text(490, 303, figures.number, "mono")
    picture.end()
    picture.box(474, 336, 180, 44, "var(--ask)", radius=8)
    picture.text(564, 363, "Approve", "white", anchor="middle")
    picture.box(666, 336, 180, 44, "none", edge="var(--dim)", radius=8)
    picture.text(756, 363, "Decline", "bold", anchor="middle")
    picture.begin(10.6, 12.0, "last")
    picture.parts.append('<circle cx="596" cy="366" r="16" style="fill:#fff;opacity:.55"/>')
    picture.end()
    picture.text(474, 412, "Read from Zoho just now.", "dim")


def _rows(figures: Figures) -> Iterable[tuple[str, str]]:
    return (("Customer", figures.customer), ("Status", figures.status), ("Still open", figures.amount))


if __name__ == "__main__":
    import anyio
    from pictures import session

    with TemporaryDirectory() as folder:
        TOUR.write_text(drawing(anyio.run(session, Path(folder)).figures), encoding="utf-8")
    print(f"{TOUR.name}: {TOUR.stat().st_size:,} bytes")
