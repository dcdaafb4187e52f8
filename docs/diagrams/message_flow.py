"""The picture of the README: the way of a message, and what can go wrong at each step.

    python docs/diagrams/message_flow.py > docs/diagrams/message_flow.svg      (part of `make docs`)

The standard library alone; the same source always makes the same bytes. The picture has its own background and follows
the reader's colour scheme, so it is readable in light and dark mode. It is narrow, so it is legible on a phone.
"""

from collections.abc import Iterable
from html import escape

WIDTH = 480

STEP_X, STEP_WIDTH = 40, 168
NOTE_X = 222
RETRY_X, GIVE_UP_X = 18, 458
"""Where the lines run that lead back to a step, and ahead to the dead-letter queue."""

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


def step(y: float, title: str, subtitle: str, style: str = "step", x: float = STEP_X, width: float = STEP_WIDTH) -> str:
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


def note(y: float, kind: str, what: str, follows: str, x: float = NOTE_X) -> str:
    """What can go wrong, with a dot in the colour of what follows, and what follows."""
    return "\n".join(
        [
            f'<circle class="dot-{kind}" cx="{x + 5:g}" cy="{y - 5:g}" r="4.5"/>',
            text(x + 16, y, what),
            text(x + 16, y + 17, follows, "small"),
        ]
    )


def down(y: float) -> str:
    """The arrow from the step that ends at `y` to the next one."""
    return line([(STEP_X + STEP_WIDTH / 2, y), (STEP_X + STEP_WIDTH / 2, y + 20)])


def tip(name: str) -> str:
    """The head of an arrow."""
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path class="{name}" d="M0,0 L8,4 L0,8 z"/></marker>'
    )


def draw() -> str:
    """The whole picture, as SVG."""
    sink_bottom, end = 556, 600
    ack_middle, dead_letters_x, dead_letters_width = STEP_X + STEP_WIDTH / 2, 262, 190
    dead_letters_middle = dead_letters_x + dead_letters_width / 2
    height = end + 168

    def to_dead_letters(y: float) -> list[tuple[float, float]]:
        corner = end - 22
        return [(GIVE_UP_X, y), (GIVE_UP_X, corner), (dead_letters_middle, corner), (dead_letters_middle, end)]

    parts = [
        box(1, 1, WIDTH - 2, height - 2, "back"),
        text(STEP_X, 30, "One message", "title"),
        text(NOTE_X, 30, "What can go wrong", "title"),
        step(44, "Producer", "publishes, confirmed", "store"),
        note(64, "broker", "The queue's name has a typo", "mandatory: publishing fails"),
        down(92),
        step(112, "RabbitMQ queue", "keeps it until the ack", "store"),
        note(132, "broker", "The connection is lost", "reconnect; it is redelivered"),
        box(RETRY_X - 10, 182, WIDTH - 2 * (RETRY_X - 10), sink_bottom - 182, "sink"),
        text(NOTE_X, 204, "intercom_sink", "small"),
        line([(ack_middle, 160), (ack_middle, 216)]),
        step(216, "Decode", "is it a valid request?"),
        note(236, "give-up", "Malformed", "never sent; give up"),
        down(264),
        step(284, "Wait for a permit", "rate window, pauses"),
        note(304, "retry", "The rate window is exhausted", "wait for its reset"),
        down(332),
        step(352, "Send to Intercom", "one deadline for it all"),
        note(372, "retry", "No response: timeout, TLS, …", "pause all, back off to 60 s"),
        down(400),
        step(420, "Decide", "the table below"),
        note(438, "retry", "429", "pause all until the reset"),
        note(480, "retry", "First 5xx", "retry this message, once"),
        note(522, "give-up", "Second 5xx, other 4xx", "and 101, 3xx: give up"),
        # Back to the permit.
        line([(STEP_X, 444), (RETRY_X, 444), (RETRY_X, 308), (STEP_X, 308)], "retry"),
        # Out of the sink.
        line([(ack_middle, 468), (ack_middle, end)]),
        text(ack_middle - 8, 500, "2xx, 404", "small", "end"),
        line([(330, 231), *to_dead_letters(231)], "give-up"),
        line([(404, 517), *to_dead_letters(517)], "give-up"),
        step(end, "Ack", "off the queue", "store"),
        step(end, "Dead-letter queue", "if named: bytes, reason", "store", dead_letters_x, dead_letters_width),
        line([(dead_letters_x, end + 24), (STEP_X + STEP_WIDTH, end + 24)], "give-up"),
        text((dead_letters_x + STEP_X + STEP_WIDTH) / 2, end + 16, "then", "small", "middle"),
        note(end + 74, "broker", "A crash before the ack", "redelivered, sent again:", x=STEP_X),
        text(STEP_X + 16, end + 108, "a possible duplicate", "small"),
        note(end + 74, "broker", "Not confirmed", "it stays in its queue, and", x=dead_letters_x),
        text(dead_letters_x + 16, end + 108, "publishing is tried again", "small"),
        note(end + 144, "retry", "retried", "", x=STEP_X),
        note(end + 144, "give-up", "given up", "", x=STEP_X + 120),
        note(end + 144, "broker", "kept where it is", "", x=STEP_X + 250),
    ]  # fmt: skip
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="600" role="img" '
            'aria-labelledby="title">',
            '<title id="title">The way of a message from its producer to Intercom, and what can go wrong</title>',
            f"<style>\n{STYLE}\n</style>",
            f"<defs>{tip('tip')}{tip('tip-retry')}{tip('tip-give-up')}</defs>",
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    print(draw(), end="")
