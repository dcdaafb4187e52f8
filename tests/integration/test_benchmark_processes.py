"""What the benchmark does to the processes that it measures."""

import os
import subprocess
import sys
import time

from benchmarks.cpu_limit import StopAndContinue
from benchmarks.usage import cpu_time_of, processes_of
from testbed.waiting import wait_until


def test_descendants_count_too() -> None:
    code = "import subprocess, sys; subprocess.run(['sleep', '60'])"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        wait_until(lambda: len(processes_of(process.pid)) == 2, "the child")
        found = processes_of(process.pid)
        for pid in reversed(found):
            os.kill(pid, 9)
    assert found[0] == process.pid


def test_a_process_gets_little_more_than_its_quota_without_a_cgroup() -> None:
    limit = StopAndContinue(0.15)
    command = limit.command([sys.executable, "-c", "while True: pass"])
    with subprocess.Popen(command) as process:
        limit.started(process.pid)
        begin = time.monotonic()
        time.sleep(1)
        share = cpu_time_of(process.pid) / (time.monotonic() - begin)
        limit.close()
        process.kill()
    assert 0.02 < share < 0.3
