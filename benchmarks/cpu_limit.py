"""Limits the CPU time of a process and its children, as a container's CPU limit does.

By a cgroup of its own where one may be made, version 2 or 1. Elsewhere a thread imitates it: in each period of 100 ms
it stops the processes by SIGSTOP once they have used their quota, and continues them in the next period.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from benchmarks.usage import cpu_time_of, processes_of

PERIOD = 0.1
"""Seconds; the kernel's default."""

CHECK_INTERVAL = 0.001
"""Seconds between two looks at the CPU time, where a thread imitates a cgroup."""

V1 = Path("/sys/fs/cgroup/cpu")
V2 = Path("/sys/fs/cgroup")


class Limit(Protocol):
    """How a limit is applied to a process."""

    def command(self, command: Sequence[str]) -> Sequence[str]:
        """The command line that runs the command under the limit."""

    def started(self, pid: int) -> None:
        """Is called once with the process that runs it."""


class CgroupLimit:
    """A cgroup, into which a shell moves itself before it becomes the command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def command(self, command: Sequence[str]) -> Sequence[str]:
        return ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', str(self._folder), *command]

    def started(self, pid: int) -> None:
        pass


class StopAndContinue:
    """A thread that stops the processes for the rest of each period in which they have used their quota."""

    def __init__(self, cores: float) -> None:
        self._quota = cores * PERIOD
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def command(self, command: Sequence[str]) -> Sequence[str]:
        return command

    def started(self, pid: int) -> None:
        self._thread = threading.Thread(target=self._run, args=[pid])
        self._thread.start()

    def close(self) -> None:
        """Ends the limit."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, pid: int) -> None:
        with suppress(OSError):  # the process has ended
            while not self._over.is_set():
                self._period(pid)
        _signal_all(pid, signal.SIGCONT)

    def _period(self, pid: int) -> None:
        ends_at, used = time.monotonic() + PERIOD, cpu_time_of(pid)
        while time.monotonic() < ends_at:
            if cpu_time_of(pid) - used >= self._quota:
                _signal_all(pid, signal.SIGSTOP)
                self._over.wait(max(ends_at - time.monotonic(), 0))
                _signal_all(pid, signal.SIGCONT)
                return
            self._over.wait(CHECK_INTERVAL)


def _signal_all(pid: int, signum: signal.Signals) -> None:
    for process in processes_of(pid):
        with suppress(ProcessLookupError):
            os.kill(process, signum)


@contextmanager
def limit(cores: float) -> Iterator[Limit]:
    """A limit to use for one process in the block, which must have ended with the block."""
    folder = _make_cgroup(cores)
    if folder is not None:
        try:
            yield CgroupLimit(folder)
        finally:
            _remove(folder)
        return
    imitation = StopAndContinue(cores)
    try:
        yield imitation
    finally:
        imitation.close()


def method() -> str:
    """How CPU is limited on this machine, for the page."""
    folder = _make_cgroup(1)
    if folder is None:
        return "SIGSTOP once a process has used its quota in a period of 100 ms, and SIGCONT in the next"
    folder.rmdir()
    return f"a cgroup (version {1 if folder.parent == V1 else 2}), as a container's CPU limit is"


def _make_cgroup(cores: float) -> Path | None:
    """A new cgroup with this quota; None where none may be made."""
    name = f"intercom-sink-benchmark-{os.getpid()}"
    period = round(PERIOD * 1e6)
    quota = round(cores * period)
    for parent, files in (
        (V2, {"cpu.max": f"{quota} {period}"}),
        (V1, {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota)}),
    ):
        folder = parent / name
        with suppress(OSError):
            if not (parent / "cgroup.procs").exists():
                continue
            folder.mkdir()
            try:
                for file, text in files.items():
                    if not (folder / file).exists():
                        raise FileNotFoundError(file)
                    (folder / file).write_text(text)
            except OSError:
                folder.rmdir()
                raise
            return folder
    return None


def _remove(folder: Path) -> None:
    for _ in range(100):
        with suppress(OSError):  # its processes have ended, but the kernel still counts them
            folder.rmdir()
            return
        time.sleep(0.02)
