"""CPU time and memory of a process and its children, as Linux counts them."""

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
        cpu: CPU time of all threads, in seconds.
        resident: resident memory now, in MiB.
        peak: peak resident memory, in MiB.
    """

    cpu: float
    resident: float
    peak: float


def usage_of(pid: int) -> Usage:
    """Reads the usage of a process and its children from /proc.

    The peak that `wait4` reports is of no use: it includes the parent's memory, from before the exec.
    """
    usages = [_usage(process) for process in (pid, *_children(pid))]
    return Usage(
        sum(usage.cpu for usage in usages),
        sum(usage.resident for usage in usages),
        sum(usage.peak for usage in usages),
    )


def _children(pid: int) -> Iterator[int]:
    for thread in Path("/proc", str(pid), "task").iterdir():
        with suppress(FileNotFoundError):  # the thread has ended in the meantime
            yield from map(int, (thread / "children").read_text().split())


def _usage(pid: int) -> Usage:
    status = Path("/proc", str(pid), "status").read_text()
    return Usage(time.clock_gettime(_cpu_clock(pid)), _mebibytes(status, "VmRSS"), _mebibytes(status, "VmHWM"))


def _cpu_clock(pid: int) -> int:
    """The clock of a process's CPU time, as clock_getcpuclockid(3) makes it on Linux. /proc counts steps of 10 ms."""
    return (~pid << 3) | 2


def _mebibytes(status: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, f"no {name} in:\n{status}"
    return int(found[1]) / 1024
