"""The page of events, from the tables of the code: python docs/events_page.py > docs/reference/events.md"""

import inspect
from typing import NamedTuple

from intercom_sink import Event
from intercom_sink.adapters.monitors.logs.formats import ECS_NAMES, ECS_VERSION, FIELD_PREFIX
from intercom_sink.adapters.monitors.logs.lines import LINES, Line
from intercom_sink.adapters.monitors.logs.repeats import CAUSE, MAX_IDENTICAL

HEAD = """\
# Events and log lines

The domain and the RabbitMQ adapter report everything that happens to one port, `Monitor`, as one of these events.
`LogMonitor` writes a log line for each.
`docs/events_page.py` makes this page from the code.

No line carries the data of a request, the token or a password. Fields without a value are left out. A level "by
disposition" is that of the delivery policy: `DEBUG` for delivered, `WARNING` for the first server error, duplicate, and
both kinds of not found and of rate limited, `ERROR` for the others.

| log line | level | event | when | fields |
|---|---|---|---|---|
"""

OTHER_HEAD = """
## Lines that are not events

| log line | level | when | fields |
|---|---|---|---|
"""


class OtherLine(NamedTuple):
    """A log line that no event has in the table."""

    text: str
    level: str
    when: str
    fields: tuple[str, ...]


SUMMARY = ("seconds", "rate", "median_ms", "slowest_ms")
"""What `intercom-sink run` adds to `stopped` and `failed`."""

OTHER_LINES = (
    OtherLine(
        "starting",
        "INFO",
        "The first line of `intercom-sink run`. `broker` and `proxy` show no password, `intercom` is the host.",
        ("version", "broker", "queue", "intercom", "proxy", "mock", "concurrency", "dead_letter_queue", "hold"),
    ),
    OtherLine(
        "unknown variable",
        "WARNING",
        "At the start: a variable looks like a setting, and is none.",
        ("variable", "similar"),
    ),
    OtherLine("no dead-letter queue", "WARNING", "At the start, if none is named.", ("consequence",)),
    OtherLine(
        "no health socket",
        "WARNING",
        "At the start: this system allows no abstract Unix socket, so `intercom-sink healthy` finds no sink.",
        ("reason",),
    ),
    OtherLine(
        "request failed",
        "ERROR",
        "A bug: `/metrics`, `/healthz`, `/readyz` or the status page could not be made. `reason` names the exception.",
        ("path", "reason"),
    ),
    OtherLine(
        "progress",
        "INFO",
        "Each minute in which anything happened. `rate`: messages acked or given up, per second. `waiting_for`: "
        "`nothing`, `RabbitMQ`, `hold: ` and its cause, or the cause of a pause. The times are those of responses; the "
        "median is exact to 2.5 %. `window_remaining` of `window_limit` is the lowest that was reported of the latest "
        "window. `not_found`, `duplicate` and `requeued` are left out at 0.",
        (
            "delivered", "not_found", "duplicate", "given_up", "malformed", "retried", "requeued", "rate", "seconds",
            "in_flight", "waiting_for", "median_ms", "slowest_ms", "window_remaining", "window_limit",
        ),
    ),
    OtherLine(
        "RabbitMQ available again",
        "INFO",
        "The queue is consumed after connections failed: for how many seconds, and how many failed.",
        ("broker", "seconds", "failures"),
    ),
    OtherLine(
        "responding again",
        "INFO",
        "The first response below 500 after attempts without a response, or after a 5xx was repeated; with "
        "`CJW_INTERCOM_HOLD=on`, only if `GET /me` failed too. An attempt that began before the last failure does not "
        "count.",
        ("status", "seconds", "failures"),
    ),
    OtherLine(
        "dead letters confirmed again",
        "INFO",
        "The first dead letter that is confirmed after some were not.",
        ("queue", "seconds", "failures"),
    ),
    OtherLine(
        "repeated",
        "that of the line",
        "`count` identical lines `of` this text were not shown, since the last line `repeated`.",
        ("of", "count", "broker", "queue", "disposition", "status", "reason", "error_codes", "cause"),
    ),
    OtherLine(
        "span failed",
        "WARNING",
        "With OpenTelemetry: a sampler or span processor raised an error, which `reason` names. Only the first is "
        "logged; messages are handled without such spans.",
        ("reason",),
    ),
    OtherLine(
        "mock request",
        "INFO",
        "The token is `mock`: each message, with its data on purpose.",
        ("method", "path", "data"),
    ),
)  # fmt: skip

LOGGERS = ("events", "run", "progress", "recovery", "http", "traces", "mock")
"""The names of the loggers, after `intercom_sink.`."""

TAIL = f"""
`intercom-sink run` adds {", ".join(f"`{name}`" for name in SUMMARY)} of the whole run to `stopped` and `failed`.
`processed` does not count messages whose AMQP properties can't be read.

**Identical failures in a row.** Lines of `WARNING` or worse are identical if they have the same level and text, and the
same {", ".join(f"`{name}`" for name in CAUSE[:-1])} and `{CAUSE[-1]}`.
Of such lines in a row, each within a minute of the one before, the first {MAX_IDENTICAL} are shown; the others are
counted. Each minute, at the end, and before another line of that level or a higher one is shown, a line `repeated` says
how many there were. With `CJW_LOG_LEVEL=DEBUG` all are shown. Where a line is the only one to say which message it was,
every one is shown: `requeued` and `duplicate`; `not found`, unless `CJW_INTERCOM_DEAD_LETTER_NOT_FOUND=on`; without a
dead-letter queue `given up` and `malformed`.

## Fields of each format

The names above are stable: a new version may add fields, and the changelog names each change.

- `CJW_LOG_FORMAT=json`: one object a line, with `time` (RFC 3339, UTC, as `until` is), `level`, `logger`, `event` (the
  text of the log line), then the fields; `exception` holds a traceback. Times in fields are seconds, or milliseconds
  where the name ends with `_ms`. `trace_id` and `span_id` are those of the message's `traceparent`.
- `logger` is `intercom_sink.events` for the lines of events, one of these for the sink's other lines, and another for
  those of a library: {", ".join(f"`intercom_sink.{name}`" for name in LOGGERS[1:])}.
- `CJW_LOG_FORMAT=text`: time, level, text, then the same fields as `name=value`.
- `CJW_LOG_FORMAT=ecs`: one object a line, with the names of the [Elastic Common
  Schema](https://www.elastic.co/docs/reference/ecs) {ECS_VERSION}: `@timestamp`, `log.level` (in lower case),
  `log.logger`, `message` (the text), `event.action` (the text in lower case, with hyphens), `service.name`,
  `service.version`, `ecs.version`, for a traceback `error.type`, `error.message` and `error.stack_trace`, and the
  fields by this table:

| field | in ECS |
|---|---|
"""

_ECS_NOTES = {"duration": ", in nanoseconds", "path": ", and `url.query` for what follows `?`"}


def render() -> str:
    """The page."""
    events = "".join(_row(event, line) for event, line in LINES.items())
    others = "".join(_other_row(line) for line in OTHER_LINES)
    names = "".join(f"| `{name}` | `{ecs}`{_ECS_NOTES.get(name, '')} |\n" for name, ecs in ECS_NAMES.items())
    rest = (
        f"| `data` | `{FIELD_PREFIX}data`, as JSON text |\n"
        f"| `processed` | `{FIELD_PREFIX}processed.delivered` and so on, for each disposition |\n"
        f"| any other | `{FIELD_PREFIX}` and its own name |\n"
    )
    return HEAD + events + OTHER_HEAD + others + TAIL + names + rest


def _row(event: type[Event], line: Line) -> str:
    level = "by disposition" if line.level is None else f"`{line.level.name}`"
    meaning = (inspect.getdoc(event) or "").partition("\n\n")[0].replace("\n", " ")
    fields = [f"`{name}`" for name in line.fields] + [f"`{name}` (at `DEBUG`)" for name in line.debug_fields]
    return f"| `{line.text}` | {level} | `{event.__name__}` | {meaning} | {', '.join(fields)} |\n"


def _other_row(line: OtherLine) -> str:
    level = f"`{line.level}`" if line.level.isupper() else line.level
    return f"| `{line.text}` | {level} | {line.when} | {', '.join(f'`{name}`' for name in line.fields)} |\n"


if __name__ == "__main__":
    print(render(), end="")
