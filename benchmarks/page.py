"""docs/benchmarks.md, made of the results."""

from collections.abc import Callable, Iterable, Sequence

from benchmarks.plan import CELERY, FASTSTREAM, HOT_SECONDS, LIMIT, PLAIN_LOOP, SINK, WINDOW, Cell, Group
from benchmarks.results import Results, Run, Spread, ratios
from benchmarks.targets import Target, targets

INTRODUCTION = f"""\
# Benchmarks

    make bench

A private RabbitMQ, and a fast HTTP server in the place of Intercom that takes a set time for each answer. A run is a
fresh server, a fresh queue that holds all messages beforehand, and a fresh process, until the last answer. In each
round the contenders take turns at the same work. What is shown is the median of all rounds, with the least and the most
in brackets. Broker, server and contender share the cores.

- **{LIMIT}**: a bare urllib3 loop over connections that are kept alive; the same requests, from as many threads as may
  be in flight; no broker.
- **{SINK}**: `intercom-sink run`.
- **{PLAIN_LOOP}**: pika's `BlockingConnection`, prefetch 1, `requests.post`, ack.
- **{FASTSTREAM}**: with one `httpx.AsyncClient`, on uvloop; it prefetches as many as may be in flight; what fails goes
  back to the queue.
- **{CELERY}**: with `requests`, acks late, prefetch multiplier 1, tries again with backoff; on threads, and one at a
  time on its default, a process, which is faster there.

The **rate** is messages by the time to the last answer, as the server sees it, without the first tenth of a run, in
which connections are opened, and the sink sends one request ahead of the others. **CPU** is that of all threads of the
process and its children, from the first answer on. **Memory** is resident memory at its peak; what processes share
counts in each. A run counts only if every message got exactly one good answer and none was left in the queue; else the
benchmark ends with an error.
"""

Column = tuple[str, Callable[[Cell], str]]


def page(results: Results) -> str:
    """The whole page."""
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
    rows = [[target.name, target.wanted, _measured(target), _verdict(target)] for target in targets(results)]
    prose = (
        "Where one message at a time at 0 ms spends its time:"
        " [what bounds it](decisions/0011-what-bounds-one-at-a-time.md)."
    )
    return f"## Targets\n\n{prose}\n\n" + table(["target", "wanted", "measured", "holds?"], rows)


def _measured(target: Target) -> str:
    return show(target.measured, target.digits) if target.measured else "not measured"


def _verdict(target: Target) -> str:
    return "" if target.measured is None else "yes" if target.holds else "**no**"


def _speed(results: Results) -> str:
    columns = [
        ("latency", lambda cell: f"{cell.latency_ms} ms"),
        _at_a_time,
        _contender,
        _column("messages/s", results, lambda run: run.rate, 1),
        ("of the limit", lambda cell: _of_limit(results, cell)),
        _column("CPU us/message", results, lambda run: run.cpu),
        _column("peak MiB", results, lambda run: run.peak, 1),
        _column("start s", results, lambda run: run.start, 2),
    ]
    plots = "\n".join(
        f"![Messages a second by concurrency, {latency} ms](benchmarks/rate-{latency}ms.svg)"
        for latency in sorted({cell.latency_ms for cell in results.cells(Group.SPEED)})
    )
    return _section("Speed", plots, results.cells(Group.SPEED), columns)


def _window(results: Results) -> str:
    columns = [
        ("latency", lambda cell: f"{cell.latency_ms} ms"),
        _at_a_time,
        _contender,
        _column("messages/s", results, lambda run: run.rate, 1),
        _column("share of the window", results, lambda run: run.window_share or 0.0, 3),
        _column("429s received", results, lambda run: run.refused),
    ]
    prose = (
        f"{WINDOW:,} requests are allowed in each 10 s of the clock, as Intercom allows an app by default; the rest is"
        " answered with 429.\nThe share is that of the complete windows: without the first and the last."
    )
    return _section("The rate window", prose, results.cells(Group.WINDOW), columns)


def _hot_key(results: Results) -> str:
    columns = [
        _contender,
        _at_a_time,
        _column("others, messages/s", results, lambda run: run.rate, 1),
        _column("hot key, messages/s", results, lambda run: run.hot_rate or 0.0, 1),
    ]
    prose = (
        "Every other message carries one hot key, the rest 255 other keys, at 200 ms: 5 a second is the most that the\n"
        f"hot key can do. Both rates are of the first {HOT_SECONDS:g} s, in which its backlog is not through."
    )
    return _section("A hot key", prose, results.cells(Group.HOT_KEY), columns)


def _backlog(results: Results) -> str:
    columns = [
        ("backlog", lambda cell: f"{cell.messages:,}"),
        _at_a_time,
        _contender,
        _column("messages/s", results, lambda run: run.rate, 1),
        _column("CPU us/message", results, lambda run: run.cpu),
        _column("peak MiB", results, lambda run: run.peak, 1),
        _column("growth MiB", results, lambda run: run.growth, 2),
        _column("start s", results, lambda run: run.start, 2),
    ]
    prose = (
        "How it grows with what waits in the queue, at 0 ms; growth is over the second half of the messages. The"
        " peers'\nbacklogs are smaller, since they would take minutes for each of the larger ones.\n\n"
        "![Memory and CPU by backlog](benchmarks/backlog.svg)"
    )
    cells = sorted(results.cells(Group.BACKLOG), key=lambda cell: cell.messages)
    return _section("Backlog", prose, cells, columns)


def _section(title: str, prose: str, cells: Sequence[Cell], columns: Sequence[Column]) -> str:
    if not cells:
        return ""
    rows = [[show_cell(cell) for _, show_cell in columns] for cell in cells]
    return f"## {title}\n\n{prose}\n\n" + table([name for name, _ in columns], rows)


_at_a_time: Column = ("at a time", lambda cell: str(cell.concurrency))
_contender: Column = ("contender", lambda cell: cell.contender)


def _column(name: str, results: Results, value: Callable[[Run], float], digits: int = 0) -> Column:
    return name, lambda cell: show(results.spread(cell, value), digits)


def _of_limit(results: Results, cell: Cell) -> str:
    limit = results.of(Group.SPEED, LIMIT, cell.concurrency, cell.latency_ms)
    values = ratios(results.of_cell(cell), limit)
    return f"{Spread.of(values).median:.2f}" if values else ""


def show(spread: Spread, digits: int) -> str:
    """The median, and least and most where they differ from it."""
    median, least, most = (f"{value:,.{digits}f}" for value in (spread.median, spread.least, spread.most))
    return median if least == most else f"{median} ({least} to {most})"


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
