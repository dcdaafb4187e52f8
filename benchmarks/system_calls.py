"""Counts futex system calls of a process with `perf`, where it is installed and may read the kernel's tracepoints.

A futex call is how a thread waits for another, or wakes one: among others, each time the interpreter's lock changes
hands. `perf` counts in the kernel, so it slows the process far less than `strace` would.
"""

import re
import shutil
import signal
import subprocess
from functools import cache

EVENT = "syscalls:sys_enter_futex"


@cache
def can_count() -> bool:
    """Whether this machine can count them."""
    perf = shutil.which("perf")
    return perf is not None and subprocess.run([perf, "stat", "-e", EVENT, "true"], capture_output=True).returncode == 0


class FutexCounter:
    """Counts the futex calls of all threads of a process, and of its children, from now on."""

    def __init__(self, pid: int) -> None:
        command = ["perf", "stat", "--field-separator", ",", "-e", EVENT, "-p", str(pid)]
        self._perf = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def stop(self) -> int:
        """The number of calls so far."""
        self._perf.send_signal(signal.SIGINT)
        _, output = self._perf.communicate(timeout=10)
        return parse_count(output)


def parse_count(output: str) -> int:
    """The count in the output of `perf stat --field-separator ,`."""
    found = re.search(rf"^(\d+),.*{EVENT}", output, re.MULTILINE)
    assert found, f"perf did not count: {output}"
    return int(found[1])
