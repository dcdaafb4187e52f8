"""Renders docs/benchmarks.md from the results."""

from collections.abc import Callable, Iterable, Sequence

from benchmarks.plan import (
    BARE_URLLIB3,
    CELERY,
    FASTSTREAM,
    HOT_KEY_SECONDS,
    PLAIN_LOOP,
    SINK,
    WINDOW,
    WINDOW_SECONDS,
    Case,
    Group,
)
from benchmarks.results import Results, Run, Spread, ratios
from benchmarks.targets import Target, targets

INTRODUCTION = f"""\
# Benchmarks

    make bench

Each run uses a fresh HTTP server in Intercom's place, which responds after a fixed latency; a fresh queue on a private
RabbitMQ, which already holds all messages; and a fresh process of one contender. It ends with the last response. In
each round the contenders take turns at the same work. The tables show the median of all rounds, with minimum and
maximum in parentheses. Broker, server and contender share the cores.

- **{BARE_URLLIB3}**: the upper bound. A loop that sends the same requests over kept-alive connections, on as many
  threads as requests may be in flight; no broker.
- **{SINK}**: `intercom-sink run`.
- **{PLAIN_LOOP}**: pika's `BlockingConnection`, prefetch 1, `requests.post`, ack.
- **{FASTSTREAM}**: one `httpx.AsyncClient`, on uvloop; the prefetch is the concurrency; failed messages are requeued.
- **{CELERY}**: `requests`, late acks, prefetch multiplier 1, retries with exponential backoff; a pool of threads, or at
  concurrency 1 its default pool of processes, which is faster there.

**Concurrency** is the maximum number of requests in flight. The **rate** is messages per second up to the last
response, as the server counts them. The first tenth of a run is left out as warm-up: connections are opened then, and
the sink sends its probe request. **CPU** is the CPU time of all threads of the process and its children, from the first
response on. **Memory** is peak resident memory; pages that processes share are counted in each. **Startup** is the time
from the start of the process to its first request. A run is valid only if every message got exactly one 200 response
and the queue is empty at the end; otherwise the benchmark fails.
"""

WINDOW_PROSE = f"""\
The server allows {WINDOW:,} requests in each window of {WINDOW_SECONDS} s, which is Intercom's default for an app, and
responds to the rest with 429. The share is the used part of the complete windows, that is, of all but the first and the
last."""

HOT_KEY_PROSE = f"""\
Every other message has the same ordering key, the hot key; the rest have 255 other keys. The latency is 200 ms, so the
hot key can't exceed 5 messages per second. Both rates are of the first {HOT_KEY_SECONDS:g} s, while the hot key's
backlog lasts."""

BACKLOG_PROSE = """\
Memory and CPU time by the number of messages in the queue, at 0 ms. Growth is that of resident memory over the second
half of the messages. The peers' backlogs are smaller, because they would take minutes for the larger ones.

![Memory and CPU time by backlog](benchmarks/backlog.svg)"""

Column = tuple[str, Callable[[Case], str]]


def page(results: Results) -> str:
    """The whole page, in Markdown."""
    sections = [
        INTRODUCTION,
        _facts(results),
        _targets(results),
        _speed(results),
        _window(results),
        _hot_key(results),
        _backlog(results),
    ]
    return "\n".join(section for section in sections if section)


def _facts(results: Results) -> str:
    return table(list(results.facts), [list(results.facts.values())])


def _targets(results: Results) -> str:
    rows = [[target.metric, target.bound, _measured(target), _verdict(target)] for target in targets(results)]
    prose = "Where the time goes at concurrency 1 and 0 ms: [decision 11](decisions/0011-what-bounds-one-at-a-time.md)."
    return f"## Targets\n\n{prose}\n\n" + table(["metric", "target", "measured", "met?"], rows)


def _measured(target: Target) -> str:
    return show(target.measured, target.digits) if target.measured else "not measured"


def _verdict(target: Target) -> str:
    return "" if target.measured is None else "yes" if target.met else "**no**"


def _speed(results: Results) -> str:
    columns = [
        ("latency", lambda case: f"{case.latency_ms} ms"),
        _concurrency,
        _contender,
        _column("messages/s", results, lambda run: run.rate, 1),
        (f"rate / {BARE_URLLIB3}'s", lambda case: _relative_rate(results, case)),
        _column("CPU us/message", results, lambda run: run.cpu),
        _column("peak memory MiB", results, lambda run: run.peak_memory, 1),
        _column("startup s", results, lambda run: run.startup, 2),
    ]
    plots = "\n".join(
        f"![Messages per second by concurrency, {latency_ms} ms](benchmarks/rate-{latency_ms}ms.svg)"
        for latency_ms in sorted({case.latency_ms for case in results.cases(Group.SPEED)})
    )
    return _section("Speed", plots, results.cases(Group.SPEED), columns)


def _window(results: Results) -> str:
    columns = [
        ("latency", lambda case: f"{case.latency_ms} ms"),
        _concurrency,
        _contender,
        _column("messages/s", results, lambda run: run.rate, 1),
        _column("share of the window", results, lambda run: run.window_share or 0.0, 3),
        _column("429s received", results, lambda run: run.refused),
    ]
    return _section("Rate window", WINDOW_PROSE, results.cases(Group.WINDOW), columns)


def _hot_key(results: Results) -> str:
    columns = [
        _contender,
        _concurrency,
        _column("other keys, messages/s", results, lambda run: run.rate, 1),
        _column("hot key, messages/s", results, lambda run: run.hot_key_rate or 0.0, 1),
    ]
    return _section("Hot key", HOT_KEY_PROSE, results.cases(Group.HOT_KEY), columns)


def _backlog(results: Results) -> str:
    columns = [
        ("backlog", lambda case: f"{case.messages:,}"),
        _concurrency,
        _contender,
        _column("messages/s", results, lambda run: run.rate, 1),
        _column("CPU us/message", results, lambda run: run.cpu),
        _column("peak memory MiB", results, lambda run: run.peak_memory, 1),
        _column("growth MiB", results, lambda run: run.memory_growth, 2),
        _column("startup s", results, lambda run: run.startup, 2),
    ]
    cases = sorted(results.cases(Group.BACKLOG), key=lambda case: case.messages)
    return _section("Backlog", BACKLOG_PROSE, cases, columns)


def _section(title: str, prose: str, cases: Sequence[Case], columns: Sequence[Column]) -> str:
    if not cases:
        return ""
    rows = [[show_case(case) for _, show_case in columns] for case in cases]
    return f"## {title}\n\n{prose}\n\n" + table([name for name, _ in columns], rows)


_concurrency: Column = ("concurrency", lambda case: str(case.concurrency))
_contender: Column = ("contender", lambda case: case.contender)


def _column(name: str, results: Results, value: Callable[[Run], float], digits: int = 0) -> Column:
    return name, lambda case: show(results.spread(case, value), digits)


def _relative_rate(results: Results, case: Case) -> str:
    bare = results.find(Group.SPEED, BARE_URLLIB3, case.concurrency, case.latency_ms)
    values = ratios(results.of_case(case), bare)
    return f"{Spread.of(values).median:.2f}" if values else ""


def show(spread: Spread, digits: int) -> str:
    """The median, followed by minimum and maximum unless they are shown alike."""
    median, minimum, maximum = (f"{value:,.{digits}f}" for value in (spread.median, spread.min, spread.max))
    return median if minimum == maximum else f"{median} ({minimum} to {maximum})"


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
