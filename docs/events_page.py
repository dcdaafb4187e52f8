"""The page of events, from the table of log lines: python docs/events_page.py > docs/events.md"""

import inspect

from intercom_sink import Event
from intercom_sink.adapters.monitors.log_lines import LINES, Line

HEAD = """\
# Events and log lines

The domain and the RabbitMQ adapter report everything that happens to one port, `Monitor`, as one of these events.
`LogMonitor` writes a log line for each.
`docs/events_page.py` makes this page from the code.

No line carries the data of a request, the token or a password. Fields without a value are left out. A level "by
disposition" is that of the delivery policy: `DEBUG` for delivered, `WARNING` for not found, duplicate, rate limited and
the first server error, `ERROR` for the others.

Three log lines are not events: `mock request` (`INFO`), which the token `mock` logs for each message, with its data on
purpose; and at the start `unknown variable` (`variable`, `similar`) and `no dead-letter queue` (`consequence`), both
`WARNING`.

| log line | level | event | when | fields |
|---|---|---|---|---|
"""


def render() -> str:
    """The page."""
    return HEAD + "".join(_row(event, line) for event, line in LINES.items())


def _row(event: type[Event], line: Line) -> str:
    level = "by disposition" if line.level is None else f"`{line.level.name}`"
    meaning = (inspect.getdoc(event) or "").partition("\n\n")[0].replace("\n", " ")
    fields = [f"`{name}`" for name in line.fields] + [f"`{name}` (at `DEBUG`)" for name in line.debug_fields]
    return f"| `{line.text}` | {level} | `{event.__name__}` | {meaning} | {', '.join(fields)} |\n"


if __name__ == "__main__":
    print(render(), end="")
