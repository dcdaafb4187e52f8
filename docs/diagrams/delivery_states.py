"""The states of a message, drawn from the table of the delivery policy.

    python docs/diagrams/delivery_states.py > docs/diagrams/delivery_states.svg      (part of `make docs`)

Rows, their groups, delays, pauses and dead-letter reasons are those of `intercom_sink.domain.policy.RULES`.
"""

from drawing import WIDTH, box, line, step, svg, text

from intercom_sink import Disposition, NoResponse
from intercom_sink.domain.policy import MAX_MESSAGE_FAILURES, RULES, Action, Rule
from intercom_sink.domain.retry_state import RetryState

RESULTS = {
    Disposition.DELIVERED: "2xx",
    Disposition.NOT_FOUND: "404",
    Disposition.NOT_FOUND_DEAD_LETTERED: "404, if those are kept",
    Disposition.DUPLICATE: "409, possible duplicate",
    Disposition.RATE_LIMITED: "429",
    Disposition.RESOURCE_LIMITED: "429, requests remaining",
    Disposition.SERVER_ERROR: "5xx",
    Disposition.REPEATED_SERVER_ERROR: "5xx again",
    Disposition.ACCESS_DENIED: "401, 403",
    Disposition.REJECTED: "any other status",
    Disposition.NO_RESPONSE: "no valid response",
    Disposition.NO_RESPONSE_TO_MESSAGE: "but one to GET /me",
    Disposition.NO_RESPONSE_TOO_OFTEN: f"the same, {MAX_MESSAGE_FAILURES} times",
    Disposition.MALFORMED: "no valid request, so never sent",
}
"""What an attempt comes to, for each disposition."""

GROUPS = (
    (Action.RETRY, "retry", "Waiting for a retry"),
    (Action.ACK, "line", "Settled: acked"),
    (Action.GIVE_UP, "give-up", "Given up: dead-lettered, then acked"),
)

STYLE = """
  .retry-box { fill: none; stroke: #9a6700; } .line-box { fill: none; stroke: #57606a; }
  .give-up-box { fill: none; stroke: #cf222e; }
  .mark { fill: none; stroke: #8250df; stroke-width: 1.6; } .asked { fill: #8250df; font-weight: 600; }
  .back-to-queue { fill: none; stroke: #8250df; stroke-width: 1.6; stroke-dasharray: 5 4; marker-end: url(#tip); }
  @media (prefers-color-scheme: dark) {
    .retry-box { stroke: #d29922; } .line-box { stroke: #9da7b3; } .give-up-box { stroke: #f85149; }
    .mark, .back-to-queue { stroke: #a371f7; } .asked { fill: #a371f7; }
  }"""

LEFT, RIGHT = 34, WIDTH - 34
ROW, HEAD = 40, 34
TOP = 290
"""Where the groups begin."""


def consequence(rule: Rule) -> str:
    """What follows from a row of the table, in a few words."""
    if rule.action is Action.GIVE_UP:
        assert rule.reason is not None
        return f"reason: {rule.reason.value}"
    if rule.action is Action.ACK:
        return f"a line of level {rule.severity.name}"
    who = "all wait" if rule.pauses_all else "its key waits" if rule.pauses_lane else "it waits"
    return f"{who} {_delay(rule)}"


def _delay(rule: Rule) -> str:
    if "window" in rule.delay.__name__:
        return "until the window resets"
    first = rule.delay(NoResponse(""), RetryState("POST"))
    last = rule.delay(NoResponse(""), RetryState("POST", outage_failures=100, message_failures=100))
    growing = f", later up to {last.max:g} s" if last != first else ""
    return f"{first.min:g} to {first.max:g} s{growing}"


def group(y: float, action: Action, kind: str, title: str) -> tuple[list[str], float]:
    """The box of one action, with a row for each disposition; and where it ends."""
    rows = [(disposition, rule) for disposition, rule in RULES.items() if rule.action is action]
    height = HEAD + ROW * len(rows)
    parts = [box(LEFT, y, RIGHT - LEFT, height, f"{kind}-box"), text(LEFT + 14, y + 22, title, "title")]
    for number, (disposition, rule) in enumerate(rows):
        top = y + HEAD + ROW * number
        parts.append(text(LEFT + 14, top + 12, disposition.value))
        parts.append(text(RIGHT - 40, top + 12, RESULTS[disposition], "small", "end"))
        parts.append(text(LEFT + 14, top + 29, consequence(rule), "small"))
        if rule.is_ambiguous:
            parts.append(f'<circle class="mark" cx="{RIGHT - 20}" cy="{top + 8:g}" r="9"/>')
            parts.append(text(RIGHT - 20, top + 13, "?", "asked", "middle"))
    return parts, y + height


def draw() -> str:
    """The whole picture, as SVG."""
    middle, width = WIDTH / 2, 230
    x = middle - width / 2
    parts = [
        step(18, "In the queue", "unacked once it is delivered", "store", x, width),
        line([(middle, 66), (middle, 92)]),
        step(92, "Waiting for a permit", "rate window, pauses, order", "step", x, width),
        line([(middle, 140), (middle, 166)]),
        step(166, "In flight", "one attempt, one deadline", "step", x, width),
        line([(middle, 214), (middle, TOP)]),
        text(middle + 10, 246, "what the attempt comes to"),
        text(middle + 10, 264, "has one of these names", "small"),
    ]  # fmt: skip
    y = float(TOP)
    for action, kind, title in GROUPS:
        shapes, end = group(y, action, kind, title)
        parts += shapes
        if action is Action.RETRY:  # back to the permit
            parts.append(line([(LEFT, y + 40), (16, y + 40), (16, 116), (x, 116)], "retry"))
        y = end + 16
    # Whatever is not settled may return to the queue.
    back = [(RIGHT, TOP + 40), (WIDTH - 16, TOP + 40), (WIDTH - 16, 42), (x + width, 42)]
    parts.append(line(back, "back-to-queue"))
    parts += [
        f'<circle class="mark" cx="{LEFT + 9}" cy="{y + 12:g}" r="9"/>',
        text(LEFT + 9, y + 17, "?", "asked", "middle"),
        text(LEFT + 28, y + 17, "With CJW_INTERCOM_HOLD=on: GET /me first,"),
        text(LEFT + 28, y + 35, "then a hold, unless the message is at fault", "small"),
        line([(LEFT - 2, y + 56), (LEFT + 22, y + 56)], "back-to-queue"),
        text(LEFT + 28, y + 61, "A hold, a stop, a lost connection: what is"),
        text(LEFT + 28, y + 79, "not settled returns to the queue, in its old place", "small"),
    ]
    return svg("The states of a message, and what each result of an attempt leads to", y + 98, parts, STYLE)


if __name__ == "__main__":
    print(draw(), end="")
