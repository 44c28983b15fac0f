"""SVG pictures by hand: boxes, texts and arrows that fade in and out, in light and dark, with nothing loaded."""

from html import escape

_FADE = 0.35
"""Seconds in which something appears."""
_STYLE = """
:root{--back:#f3f5f8;--card:#fff;--edge:#d4dae2;--text:#1b1f24;--dim:#57606a;--mine:#1e40af;--on-mine:#fff;
--tool:#eef2f8;--ask:#b42318;--done:#15803d;--field:#fff}
@media (prefers-color-scheme:dark){:root{--back:#12161c;--card:#1c222b;--edge:#3a4450;--text:#e8ecf1;--dim:#a3adb9;
--mine:#2f5fd0;--on-mine:#fff;--tool:#262e39;--ask:#c9382b;--done:#2e9e55;--field:#12161c}}
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:15px;fill:var(--text)}
.dim{fill:var(--dim);font-size:13px}.head{font-size:13px;font-weight:600;fill:var(--dim)}
.big{font-size:24px;font-weight:700}.bold{font-weight:700}.on{fill:var(--on-mine)}
.mono{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:13px}
.white{fill:#fff;font-weight:700}.line{stroke:var(--dim);stroke-width:1.5}.thin{stroke:var(--edge);stroke-width:2}
.halo{paint-order:stroke;stroke:var(--back);stroke-width:5px}.small{font-size:14px}.head-of-arrow{fill:var(--dim)}
@media (prefers-reduced-motion:reduce){g{animation:none!important}.last{opacity:0}}
"""


class Drawing:
    """SVG elements, and the keyframes of those that come and go."""

    def __init__(self, length: float = 0.0) -> None:
        """`length`: seconds of one round, where anything moves."""
        self.length = length
        self.parts: list[str] = []
        self.rules: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, fill: str, *, edge: str = "none", radius: int = 10) -> None:
        """A rectangle with round corners."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" style="fill:{fill};stroke:{edge}"/>'
        )

    def text(self, x: int, y: int, lines: str, kind: str = "", *, anchor: str = "start") -> None:
        """Lines of text, 21 apart."""
        for number, line in enumerate(lines.split("\n")):
            self.parts.append(
                f'<text x="{x}" y="{y + 21 * number}" class="{kind}" text-anchor="{anchor}">{escape(line)}</text>'
            )

    def line(self, x: int, y: int, to_x: int, to_y: int, kind: str = "line", *, arrow: bool = False) -> None:
        """A line; an arrow points to its end."""
        head = ' marker-end="url(#arrow)"' if arrow else ""
        self.parts.append(f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" class="{kind}"{head}/>')

    def begin(self, start: float, end: float | None = None, kind: str = "") -> None:
        """What follows is seen from `start` to `end`, in seconds; without `end`, to the end of the round."""
        end = self.length - 0.6 if end is None else end
        name = f"k{len(self.rules)}"
        shares = [100 * moment / self.length for moment in (start, start + _FADE, end, end + _FADE)]
        on, shown, off, gone = (f"{share:.2f}%" for share in shares)
        self.rules.append(
            f"@keyframes {name}{{0%,{on}{{opacity:0}}{shown},{off}{{opacity:1}}{gone},to{{opacity:0}}}}"
            f".{name}{{animation:{name} {self.length:g}s infinite}}"
        )
        self.parts.append(f'<g class="{name} {kind}">')

    def end(self) -> None:
        """The end of what `begin` began."""
        self.parts.append("</g>")

    def svg(self, width: int, height: int, title: str, description: str) -> str:
        """The file."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                f'height="{height}" role="img" aria-labelledby="t d">',
                f'<title id="t">{escape(title)}</title>',
                f'<desc id="d">{escape(description)}</desc>',
                f"<style>{_STYLE}{''.join(self.rules)}</style>",
                '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
                'orient="auto"><path d="M0 0 8 4 0 8z" class="head-of-arrow"/></marker></defs>',
                *self.parts,
                "</svg>\n",
            ]
        )
