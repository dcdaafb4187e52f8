"""What the sink must reach, and whether the results reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.cases import CPU_LIMIT, WINDOW_RATE, Case, Group
from benchmarks.catalogue import AIO_PIKA, BARE_URLLIB3, BENTHOS, BY_NAME, PEERS, SINK, Contender
from benchmarks.results import Measure, Results, Run, Spread, ratios

BACKLOG = 200_000
HOUR = 3600

WHY_MISSED = "[decision 23](decisions/0023-what-bounds-the-sink.md)"
"""Says what bounds each figure that is missed, and what was tried."""


@dataclass(frozen=True)
class Target:
    """One row of the page's table of targets.

    Attributes:
        figure: what is measured.
        bound: what the median should be, as text.
        measured: the spread over the rounds; None if it was not measured.
        met: whether the median is within the bound.
        digits: digits after the decimal point to show.
    """

    figure: str
    bound: str
    measured: Spread | None
    met: bool
    digits: int = 2


def targets(results: Results) -> list[Target]:
    """Every target, in the order of the page."""
    return [
        *_against_the_limit(results),
        *_against_peers(results),
        *_cost(results),
        *_latency(results),
        *_window(results),
        *_shared(results),
        *_start_and_memory(results),
        *_publishing(results),
    ]


def _against_the_limit(results: Results) -> list[Target]:
    def compared(concurrency: int, latency_ms: int, measure: Measure, group: Group = Group.SPEED) -> list[float]:
        sink, bare = (results.find(group, each, concurrency, latency_ms) for each in (SINK, BARE_URLLIB3))
        return ratios(sink, bare, measure)

    limit = f"{BARE_URLLIB3.name}'s"
    return [
        at_least(f"1 in flight, 0 ms: rate / {limit}", 1.0, compared(1, 0, Measure.RATE)),
        at_most(f"1 in flight, 0 ms: CPU / {limit}", 1.0, compared(1, 0, Measure.CPU)),
        at_least(f"8 in flight, 0 ms: rate / {limit}", 1.5, compared(8, 0, Measure.RATE)),
        at_least(f"64 in flight, 0 ms: rate / {limit}", 1.5, compared(64, 0, Measure.RATE)),
        at_least(f"64 in flight, 20 ms: rate / {limit}", 1.0, compared(64, 20, Measure.RATE)),
        at_most(f"64 in flight, 20 ms: CPU / {limit}", 0.8, compared(64, 20, Measure.CPU)),
        at_least(f"64 in flight, 20 ms, TLS: rate / {limit}", 1.0, compared(64, 20, Measure.RATE, Group.TLS)),
        at_least(f"1 in flight, 0 ms, TLS: rate / {limit}", 1.0, compared(1, 0, Measure.RATE, Group.TLS)),
    ]


def _against_peers(results: Results) -> list[Target]:
    speed, tls = (Group.SPEED,), (Group.SPEED, Group.TLS)
    rows = [
        closest(results, AIO_PIKA, "at 0 ms", 1.2, tls, lambda case: case.latency_ms == 0),
        closest(results, AIO_PIKA, "at 20 and 200 ms", 1.0, tls, lambda case: case.latency_ms > 0),
        closest(
            results, BENTHOS, "at 0 ms", 1.0, speed, lambda case: case.latency_ms == 0 and case.concurrency in (1, 64)
        ),
        closest(results, BENTHOS, "at 20 and 200 ms", 0.98, speed, lambda case: case.latency_ms > 0),
    ]
    others = [peer for peer in PEERS if not peer.fast]
    return rows + [closest(results, peer, "everywhere", 1.0, speed, lambda _: True) for peer in others]


def closest(
    results: Results,
    peer: Contender,
    where: str,
    bound: float,
    groups: Sequence[Group],
    chosen: Callable[[Case], bool],
) -> Target:
    """A target for the rate against a peer's, judged by the case in which the peer is closest or furthest ahead."""
    cases = [case for group in groups for case in results.cases(group) if case.contender == peer.name and chosen(case)]
    compared = [(ratios(_of_sink(results, case), results.of_case(case)), case) for case in cases]
    values, case = min(
        ((values, case) for values, case in compared if values),
        key=lambda pair: Spread.of(pair[0]).median,
        default=([], None),
    )
    tls = ", TLS" if case and case.group == Group.TLS else ""
    cell = f" (closest: {case.concurrency} in flight, {case.latency_ms} ms{tls})" if case else ""
    return at_least(f"rate / {peer.name}'s, {where}{cell}", bound, values, digits=3)


def _of_sink(results: Results, case: Case) -> list[Run]:
    return results.find(case.group, SINK, case.concurrency, case.latency_ms)


def _cost(results: Results) -> list[Target]:
    window = [run[Measure.CPU] * WINDOW_RATE / 1e6 for run in results.find(Group.WINDOW, SINK, 64, 200)]
    limited = results.find(Group.LIMITED, SINK, 64, 20)
    idle = _of_group(results, Group.IDLE)
    under = f"under a limit of {CPU_LIMIT} of a core, 64 in flight, 20 ms"
    return [
        at_most(f"CPU at the window ({WINDOW_RATE} a second, 64 in flight), cores", 0.05, window, digits=3),
        at_least(f"rate {under}", 450, _all(limited, Measure.RATE), digits=0),
        at_most(f"start to the first request, {under}, s", 1.2, _all(limited, Measure.STARTUP)),
        at_most("idle: CPU an hour, s", 0.2, [run[Measure.CPU_SHARE] * HOUR for run in idle]),
    ]


def _latency(results: Results) -> list[Target]:
    quiet = results.where(lambda case: case.contender == SINK.name and case.per_second == 50)
    prefix = "publisher's confirm to the request's arrival, 50 messages/s, ms"
    return [
        at_most(f"{prefix}: median", 2, _all(quiet, Measure.LATENCY_MEDIAN)),
        at_most(f"{prefix}: 99th percentile", 5, _all(quiet, Measure.LATENCY_P99)),
    ]


def _window(results: Results) -> list[Target]:
    window = results.find(Group.WINDOW, SINK, 64, 200)
    refused = [sum(_all(window, Measure.REFUSED))] if window else []
    return [
        at_least("rate window, 64 in flight, 200 ms: share used", 0.97, _all(window, Measure.WINDOW_SHARE)),
        at_most("rate window, 64 in flight, 200 ms: 429s received, all rounds", 0, refused, digits=0),
    ]


def _shared(results: Results) -> list[Target]:
    rows = []
    for sinks in sorted({case.sinks for case in results.cases(Group.SHARED)}) or (2, 4, 8):
        runs = results.where(lambda case, sinks=sinks: case.group == Group.SHARED and case.sinks == sinks)  # type: ignore[misc]
        prefix = f"{sinks} sinks on one window"
        rows += [
            at_most(f"{prefix}: 429s, share of responses", 0.005, _all(runs, Measure.REFUSED_SHARE), digits=4),
            at_least(f"{prefix}: share used", 0.97, _all(runs, Measure.WINDOW_SHARE), digits=3),
            at_least(f"{prefix}: least sink's part / an equal part", 0.5, _all(runs, Measure.LEAST_SHARE)),
        ]
    return rows


def _start_and_memory(results: Results) -> list[Target]:
    imports = [
        run[Measure.IMPORT_SECONDS] / run[Measure.LIBRARIES_SECONDS] for run in _of_group(results, Group.IMPORTS)
    ]
    fast = results.find(Group.SPEED, SINK, 1, 0)
    largest = results.find(Group.BACKLOG, SINK, 64, 0, BACKLOG)
    backlog = f"backlog of {BACKLOG:,}"
    return [
        at_most("importing the command line / importing its four libraries", 1.25, imports),
        at_most("start to the first request, s", 1.0, _all(fast, Measure.STARTUP)),
        at_most(f"{backlog}: peak memory, MiB", 45, _all(largest, Measure.PEAK_MEMORY), digits=1),
        at_most(f"{backlog}: memory growth over the second half, MiB", 2, _all(largest, Measure.MEMORY_GROWTH)),
    ]


def _publishing(results: Results) -> list[Target]:
    compared = [run[Measure.BATCH_RATE] / run[Measure.SINGLE_RATE] for run in _of_group(results, Group.PUBLISHING)]
    return [at_least("publishing: rate of `publish_batch` / one by one", 10, compared, digits=1)]


def _of_group(results: Results, group: Group) -> list[Run]:
    return results.where(lambda case: case.group == group and BY_NAME[case.contender] == SINK)


def _all(runs: Iterable[Run], measure: Measure) -> list[float]:
    return [run[measure] for run in runs if measure in run.values]


def at_least(figure: str, bound: float, values: Sequence[float], digits: int = 2) -> Target:
    """A target that is met if the median is at least `bound`."""
    return _target(figure, f">= {bound:g}", values, lambda median: median >= bound, digits)


def at_most(figure: str, bound: float, values: Sequence[float], digits: int = 2) -> Target:
    """A target that is met if the median is at most `bound`."""
    return _target(figure, f"<= {bound:g}" if bound else "0", values, lambda median: median <= bound, digits)


def _target(figure: str, bound: str, values: Sequence[float], is_met: Callable[[float], bool], digits: int) -> Target:
    measured = Spread.of(values) if values else None
    return Target(figure, bound, measured, measured is not None and is_met(measured.median), digits)
