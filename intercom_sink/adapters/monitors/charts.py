"""Small charts of the last minutes, as inline SVG without scripts or styles of their own."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 300, 80

_PLOT = HEIGHT - 4
"""Height that a line may take; the rest keeps its stroke inside."""

Series = Sequence[float | None]
"""One value for each minute; None: there is none."""


def chart(title: str, lines: Sequence[tuple[str, Series]], unit: str) -> str:
    """A figure with a line for each series, and its latest values as text.

    Args:
        title: what it shows.
        lines: the label of each line, and its values, the latest last.
        unit: what is written after a value.
    """
    values = [value for _, series in lines for value in series if value is not None]
    top = max(values, default=0.0)
    shapes = "".join(_line(number, series, top) for number, (_, series) in enumerate(lines))
    legend = " · ".join(
        f'<span class="line{number}">{escape(label)} {_latest(series, unit)}</span>'
        for number, (label, series) in enumerate(lines)
    )
    summary = f"{title}, at most {number_text(top)}{unit}" if values else f"{title}: no data yet"
    return (
        f"<figure><figcaption><b>{escape(title)}</b> {legend}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{escape(summary)}">'
        f"{shapes}</svg><small>{escape(_scale(values, top, unit))}</small></figure>"
    )


def number_text(value: float) -> str:
    """A number with three digits at most, or all of those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _latest(series: Series, unit: str) -> str:
    present = [value for value in series if value is not None]
    return f"{number_text(present[-1])}{escape(unit)}" if present else ""


def _scale(values: Sequence[float], top: float, unit: str) -> str:
    return f"0 to {number_text(top)}{unit}" if values else "no data yet"


def _line(number: int, series: Series, top: float) -> str:
    """The line, with a gap where there is no value; a value between two gaps is a short line."""
    step = WIDTH / max(len(series), 1)
    path = ""
    is_drawing = False
    for index, value in enumerate(series):
        if value is None:
            is_drawing = False
            continue
        height = HEIGHT - 2 - (value / top * _PLOT if top else 0.0)
        path += f"{'L' if is_drawing else 'M'}{index * step:.1f} {height:.1f}H{(index + 1) * step:.1f}"
        is_drawing = True
    return f'<path class="line{number}" d="{path}"/>' if path else ""
