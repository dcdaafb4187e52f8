"""What the diagrams of the documentation share: their style, and simple shapes, as SVG.

A picture has its own background and follows the reader's colour scheme, so it is readable in light and dark mode. It is
480 units wide, so it is legible on a phone.
"""

from collections.abc import Iterable
from html import escape

WIDTH = 480

STYLE = """\
  text { font: 14px system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .small { font-size: 13px; fill: #57606a; }
  .back { fill: #ffffff; stroke: #d0d7de; }
  .sink { fill: #f6f8fa; stroke: #8c959f; stroke-dasharray: 5 4; }
  .step { fill: #ddf4ff; stroke: #0969da; }
  .store { fill: #fff8c5; stroke: #9a6700; }
  .line { fill: none; stroke: #57606a; stroke-width: 1.6; marker-end: url(#tip); }
  .retry { fill: none; stroke: #9a6700; stroke-width: 1.6; marker-end: url(#tip-retry); }
  .give-up { fill: none; stroke: #cf222e; stroke-width: 1.6; marker-end: url(#tip-give-up); }
  .tip { fill: #57606a; } .tip-retry, .dot-retry { fill: #9a6700; } .tip-give-up, .dot-give-up { fill: #cf222e; }
  .dot-broker { fill: #8250df; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9da7b3; }
    .back { fill: #0d1117; stroke: #30363d; }
    .sink { fill: #161b22; stroke: #6e7681; }
    .step { fill: #0c2d6b; stroke: #4493f8; }
    .store { fill: #3b2f05; stroke: #d29922; }
    .line { stroke: #9da7b3; } .tip { fill: #9da7b3; }
    .retry { stroke: #d29922; } .tip-retry, .dot-retry { fill: #d29922; }
    .give-up { stroke: #f85149; } .tip-give-up, .dot-give-up { fill: #f85149; }
    .dot-broker { fill: #a371f7; }
  }"""


def text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> str:
    """One line of text."""
    return f'<text class="{style}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words, quote=False)}</text>'


def box(x: float, y: float, width: float, height: float, style: str) -> str:
    """A box with round corners."""
    return f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="7"/>'


def step(y: float, title: str, subtitle: str, style: str = "step", x: float = 40, width: float = 168) -> str:
    """A box with a title and a line below it."""
    middle = x + width / 2
    return "\n".join(
        [
            box(x, y, width, 48, style),
            text(middle, y + 20, title, "title", "middle"),
            text(middle, y + 38, subtitle, "small", "middle"),
        ]
    )


def line(points: Iterable[tuple[float, float]], style: str = "line") -> str:
    """An arrow through some points."""
    path = " L".join(f"{x:g},{y:g}" for x, y in points)
    return f'<path class="{style}" d="M{path}"/>'


def tip(name: str) -> str:
    """The head of an arrow."""
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path class="{name}" d="M0,0 L8,4 L0,8 z"/></marker>'
    )


def svg(title: str, height: float, parts: Iterable[str], style: str = "") -> str:
    """A whole picture.

    Args:
        title: what it shows, for those who can't see it.
        height: its height.
        parts: its shapes.
        style: its own CSS, besides STYLE.
    """
    tips = "".join(map(tip, ("tip", "tip-retry", "tip-give-up")))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="600" role="img" '
            'aria-labelledby="title">',
            f'<title id="title">{escape(title)}</title>',
            f"<style>\n{STYLE}{style}\n</style>",
            f"<defs>{tips}</defs>",
            box(1, 1, WIDTH - 2, height - 2, "back"),
            *parts,
            "</svg>",
            "",
        ]
    )
