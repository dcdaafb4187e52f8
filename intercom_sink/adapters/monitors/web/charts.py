"""Small charts of the last minutes, as inline SVG without scripts or styles of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 300.0, 80.0

_PLOT = HEIGHT - 4
"""Height that a line may take; the rest keeps its stroke inside."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of values, which is drawn as a line.

    Args:
        label: its name.
        values: one for each minute, the latest last; None: there is none.
        style: its class in the page's style sheet.
    """

    label: str
    values: Sequence[float | None]
    style: str = "main"


def chart(title: str, series: Sequence[Series], unit: str = "", top: float | None = None) -> str:
    """A figure with a line for each series, and its latest values as text.

    Args:
        title: what it shows.
        series: what is drawn, a line for each.
        unit: what is written after a value.
        top: the upper end of the scale, unless a value is higher; None: the highest value.
    """
    values = [value for one in series for value in one.values if value is not None]
    top = max(values, default=0.0) if top is None else max(top, *values, 0.0)
    scale = f"0 to {_number(top)}{unit}" if values else "no data yet"
    legend = " · ".join(f'<span class="{one.style}">{escape(_legend(one, unit))}</span>' for one in series)
    return (
        f"<figure><figcaption><b>{escape(title)}</b> {legend}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(f"{title}, {scale}")}">{"".join(_path(one, top) for one in series)}</svg>'
        f"<small>{escape(scale)}</small></figure>"
    )


def _number(value: float) -> str:
    """A number with three significant digits at most; from 100 on, as a whole number."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _legend(series: Series, unit: str) -> str:
    present = [value for value in series.values if value is not None]
    return f"{series.label} {_number(present[-1])}{unit}" if present else series.label


def _path(series: Series, top: float) -> str:
    """The line: a level for each minute, with a gap where there is no value."""
    step = WIDTH / max(len(series.values), 1)
    commands = ""
    is_drawing = False
    for index, value in enumerate(series.values):
        if value is not None:
            y = HEIGHT - 2 - (value / top * _PLOT if top else 0.0)
            commands += f"{'L' if is_drawing else 'M'}{index * step:.1f} {y:.1f}H{(index + 1) * step:.1f}"
        is_drawing = value is not None
    return f'<path class="{series.style}" d="{commands}"/>' if commands else ""
