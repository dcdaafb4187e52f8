"""Paragraphs, tables and figures in Markdown."""

from collections.abc import Iterable, Sequence
from textwrap import fill

from benchmarks.results import Spread

WIDTH = 120
"""Characters of a line of prose."""


def paragraph(text: str, indent: str = "") -> str:
    """Breaks a paragraph into lines; all but the first begin with the indent."""
    return fill(text, WIDTH, subsequent_indent=indent)


def show(spread: Spread, digits: int) -> str:
    """The median, followed by minimum and maximum unless they are shown alike."""
    median, minimum, maximum = (f"{value:,.{digits}f}" for value in (spread.median, spread.min, spread.max))
    return median if minimum == maximum else f"{median} ({minimum} to {maximum})"


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
