"""What a process and its children have taken from the machine so far, as Linux counts it."""

import os
import re
from collections.abc import Iterator
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
    usages = [_usage(folder) for folder in (Path("/proc", str(pid)), *_children(pid))]
    return Usage(
        sum(usage.cpu for usage in usages),
        sum(usage.resident for usage in usages),
        sum(usage.peak for usage in usages),
    )


def _children(pid: int) -> Iterator[Path]:
    for thread in Path("/proc", str(pid), "task").iterdir():
        yield from (Path("/proc", child) for child in (thread / "children").read_text().split())


def _usage(folder: Path) -> Usage:
    # The name of the program may hold blanks: the fields are counted from behind it.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    status = (folder / "status").read_text()
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), _mebibytes(status, "VmRSS"), _mebibytes(status, "VmHWM"))


def _mebibytes(status: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, f"no {name} in:\n{status}"
    return int(found[1]) / 1024
