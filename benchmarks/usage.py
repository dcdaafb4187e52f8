"""CPU time, memory and context switches of a process and its children, as Linux counts them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What processes have used since they started. Memory that they share is counted in each.

    Args:
        at: when this was read, on the monotonic clock.
        cpu: CPU time of all threads, in seconds.
        resident: resident memory now, in MiB.
        peak: peak resident memory, in MiB.
        switches: voluntary context switches of the threads that still run: how often one had to wait.
    """

    at: float
    cpu: float
    resident: float
    peak: float
    switches: int

    def cpu_share(self, later: Usage) -> float:
        """Seconds of CPU time per second until `later`."""
        return (later.cpu - self.cpu) / (later.at - self.at)

    def wakeups(self, later: Usage) -> float:
        """Voluntary context switches per second until `later`."""
        return (later.switches - self.switches) / (later.at - self.at)


def usage_of(pid: int) -> Usage:
    """Reads the usage of a process and all its descendants from /proc.

    The peak that `wait4` reports is of no use: it includes the parent's memory, from before the exec.
    """
    usages = [_usage(process) for process in processes_of(pid)]
    return Usage(
        time.monotonic(),
        sum(usage.cpu for usage in usages),
        sum(usage.resident for usage in usages),
        sum(usage.peak for usage in usages),
        sum(usage.switches for usage in usages),
    )


def cpu_time_of(pid: int) -> float:
    """The CPU time of a process and all its descendants, in seconds."""
    return sum(time.clock_gettime(_cpu_clock(process)) for process in processes_of(pid))


def processes_of(pid: int) -> list[int]:
    """A process and all its descendants."""
    return [pid, *(descendant for child in _children(pid) for descendant in processes_of(child))]


def _children(pid: int) -> Iterator[int]:
    for thread in _threads(pid):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended in the meantime
            yield from map(int, (thread / "children").read_text().split())


def _threads(pid: int) -> list[Path]:
    with suppress(FileNotFoundError):
        return list(Path("/proc", str(pid), "task").iterdir())
    return []


def _usage(pid: int) -> Usage:
    status = Path("/proc", str(pid), "status").read_text()
    return Usage(
        time.monotonic(),
        time.clock_gettime(_cpu_clock(pid)),
        _field(status, "VmRSS") / 1024,
        _field(status, "VmHWM") / 1024,
        sum(_switches(thread) for thread in _threads(pid)),
    )


def _switches(thread: Path) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        return _field((thread / "status").read_text(), "voluntary_ctxt_switches")
    return 0


def _cpu_clock(pid: int) -> int:
    """The clock of a process's CPU time, as clock_getcpuclockid(3) makes it on Linux. /proc counts steps of 10 ms."""
    return (~pid << 3) | 2


def _field(status: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    assert found, f"no {name} in:\n{status}"
    return int(found[1])
