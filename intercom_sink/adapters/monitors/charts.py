"""Small charts of the last minutes, as inline SVG without scripts or styles of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 300.0, 80.0

_PLOT = HEIGHT - 4
"""Height that a line may take; the rest keeps its stroke inside."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Args:
        label: its name.
        values: one for each minute, the latest last; None: there is none.
        style: its class in the page's style sheet.
    """

    label: str
    values: Sequence[float | None]
    style: str = "main"


def chart(title: str, lines: Sequence[Line], unit: str = "", top: float | None = None) -> str:
    """A figure with a line for each series, and its latest values as text.

    Args:
        title: what it shows.
        lines: its lines.
        unit: what is written after a value.
        top: the upper end of the scale; None: the highest value.
    """
    values = [value for line in lines for value in line.values if value is not None]
    top = max(values, default=0.0) if top is None else max(top, *values, 0.0)
    scale = f"0 to {number_text(top)}{unit}" if values else "no data yet"
    legend = " · ".join(f'<span class="{line.style}">{escape(_legend(line, unit))}</span>' for line in lines)
    return (
        f"<figure><figcaption><b>{escape(title)}</b> {legend}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(f"{title}, {scale}")}">{"".join(_path(line, top) for line in lines)}</svg>'
        f"<small>{escape(scale)}</small></figure>"
    )


def number_text(value: float) -> str:
    """A number with three digits at most, or all of those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _legend(line: Line, unit: str) -> str:
    present = [value for value in line.values if value is not None]
    return f"{line.label} {number_text(present[-1])}{unit}" if present else line.label


def _path(line: Line, top: float) -> str:
    """The line: a level for each minute, with a gap where there is no value."""
    step = WIDTH / max(len(line.values), 1)
    commands = ""
    is_drawing = False
    for index, value in enumerate(line.values):
        if value is not None:
            y = HEIGHT - 2 - (value / top * _PLOT if top else 0.0)
            commands += f"{'L' if is_drawing else 'M'}{index * step:.1f} {y:.1f}H{(index + 1) * step:.1f}"
        is_drawing = value is not None
    return f'<path class="{line.style}" d="{commands}"/>' if commands else ""
