"""What was measured: kept as JSON, and read again by whatever shows it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.plan import Cell, Group


@dataclass(frozen=True)
class Run:
    """One measurement of a cell.

    Attributes:
        cell: what was measured.
        round: in which round.
        rate: messages a second, from the end of the warm-up to the last answer.
        cpu: microseconds of CPU a message, all threads, start-up not counted.
        peak: memory at its peak, in MiB.
        growth: by how many MiB the memory grew over the second half of the messages.
        refused: how many 429s were received.
        most_in_flight: how many requests were open at once, at most.
        start: seconds from the start of the process to its first request.
        window_share: how much of the complete windows was used, 1 being all; None where there was none.
        hot_rate: messages a second of the hot key; None where there is none.
    """

    cell: Cell
    round: int
    rate: float
    cpu: float
    peak: float
    growth: float
    refused: int
    most_in_flight: int
    start: float
    window_share: float | None = None
    hot_rate: float | None = None


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, and how far they lie apart."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of at least one value."""
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[0], ordered[-1])


@dataclass(frozen=True)
class Results:
    """All runs, and the facts of the machine that they were made on."""

    facts: dict[str, str]
    runs: Sequence[Run]

    def of(self, group: Group, contender: str, concurrency: int, latency_ms: int, messages: int = 0) -> list[Run]:
        """The runs of one cell, by round; none, where it was not measured. `messages` 0: however many."""
        return [
            run
            for run in self.runs
            if (run.cell.group, run.cell.contender) == (group, contender)
            and (run.cell.concurrency, run.cell.latency_ms) == (concurrency, latency_ms)
            and messages in (0, run.cell.messages)
        ]

    def of_cell(self, cell: Cell) -> list[Run]:
        """The runs of this very cell, by round."""
        return [run for run in self.runs if run.cell == cell]

    def cells(self, group: Group) -> list[Cell]:
        """The cells of a group, in the order in which they were measured."""
        return list(dict.fromkeys(run.cell for run in self.runs if run.cell.group == group))

    def spread(self, cell: Cell, value: Callable[[Run], float]) -> Spread:
        """The spread of a value over the rounds of a cell."""
        return Spread.of(value(run) for run in self.of_cell(cell))

    def save(self, file: Path) -> None:
        """Writes JSON, a line for each run."""
        runs = ",\n".join(json.dumps(_rounded(asdict(run))) for run in self.runs)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'{{"facts": {json.dumps(self.facts)},\n"runs": [\n{runs}\n]}}\n')

    @classmethod
    def load(cls, file: Path) -> Results:
        """Reads what `save` wrote."""
        document = json.loads(file.read_text())
        return cls(document["facts"], [_run(**fields) for fields in document["runs"]])


def ratios(ours: Iterable[Run], theirs: Iterable[Run]) -> list[float]:
    """Our rate by theirs, round by round: what slows a whole round down falls on both."""
    return [our.rate / their.rate for our, their in zip(ours, theirs, strict=False)]  # one may not be measured


def window_share(admitted: dict[int, int], limit: int, seconds: int) -> float | None:
    """How much of the complete windows was used: of all but the first and the last; None where there are no others.

    Args:
        admitted: requests that were admitted, by the beginning of their window.
        limit: requests that a window allows.
        seconds: the length of a window.
    """
    complete = range(min(admitted, default=0) + seconds, max(admitted, default=0), seconds)
    return sum(admitted.get(begin, 0) for begin in complete) / (limit * len(complete)) if complete else None


def _run(cell: dict[str, object], **fields: object) -> Run:
    group = Group(str(cell.pop("group")))
    return Run(Cell(group, **cell), **fields)  # type: ignore[arg-type]  # what was saved had these types


def _rounded(fields: dict[str, object]) -> dict[str, object]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in fields.items()}
