"""Draws docs/pictures/call.svg, the path of a call: `python docs/diagram.py`. The tests compare."""

from pathlib import Path

from svg import Drawing

CALL = Path(__file__).parent / "pictures" / "call.svg"
_YOU, _APP, _SERVER, _ZOHO = 100, 300, 535, 780
_STEPS = (
    # from, to, text
    (_YOU, _APP, "“Void INV-000033”"),
    (_APP, _SERVER, "tools/call void_invoice"),
    (_SERVER, _SERVER, "Check the arguments"),
    (_SERVER, _SERVER, "Apply the policy: allow, ask, refuse"),
    (_SERVER, _ZOHO, "Read the record"),
    (_SERVER, _YOU, "Show it and ask, in the app or on a page"),
    (_YOU, _SERVER, "Approve"),
    (_SERVER, _SERVER, "Write the intent to the audit file"),
    (_SERVER, _ZOHO, "POST /invoices/…/status/void, once"),
    (_ZOHO, _SERVER, "Response"),
    (_SERVER, _SERVER, "Lost? Look in Zoho, never send again"),
    (_SERVER, _SERVER, "Write the outcome to the audit file"),
    (_SERVER, _APP, "Result"),
    (_APP, _YOU, "“INV-000033 is void.”"),
)
_FIRST, _APART, _BOTTOM = 92, 36, 600


def drawing() -> str:
    """The picture as SVG: a sequence diagram."""
    picture = Drawing()
    picture.box(0, 0, 880, _BOTTOM + 20, "var(--back)", radius=14)
    for x, name in ((_YOU, "You"), (_APP, "Chat app and model"), (_SERVER, "zoho-invoice-mcp"), (_ZOHO, "Zoho")):
        picture.line(x, 56, x, _BOTTOM, "thin")
        picture.box(x - 88, 20, 176, 36, "var(--card)", edge="var(--edge)")
        picture.text(x, 43, name, "bold small", anchor="middle")
    for number, (start, end, text) in enumerate(_STEPS):
        y = _FIRST + _APART * number
        if start == end:
            _note(picture, start, y, text)
        else:
            picture.line(start, y, end, y, arrow=True)
            picture.text((start + end) // 2, y - 6, text, "dim halo", anchor="middle")
    return picture.svg(880, _BOTTOM + 20, "The path of a call", ". ".join(text for _, _, text in _STEPS))


def _note(picture: Drawing, x: int, y: int, text: str) -> None:
    picture.box(x - 130, y - 18, 260, 26, "var(--tool)", edge="var(--edge)", radius=6)
    picture.text(x, y, text, "dim", anchor="middle")


if __name__ == "__main__":
    CALL.write_text(drawing(), encoding="utf-8")
    print(f"{CALL.name}: {CALL.stat().st_size:,} bytes")
