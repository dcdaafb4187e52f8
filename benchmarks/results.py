"""The results of the benchmark, and their JSON file."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.plan import Case, Group


@dataclass(frozen=True)
class Run:
    """One measurement of a case.

    Attributes:
        case: what was measured.
        round: the number of the round, from 1.
        rate: messages per second, from the end of the warm-up to the last response.
        cpu: CPU time of all threads, in microseconds per message, startup not included.
        peak_memory: peak resident memory, in MiB.
        memory_growth: growth of resident memory over the second half of the messages, in MiB.
        refused: how many responses were 429.
        max_in_flight: the highest number of requests that were in flight at once.
        startup: seconds from the start of the process to its first request.
        window_share: the share of the complete rate windows that was used, from 0 to 1; None without complete windows.
        hot_key_rate: messages per second with the hot key; None where there is none.
    """

    case: Case
    round: int
    rate: float
    cpu: float
    peak_memory: float
    memory_growth: float
    refused: int
    max_in_flight: int
    startup: float
    window_share: float | None = None
    hot_key_rate: float | None = None


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
    """All runs, with facts about the machine and the versions that were compared."""

    facts: dict[str, str]
    runs: Sequence[Run]

    def find(
        self, group: Group, contender: str, concurrency: int, latency_ms: int, messages: int | None = None
    ) -> list[Run]:
        """The runs of one case, by round; empty if it was not measured. `messages` None: any number of them."""
        return [
            run
            for run in self.runs
            if (run.case.group, run.case.contender) == (group, contender)
            and (run.case.concurrency, run.case.latency_ms) == (concurrency, latency_ms)
            and messages in (None, run.case.messages)
        ]

    def of_case(self, case: Case) -> list[Run]:
        """The runs of exactly this case, by round."""
        return [run for run in self.runs if run.case == case]

    def cases(self, group: Group) -> list[Case]:
        """The cases of a group, in the order in which they were measured."""
        return list(dict.fromkeys(run.case for run in self.runs if run.case.group == group))

    def spread(self, case: Case, value: Callable[[Run], float]) -> Spread:
        """The spread of a value over the rounds of a case."""
        return Spread.of(value(run) for run in self.of_case(case))

    def save(self, file: Path) -> None:
        """Writes JSON, one line for each run."""
        runs = ",\n".join(json.dumps(_rounded(asdict(run))) for run in self.runs)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'{{"facts": {json.dumps(self.facts)},\n"runs": [\n{runs}\n]}}\n')

    @classmethod
    def load(cls, file: Path) -> Results:
        """Reads what `save` wrote."""
        document = json.loads(file.read_text())
        return cls(document["facts"], [_run(**fields) for fields in document["runs"]])


def ratios(numerators: Iterable[Run], denominators: Iterable[Run]) -> list[float]:
    """The ratios of two contenders' rates, round by round, so that noise in one round affects both alike.

    Empty if one of the two was not measured.
    """
    return [one.rate / other.rate for one, other in zip(numerators, denominators, strict=False)]


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


def _run(case: dict[str, object], **fields: object) -> Run:
    group = Group(str(case.pop("group")))
    return Run(Case(group, **case), **fields)  # type: ignore[arg-type]  # `save` wrote these types


def _rounded(fields: dict[str, object]) -> dict[str, object]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in fields.items()}
