"""Renders docs/benchmarks.md from the results."""

from collections.abc import Callable, Sequence

from benchmarks import prose
from benchmarks.cases import Case, Group
from benchmarks.catalogue import BARE_URLLIB3, BY_NAME, SINK
from benchmarks.markdown import paragraph, show, table
from benchmarks.results import Measure, Results, Spread, ratios
from benchmarks.targets import HOUR, WHY_MISSED, Target, targets

Column = tuple[str, Callable[[Case], str]]


def page(results: Results) -> str:
    """The whole page, in Markdown."""
    sections = [
        prose.INTRODUCTION,
        _server(results),
        _facts(results),
        _targets(results),
        _failures(results),
        _speed(results),
        _tls(results),
        _limited(results),
        _paced(results),
        _idle(results),
        _system_calls(results),
        _imports(results),
        _window(results),
        _shared(results),
        _hot_key(results),
        _backlog(results),
        _publishing(results),
    ]
    return "\n".join(section for section in sections if section)


def _server(results: Results) -> str:
    spreads = [(results.spread(case, Measure.SERVER_CPU), case) for case in results.cases(Group.SPEED)]
    shares = [(spread.median, case) for spread, case in spreads if spread]
    if not shares:
        return ""
    share, case = max(shares, key=lambda pair: pair[0])
    cell = f"{case.contender}, {case.concurrency} in flight, {case.latency_ms} ms"
    return paragraph(prose.SERVER.format(case=cell, share=share)) + "\n"


def _facts(results: Results) -> str:
    facts = " · ".join(f"{name} {value}" for name, value in results.facts.items())
    return "\n\n".join(paragraph(line) for line in [facts, *results.notes]) + "\n"


def _targets(results: Results) -> str:
    rows = [[target.figure, target.bound, _measured(target), _verdict(target)] for target in targets(results)]
    return f"## What it must reach\n\n{prose.TARGETS}\n\n" + table(["figure", "wanted", "reached", "met?"], rows)


def _measured(target: Target) -> str:
    return show(target.measured, target.digits) if target.measured else "not measured"


def _verdict(target: Target) -> str:
    if target.measured is None or target.met:
        return "" if target.measured is None else "yes"
    return f"**no**: {WHY_MISSED}"


def _failures(results: Results) -> str:
    if not results.failures:
        return ""
    rows = [[f"`{failure.case.name}`", str(failure.round), failure.reason] for failure in results.failures]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "## Runs that failed\n\n" + table(["case", "round", "why"], rows)


def _speed(results: Results) -> str:
    columns = [
        *_rate_columns(results),
        _column("switches/message", results, Measure.SWITCHES, 1),
        _column("peak memory MiB", results, Measure.PEAK_MEMORY, 1),
        _column("start s", results, Measure.STARTUP, 2),
    ]
    plots = "\n".join(
        f"![Messages per second by requests in flight, {latency_ms} ms](benchmarks/rate-{latency_ms}ms.svg)"
        for latency_ms in sorted({case.latency_ms for case in results.cases(Group.SPEED)})
    )
    return _section("Speed", plots, results, Group.SPEED, columns)


def _tls(results: Results) -> str:
    return _section("TLS", prose.TLS, results, Group.TLS, _rate_columns(results))


def _limited(results: Results) -> str:
    columns = [
        _contender,
        _column("messages/s", results, Measure.RATE, 1),
        _column("CPU us/message", results, Measure.CPU),
        _column("start s", results, Measure.STARTUP, 2),
    ]
    return _section("Little CPU", prose.LIMITED, results, Group.LIMITED, columns)


def _paced(results: Results) -> str:
    columns = [
        ("messages/s", lambda case: str(case.per_second)),
        _contender,
        _column("latency, median ms", results, Measure.LATENCY_MEDIAN, 2),
        _column("99th percentile ms", results, Measure.LATENCY_P99, 2),
        _column("CPU, cores", results, Measure.CPU_SHARE, 3),
        _column("wake-ups/s", results, Measure.WAKEUPS),
        _column("429s received", results, Measure.REFUSED),
    ]
    return _section("End-to-end latency, and cost at the window", prose.PACED, results, Group.PACED, columns)


def _idle(results: Results) -> str:
    columns = [
        _contender,
        _column("CPU s/hour", results, Measure.CPU_SHARE, 2, factor=HOUR),
        _column("wake-ups/s", results, Measure.WAKEUPS, 1),
    ]
    return _section("Idle", prose.IDLE, results, Group.IDLE, columns)


def _system_calls(results: Results) -> str:
    columns = [_in_flight, _contender, _column("futex calls/message", results, Measure.FUTEXES, 1)]
    return _section("Threads that wait for each other", prose.SYSTEM_CALLS, results, Group.SYSTEM_CALLS, columns)


def _imports(results: Results) -> str:
    columns = [
        _column("run ms", results, Measure.IMPORT_SECONDS, factor=1000),
        _column("its four libraries ms", results, Measure.LIBRARIES_SECONDS, factor=1000),
    ]
    return _section("Import time", prose.IMPORTS, results, Group.IMPORTS, columns)


def _window(results: Results) -> str:
    columns = [
        _latency,
        _in_flight,
        _contender,
        _column("messages/s", results, Measure.RATE, 1),
        _column("share of the window", results, Measure.WINDOW_SHARE, 3),
        _column("429s received", results, Measure.REFUSED),
    ]
    return _section("Rate window", prose.WINDOW_SECTION, results, Group.WINDOW, columns)


def _shared(results: Results) -> str:
    columns = [
        ("sinks", lambda case: str(case.sinks)),
        _column("share of the window", results, Measure.WINDOW_SHARE, 3),
        _column("429s received", results, Measure.REFUSED),
        _column("429s, % of responses", results, Measure.REFUSED_SHARE, 2, factor=100),
        _column("least part", results, Measure.LEAST_SHARE, 2),
    ]
    return _section("Several sinks on one window", prose.SHARED, results, Group.SHARED, columns)


def _hot_key(results: Results) -> str:
    columns = [
        _contender,
        _in_flight,
        _column("other keys, messages/s", results, Measure.RATE, 1),
        _column("hot key, messages/s", results, Measure.HOT_KEY_RATE, 1),
    ]
    return _section("Hot key", prose.HOT_KEY, results, Group.HOT_KEY, columns)


def _backlog(results: Results) -> str:
    columns = [
        ("backlog", lambda case: f"{case.messages:,}"),
        _in_flight,
        _contender,
        _column("messages/s", results, Measure.RATE, 1),
        _column("CPU us/message", results, Measure.CPU),
        _column("peak memory MiB", results, Measure.PEAK_MEMORY, 1),
        _column("growth MiB", results, Measure.MEMORY_GROWTH, 2),
    ]
    return _section("Backlog", prose.BACKLOG, results, Group.BACKLOG, columns)


def _publishing(results: Results) -> str:
    columns = [
        ("messages", lambda case: f"{case.messages:,}"),
        _column("one by one, messages/s", results, Measure.SINGLE_RATE),
        _column("`publish_batch`, messages/s", results, Measure.BATCH_RATE),
    ]
    return _section("Publishing", prose.PUBLISHING, results, Group.PUBLISHING, columns)


def _section(title: str, text: str, results: Results, group: Group, columns: Sequence[Column]) -> str:
    """A section with a row for each case of its group; empty if none was measured."""
    cases = sorted(results.cases(group), key=_order)
    if not cases:
        return ""
    rows = [[show_case(case) for _, show_case in columns] for case in cases]
    return f"## {title}\n\n{text}\n\n" + table([name for name, _ in columns], rows)


def _order(case: Case) -> tuple[object, ...]:
    contender = list(BY_NAME).index(case.contender)
    if case.group == Group.BACKLOG:
        return case.messages, contender
    return case.latency_ms, case.concurrency, case.per_second, case.sinks, contender


_latency: Column = ("latency", lambda case: f"{case.latency_ms} ms")
_in_flight: Column = ("in flight", lambda case: str(case.concurrency))
_contender: Column = ("contender", lambda case: f"**{SINK.name}**" if case.contender == SINK.name else case.contender)


def _column(name: str, results: Results, measure: Measure, digits: int = 0, factor: float = 1) -> Column:
    def cell(case: Case) -> str:
        spread = results.spread(case, measure)
        if spread is None:
            return ""
        return show(Spread(*(factor * value for value in (spread.median, spread.min, spread.max))), digits)

    return name, cell


def _rate_columns(results: Results) -> list[Column]:
    return [
        _latency,
        _in_flight,
        _contender,
        _column("messages/s", results, Measure.RATE, 1),
        _relative(f"rate / {BARE_URLLIB3.name}'s", results, Measure.RATE),
        _column("CPU us/message", results, Measure.CPU),
    ]


def _relative(name: str, results: Results, measure: Measure) -> Column:
    def cell(case: Case) -> str:
        bare = results.find(case.group, BARE_URLLIB3, case.concurrency, case.latency_ms)
        values = ratios(results.of_case(case), bare, measure)
        return f"{Spread.of(values).median:.2f}" if values else ""

    return name, cell
