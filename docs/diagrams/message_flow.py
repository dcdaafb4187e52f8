"""The picture of the README: the way of a message, and what can go wrong at each step.

    python docs/diagrams/message_flow.py > docs/diagrams/message_flow.svg      (part of `make docs`)

The standard library alone; the same source always makes the same bytes.
"""

from drawing import WIDTH, box, line, step, svg, text

STEP_X, STEP_WIDTH = 40, 168
NOTE_X = 222
RETRY_X, GIVE_UP_X = 18, 458
"""Where the lines run that lead back to a step, and ahead to the dead-letter queue."""


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
    return svg("The way of a message from its producer to Intercom, and what can go wrong", height, parts)


if __name__ == "__main__":
    print(draw(), end="")
