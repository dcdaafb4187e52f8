"""What can be measured: a case, its group, and its name on the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch

from benchmarks.catalogue import BY_NAME

WINDOW = 1_666
WINDOW_SECONDS = 10
"""The rate window that Intercom grants an app by default: 1,666 requests in 10 s."""
WINDOW_RATE = 166
"""Messages a second that the window allows, rounded down."""

HOT_KEY_SECONDS = 10.0
"""How long a hot-key run lasts; its whole backlog would take minutes, because half of it has one key."""

CPU_LIMIT = 0.15
"""Cores that a contender may use in the cases with a CPU limit."""

SHARED_WINDOW = 300
"""Requests in 10 s: at 16 in flight over 50 ms, any one of several sinks could use it up in a second."""


class Group(StrEnum):
    """The question that a case belongs to."""

    SPEED = "speed"
    TLS = "tls"
    LIMITED = "limited"
    PACED = "paced"
    IDLE = "idle"
    SYSTEM_CALLS = "futex"
    IMPORTS = "imports"
    WINDOW = "window"
    SHARED = "shared"
    HOT_KEY = "hot-key"
    BACKLOG = "backlog"
    PUBLISHING = "publishing"


ROUNDS = {Group.SPEED: 1_000, Group.TLS: 1_000, Group.LIMITED: 3, Group.PACED: 3, Group.IMPORTS: 5, Group.PUBLISHING: 5}
"""In how many rounds a group is measured at most; the others, which take long and differ little, in two."""

SLOW_PEER_ROUNDS = 2
"""The same of a contender that is not close to the sink."""


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Args:
        group: the question that it belongs to.
        contender: the name of who is measured.
        concurrency: requests in flight at most.
        latency_ms: how long the server takes for each response, in milliseconds.
        messages: the size of the backlog, or how many are published during the measurement.
        per_second: messages published a second; 0: they are all in the queue before the contender starts.
        sinks: processes of the contender, each with a queue of its own.
        seconds: how long the measurement lasts, where no number of messages ends it.
    """

    group: Group
    contender: str
    concurrency: int = 0
    latency_ms: int = 0
    messages: int = 0
    per_second: int = 0
    sinks: int = 1
    seconds: int = 0

    @property
    def name(self) -> str:
        """Names it on the command line, such as `speed/20ms/64/sink`."""
        paced = [f"{self.per_second}ps"] if self.per_second else []
        sinks = [f"{self.sinks}sinks"] if self.sinks > 1 else []
        backlog = [str(self.messages)] if self.group == Group.BACKLOG else []
        words = [f"{self.latency_ms}ms", str(self.concurrency)] if self.concurrency else []
        return "/".join([self.group, *words, *backlog, *paced, *sinks, BY_NAME[self.contender].slug])

    @property
    def rounds(self) -> int:
        """In how many rounds it is measured at most."""
        rounds = ROUNDS.get(self.group, 2)
        return rounds if BY_NAME[self.contender].fast else min(rounds, SLOW_PEER_ROUNDS)


def select(cases: Sequence[Case], patterns: Sequence[str], contenders: Sequence[str]) -> list[Case]:
    """The cases whose name begins like one of the patterns, with `*` for anything, and whose contender is chosen.

    Args:
        cases: to choose from.
        patterns: such as `speed/0ms` or `*/64`; none chooses every case.
        contenders: slugs; none chooses every contender.
    """
    return [
        case
        for case in cases
        if (not patterns or any(fnmatch(f"{case.name}/", f"{pattern}/*") for pattern in patterns))
        and (not contenders or BY_NAME[case.contender].slug in contenders)
    ]
