"""What a process and its children have taken from the machine so far, as Linux counts it."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """CPU time of all threads, in seconds; memory now and at its peak, in MiB.

    Memory that processes share is counted in each.
    """

    cpu: float
    resident: float
    peak: float


def usage_of(pid: int) -> Usage:
    """Reads /proc. (The peak that `wait4` tells includes the parent's memory, from before the exec.)"""
    usages = [_usage(one) for one in (pid, *_children(pid))]
    return Usage(
        sum(usage.cpu for usage in usages),
        sum(usage.resident for usage in usages),
        sum(usage.peak for usage in usages),
    )


def _children(pid: int) -> Iterator[int]:
    for thread in Path("/proc", str(pid), "task").iterdir():
        with suppress(FileNotFoundError):  # it has ended meanwhile
            yield from map(int, (thread / "children").read_text().split())


def _usage(pid: int) -> Usage:
    status = Path("/proc", str(pid), "status").read_text()
    return Usage(time.clock_gettime(_cpu_clock(pid)), _mebibytes(status, "VmRSS"), _mebibytes(status, "VmHWM"))


def _cpu_clock(pid: int) -> int:
    """The clock of a process's CPU time, as clock_getcpuclockid(3) makes it on Linux. (/proc counts 10 ms steps.)"""
    return (~pid << 3) | 2


def _mebibytes(status: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, f"no {name} in:\n{status}"
    return int(found[1]) / 1024
