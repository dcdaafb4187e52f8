"""One measurement: a fresh server, a fresh queue and a fresh process, until every message has its answer."""

import itertools
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from benchmarks.backlog import publish_messages, wait_for_depth
from benchmarks.contenders import Job
from benchmarks.contenders.celery_requests import publish_tasks
from benchmarks.messages import HOT_PATH, PATH
from benchmarks.plan import (
    CELERY,
    FASTSTREAM,
    HOT_SECONDS,
    LIMIT,
    PLAIN_LOOP,
    SINK,
    WINDOW,
    WINDOW_SECONDS,
    Cell,
    Group,
)
from benchmarks.results import Run, window_share
from benchmarks.usage import Usage, usage_of
from testbed.amqp import delete, depth
from testbed.waiting import wait_until

PYTHON = (sys.executable, "-m")
COMMANDS = {
    LIMIT: (*PYTHON, "benchmarks.contenders.limit"),
    PLAIN_LOOP: (*PYTHON, "benchmarks.contenders.plain_loop"),
    FASTSTREAM: (*PYTHON, "faststream", "run", "benchmarks.contenders.faststream_httpx:app"),
    CELERY: (*PYTHON, "benchmarks.contenders.celery_requests"),
    SINK: (*PYTHON, "intercom_sink", "run"),
}

RUNS = itertools.count(1)
"""The number of a run is in the name of its queue: clients remember what they have declared."""
TIMEOUT = 600.0
"""Seconds that one run may take, at most."""
STOP_TIMEOUT = 30.0
LAST_ACKS = 0.3
"""Seconds that the acks of the last answers have, before the process is stopped. Nothing is measured in them."""


class Server:
    """The HTTP server, a process of its own, and what it prints."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{int(self._line())}"

    def wait_for_mark(self, contender: "Contender", timeout: float) -> None:
        """Waits for the next mark; raises AssertionError if it does not come in time, or the contender ends first."""
        wait_until(lambda: self._has_line() or contender.ended(), "the next mark", timeout, contender.output)
        assert self._has_line(), f"the contender has ended:\n{contender.output()}"
        self._line()

    def seen(self) -> Any:
        """Ends the server; all that it saw."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        lines = [self._line()]
        while not lines[-1].startswith(b"{"):  # marks that nobody waited for
            lines.append(self._line())
        return json.loads(lines[-1])

    def _has_line(self) -> bool:
        assert self.process.stdout is not None
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the server has ended"
        return line


class Contender:
    """The process that is measured."""

    def __init__(self, process: subprocess.Popen[bytes], began: float, output: IO[bytes]) -> None:
        self.process = process
        self.began = began
        self._output = output

    def usage(self) -> Usage:
        """What it has taken so far."""
        return usage_of(self.process.pid)

    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.process.poll() is not None

    def output(self) -> str:
        """The end of what it has printed."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")[-2000:]


def measure(broker: str, cell: Cell, number: int) -> Run:
    """Measures a cell once; raises AssertionError if a message is lost, sent twice, or takes too long.

    Args:
        broker: the URL of a RabbitMQ that has nothing else to do.
        cell: what to measure.
        number: which round this is.
    """
    with started_server(cell) as server:
        job = Job(broker, f"benchmark-{next(RUNS)}", server.url, cell.concurrency, cell.messages)
        with _backlog(cell, job), _contender(cell, job) as contender:
            began = contender.began
            usages = _follow(cell, server, contender)
            time.sleep(LAST_ACKS)
        seen = server.seen()
    return _result(cell, number, began, usages, seen)


def _follow(cell: Cell, server: Server, contender: Contender) -> list[Usage]:
    """What the contender had taken by the first message, by half of them, and by the last one."""
    usages: list[Usage] = []
    for _ in range(3):
        if cell.group == Group.HOT_KEY and usages:
            time.sleep(HOT_SECONDS / 2)  # it is not waited for to its end
        else:
            server.wait_for_mark(contender, TIMEOUT)
        usages.append(contender.usage())
    return usages


def _result(cell: Cell, number: int, began: float, usages: list[Usage], seen: Any) -> Run:
    first, half, last = usages
    answered = seen["answered"]
    count = sum(path["count"] for path in answered.values())
    if cell.group != Group.HOT_KEY:
        count += warm_up(cell)
        assert count == cell.messages, f"{count} good answers to {cell.messages} messages"
    return Run(
        cell,
        number,
        rate=_rate(answered[PATH]),
        cpu=(last.cpu - first.cpu) / count * 1e6,
        peak=last.peak,
        growth=last.resident - half.resident,
        refused=seen["refused"],
        most_in_flight=seen["most_in_flight"],
        start=min(path["first_request"] for path in answered.values()) - began,
        window_share=window_share({int(begin): n for begin, n in seen["windows"].items()}, WINDOW, WINDOW_SECONDS),
        hot_rate=_rate(answered[HOT_PATH]) if HOT_PATH in answered else None,
    )


def warm_up(cell: Cell) -> int:
    """The first tenth of the messages, whole rounds of all that may be in flight: they count for no rate.

    In them connections are opened, and the sink sends one request ahead of all others.
    """
    if cell.group == Group.HOT_KEY:
        return 0
    return cell.concurrency * max(cell.messages // (10 * cell.concurrency), 1)


def _rate(answered: Any) -> float:
    return float(answered["count"] / (answered["last_answer"] - answered["warm"]))


@contextmanager
def started_server(cell: Cell) -> Iterator[Server]:
    """The server that a cell asks for, ended with the block."""
    marks = sorted({1, cell.messages // 2, cell.messages})
    command = [*PYTHON, "benchmarks.server", "--latency", str(cell.latency_ms / 1000)]
    command += ["--warm-up", str(warm_up(cell)), "--marks", ",".join(map(str, marks))]
    if cell.group == Group.WINDOW:
        command += ["--limit", str(WINDOW)]
    process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with _ended(process):
        yield Server(process)


@contextmanager
def _backlog(cell: Cell, job: Job) -> Iterator[None]:
    """The messages of the job; all of them must be acked in the end."""
    if cell.contender == LIMIT:
        yield
        return
    try:
        if cell.contender == CELERY:
            publish_tasks(job)
        else:
            publish_messages(job, hot=cell.group == Group.HOT_KEY)
        wait_for_depth(job)
        yield
        left = depth(job.broker, job.queue)
        assert left == 0 or cell.group == Group.HOT_KEY, f"{left} messages were not acked"
    finally:
        delete(job.broker, job.queue)


@contextmanager
def _contender(cell: Cell, job: Job) -> Iterator[Contender]:
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(
            COMMANDS[cell.contender],
            env=os.environ | job.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        with _ended(process):
            yield Contender(process, began, output)


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that has ended once the block has."""
    with process:
        try:
            yield
            process.terminate()
            process.wait(STOP_TIMEOUT)
        finally:
            process.kill()
