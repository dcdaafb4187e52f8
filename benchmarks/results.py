"""The results of the benchmark, and their JSON file."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.cases import Case, Group
from benchmarks.catalogue import Contender


class Measure(StrEnum):
    """What a run measures. Which of these depends on the group of its case."""

    RATE = "rate"
    """Messages per second, from the end of the warm-up to the last response."""
    CPU = "cpu"
    """CPU time of all threads, in microseconds per message, startup not included."""
    CPU_SHARE = "cpu_share"
    """CPU time of all threads, in seconds per second."""
    PEAK_MEMORY = "peak_memory"
    """Peak resident memory, in MiB."""
    MEMORY_GROWTH = "memory_growth"
    """Growth of resident memory over the second half of the messages, in MiB."""
    REFUSED = "refused"
    """How many responses were 429."""
    REFUSED_SHARE = "refused_share"
    """The share of all responses that were 429, from 0 to 1."""
    MAX_IN_FLIGHT = "max_in_flight"
    """The highest number of requests that were in flight at once."""
    STARTUP = "startup"
    """Seconds from the start of the process to its first request."""
    WINDOW_SHARE = "window_share"
    """The share of the complete rate windows that was used, from 0 to 1."""
    LEAST_SHARE = "least_share"
    """Of several sinks: what the one with the fewest messages sent, as a share of an equal part."""
    HOT_KEY_RATE = "hot_key_rate"
    """Messages per second with the hot key."""
    SWITCHES = "switches"
    """Voluntary context switches of all threads, per message."""
    FUTEXES = "futexes"
    """futex system calls, per message."""
    LATENCY_MEDIAN = "latency_median"
    LATENCY_P99 = "latency_p99"
    """Milliseconds from the publisher's confirm to the request's arrival."""
    WAKEUPS = "wakeups"
    """Voluntary context switches of all threads, per second."""
    IMPORT_SECONDS = "import_seconds"
    """Seconds to import `intercom-sink run`."""
    LIBRARIES_SECONDS = "libraries_seconds"
    """Seconds to import its four libraries."""
    BATCH_RATE = "batch_rate"
    """Messages per second that `Publisher.publish_batch` publishes."""
    SINGLE_RATE = "single_rate"
    """The same, one by one with `Publisher.publish`."""
    SERVER_CPU = "server_cpu"
    """CPU time of the HTTP server, in seconds per second."""


@dataclass(frozen=True)
class Run:
    """One measurement of a case, by its round, from 1."""

    case: Case
    round: int
    values: Mapping[Measure, float]

    def __getitem__(self, measure: Measure) -> float:
        return self.values[measure]


@dataclass(frozen=True)
class Failure:
    """A measurement that failed, and why, in a line."""

    case: Case
    round: int
    reason: str


@dataclass(frozen=True)
class Spread:
    """The median of several rounds, with their minimum and maximum."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of one or more values."""
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[0], ordered[-1])


@dataclass(frozen=True)
class Results:
    """All runs, with facts about the machine and the versions that were compared.

    Args:
        facts: by their names on the page.
        runs: in the order in which they were measured.
        failures: what could not be measured.
        notes: sentences for the page: which contenders were left out, and how CPU was limited.
    """

    facts: dict[str, str]
    runs: Sequence[Run]
    failures: Sequence[Failure] = ()
    notes: Sequence[str] = ()

    def find(
        self, group: Group, contender: Contender, concurrency: int, latency_ms: int, messages: int | None = None
    ) -> list[Run]:
        """The runs of one case, by round; empty if it was not measured. `messages` None: any number of them."""
        return self.where(
            lambda case: (
                (case.group, case.contender) == (group, contender.name)
                and (case.concurrency, case.latency_ms) == (concurrency, latency_ms)
                and messages in (None, case.messages)
            )
        )

    def where(self, chosen: Callable[[Case], bool]) -> list[Run]:
        """The runs of every case that is chosen."""
        return [run for run in self.runs if chosen(run.case)]

    def of_case(self, case: Case) -> list[Run]:
        """The runs of exactly this case, by round."""
        return [run for run in self.runs if run.case == case]

    def cases(self, group: Group) -> list[Case]:
        """The cases of a group, in the order in which they were measured."""
        return list(dict.fromkeys(run.case for run in self.runs if run.case.group == group))

    def spread(self, case: Case, measure: Measure) -> Spread | None:
        """The spread of a value over the rounds of a case; None if it was not measured."""
        values = [run[measure] for run in self.of_case(case) if measure in run.values]
        return Spread.of(values) if values else None

    def save(self, file: Path) -> None:
        """Writes JSON, one line for each run."""
        runs = ",\n".join(
            json.dumps({"case": asdict(run.case), "round": run.round} | _rounded(run)) for run in self.runs
        )
        failures = json.dumps([asdict(failure) for failure in self.failures])
        facts, notes = json.dumps(self.facts), json.dumps(list(self.notes))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'{{"facts": {facts},\n"notes": {notes},\n"failures": {failures},\n"runs": [\n{runs}\n]}}\n')

    @classmethod
    def load(cls, file: Path) -> Results:
        """Reads what `save` wrote."""
        document = json.loads(file.read_text())
        failures = [Failure(_case(**fields.pop("case")), **fields) for fields in document.get("failures", [])]
        runs = [_run(**fields) for fields in document["runs"]]
        return cls(document["facts"], runs, failures, document.get("notes", []))


def ratios(numerators: Iterable[Run], denominators: Iterable[Run], measure: Measure = Measure.RATE) -> list[float]:
    """The ratios of two contenders' values, round by round, so that noise in one round affects both alike.

    Only rounds in which both were measured count.
    """
    others = {run.round: run[measure] for run in denominators}
    return [run[measure] / others[run.round] for run in numerators if others.get(run.round)]


def window_share(admitted: dict[int, int], limit: int, seconds: int) -> float | None:
    """The share of the complete windows that was used: of all but the first and the last.

    Args:
        admitted: the number of admitted requests, by the Unix time at which their window began.
        limit: requests that one window allows.
        seconds: the length of a window.

    Returns:
        The share, from 0 to 1; None if there is no complete window.
    """
    complete = range(min(admitted, default=0) + seconds, max(admitted, default=0), seconds)
    return sum(admitted.get(begin, 0) for begin in complete) / (limit * len(complete)) if complete else None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by this share of all values (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * share), 1) - 1]


def _case(group: str, **fields: object) -> Case:
    return Case(Group(group), **fields)  # type: ignore[arg-type]  # `save` wrote these types


def _run(case: dict[str, object], round: int, **values: float | None) -> Run:
    measured = {Measure(name): value for name, value in values.items() if value is not None}
    return Run(_case(**case), round, measured)  # type: ignore[arg-type]  # the same


def _rounded(run: Run) -> dict[str, float]:
    return {measure.value: float(f"{value:.6g}") for measure, value in run.values.items()}
