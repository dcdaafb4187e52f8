"""The worked timeline of the rate window, drawn from the docstring of `intercom_sink.domain.rate_window`.

    python docs/diagrams/rate_window_timeline.py > docs/diagrams/rate_window_timeline.svg      (part of `make docs`)

A test replays the same timeline against the code, so the picture shows what the code does.
"""

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from drawing import WIDTH, box, line, svg, text

from intercom_sink.domain import rate_window

STYLE = """
  .axis { fill: none; stroke: #8c959f; stroke-width: 1.6; } .moment { fill: #0969da; }
  .free { fill: #0969da; stroke: #0969da; } .taken { fill: none; stroke: #8c959f; }
  .end { stroke: #9a6700; stroke-dasharray: 5 4; } .end-words { font-size: 13px; fill: #9a6700; }
  @media (prefers-color-scheme: dark) {
    .axis, .taken { stroke: #6e7681; } .moment { fill: #4493f8; } .free { fill: #4493f8; stroke: #4493f8; }
    .end { stroke: #d29922; } .end-words { fill: #d29922; }
  }"""

AXIS_X, EVENT_X = 66, 82
SLOT, GAP = 12, 4
WHY_WIDTH = 48
"""Characters in a line of an explanation."""

LINE = 17


class Moment(NamedTuple):
    """One row of the timeline.

    Args:
        time: in seconds.
        event: what happens.
        available: how many requests may be sent after it.
        why: the explanation.
    """

    time: str
    event: str
    available: int
    why: str


def moments(docstring: str) -> Iterator[Moment]:
    """The rows of the worked timeline in a docstring."""
    _, _, table = docstring.partition("A worked timeline")
    pattern = r"^ +(\d+\.\d)  (\S.*?) {2,}(\d+)((?:  .*)?\n(?: {20,}\S.*\n)*)"
    for row in re.finditer(pattern, table, re.MULTILINE):
        time, event, available, why = row.groups()
        yield Moment(time, event, int(available), " ".join(why.split()))


def limit(docstring: str) -> int:
    """The limit of the window in the timeline."""
    (found,) = re.findall(r"A worked timeline:.* limit (\d+)", docstring)
    return int(found)


def slots(y: float, available: int, of: int) -> Iterator[str]:
    """A square for each request of the window, filled if it may still be sent."""
    x = WIDTH - 18 - of * (SLOT + GAP)
    for number in range(of):
        style = "free" if number < available else "taken"
        yield box(x + number * (SLOT + GAP), y - SLOT + 1, SLOT, SLOT, style).replace('rx="7"', 'rx="2"')


def draw() -> str:
    """The whole picture, as SVG."""
    docstring = rate_window.__doc__ or ""
    of = limit(docstring)
    parts = [
        text(EVENT_X, 30, f"A window that takes {of} requests", "title"),
        text(WIDTH - 18, 30, "available", "small", "end"),
        text(AXIS_X - 14, 30, "time", "small", "end"),
    ]
    y = 62.0
    marks: list[str] = []
    rows = list(moments(docstring))
    for row in rows:
        if row is rows[-1]:
            marks.append(f'<path class="end" d="M{EVENT_X:g},{y - 16:g} H{WIDTH - 18}"/>')
            y += 12
        marks.append(f'<circle class="moment" cx="{AXIS_X}" cy="{y - 5:g}" r="5"/>')
        marks += [
            text(AXIS_X - 14, y, row.time, "small", "end"),
            text(EVENT_X, y, row.event),
            *slots(y, row.available, of),
        ]
        for words in textwrap.wrap(row.why, WHY_WIDTH):
            y += LINE
            marks.append(text(EVENT_X, y, words, "small"))
        y += 30
    parts.append(line([(AXIS_X, 44), (AXIS_X, y - 22)], "axis"))
    return svg("Requests that a rate window still takes, step by step", y, [*parts, *marks], STYLE)


if __name__ == "__main__":
    print(draw(), end="")
