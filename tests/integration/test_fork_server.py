"""Forked sinks are processes like those that users start, but for the time that they take to start."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from testbed.forked_process import ForkedProcess, ForkServer
from testbed.waiting import wait_until, wait_until_stopped
from tests.support import process_report
from tests.support.processes import environment_with, fork_server

SLEEP = "print('asleep', flush=True)\nimport time\nwhile True: time.sleep(60)"

Start = Callable[..., ForkedProcess]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "stdout"


@pytest.fixture
def err(tmp_path: Path) -> Path:
    return tmp_path / "stderr"


@pytest.fixture
def start(out: Path, err: Path) -> Iterator[Start]:
    """Forks the looking glass, which then runs this code."""
    started: list[ForkedProcess] = []

    def forked(code: str = "", server: ForkServer | None = None, **variables: str) -> ForkedProcess:
        with out.open("wb") as stdout, err.open("wb") as stderr:
            environment = process_environment(**variables)
            process = (server or fork_server()).start(process_report.MODULE, [code], environment, stdout, stderr)
        started.append(process)
        return process

    yield forked
    for process in started:
        process.kill()
        process.wait(10)


def process_environment(**variables: str) -> dict[str, str]:
    """This process's, without coverage, which the server does not measure either."""
    return {name: value for name, value in environment_with(variables).items() if not name.startswith("COVERAGE_")}


def run_really(code: str, out: Path, err: Path, **variables: str) -> int:
    """Does the same in a process that is not forked."""
    command = [sys.executable, "-m", process_report.MODULE, code]
    environment = process_environment(**variables)
    with out.open("wb") as stdout, err.open("wb") as stderr:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
    return done.returncode


def seen(out: Path) -> dict[str, Any]:
    """What the program saw of itself."""
    with out.open() as file:
        return dict(json.loads(file.readline()))


def asleep(out: Path) -> bool:
    return out.read_text().endswith("asleep\n")


def has_ended(descriptor: int) -> bool:
    """Whether the process of this descriptor has."""
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    return bool(ended.poll(0))


def test_a_forked_process_sees_what_a_real_one_sees(start: Start, out: Path, err: Path) -> None:
    """No other descriptor is open either, although the server and other sinks have some."""
    start(SLEEP)
    wait_until(lambda: asleep(out), "a process that runs beside it")
    assert start("", CJW_X="é").wait(10) == 0, err.read_text()
    forked = seen(out)
    assert run_really("", out, err, CJW_X="é") == 0, err.read_text()
    assert forked == seen(out)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "sys.exit()",
        "sys.exit(3)",
        "sys.exit(-1)",
        "sys.exit('what is wrong')",
        "os._exit(4)",
        "raise KeyboardInterrupt",
        "os.kill(os.getpid(), 9)",
        "os.close(1); sys.exit(0)",
        "import atexit; atexit.register(print, 'at exit'); sys.exit(5)",
        "threading.Timer(0.2, print, ['of a thread']).start(); sys.exit(6)",
        "print('left in a buffer'); sys.stdout = None; sys.exit(0)",
    ],
)
def test_it_ends_as_a_real_one_does(start: Start, out: Path, err: Path, code: str) -> None:
    forked = start(code).wait(10), out.read_text(), err.read_text().splitlines()[-1:]
    assert forked == (run_really(code, out, err), out.read_text(), err.read_text().splitlines()[-1:])


def test_an_uncaught_error_is_a_traceback_and_exit_code_1(start: Start, err: Path) -> None:
    assert start("raise LookupError('lost')").wait(10) == 1
    first, *_, last = err.read_text().splitlines()
    assert (first, last) == ("Traceback (most recent call last):", "LookupError: lost")


def test_the_command_line_of_the_sink_runs(out: Path, err: Path) -> None:
    with out.open("wb") as stdout, err.open("wb") as stderr:
        codes = [
            fork_server().start("intercom_sink", arguments, process_environment(), stdout, stderr).wait(10)
            for arguments in (["--version"], ["--no-such-option"])
        ]
    assert codes == [0, 2]
    assert out.read_text() == "intercom-sink 0.1.0\n"
    assert err.read_text().startswith("usage: intercom-sink")


def test_threads_may_wait_for_it_while_another_one_ends_it(start: Start) -> None:
    for _ in range(10):
        process = start(SLEEP)
        with ThreadPoolExecutor(4) as executor:
            waiting = [executor.submit(process.wait, 10) for _ in range(4)]
            process.kill()
            assert {wait.result() for wait in waiting} == {-signal.SIGKILL}
        process.kill()  # does nothing


def test_signals_stop_it_continue_it_and_end_it(start: Start, out: Path) -> None:
    process = start(SLEEP)
    wait_until(lambda: asleep(out), "it")
    process.send_signal(signal.SIGSTOP)
    wait_until_stopped(process.pid)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    process.send_signal(signal.SIGCONT)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert (process.wait(10), process.poll(), process.returncode) == (-signal.SIGTERM,) * 3
    process.kill()  # has no effect any more


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_that_arrives_at_once_is_not_lost(start: Start, signum: signal.Signals) -> None:
    """Of SIGINT Python makes an exception, which a callback of the interpreter's may swallow, in any process."""
    for _ in range(10):
        process = start(SLEEP)
        process.send_signal(signum)
        assert process.wait(10) == -signum


def test_two_processes_share_nothing(start: Start, out: Path) -> None:
    code = "import random; print(random.random(), logging.getLogger().level); logging.basicConfig(level=int('{}'))"
    lines = []
    for variable, level in (("CJW_FIRST", 10), ("CJW_SECOND", 20)):
        assert start(code.format(level), **{variable: "1"}).wait(10) == 0
        assert [name for name in seen(out)["environment"] if name.startswith("CJW_")] == [variable]
        lines.append(out.read_text().splitlines()[1].split())
    assert lines[0][0] != lines[1][0], "random numbers"
    assert lines[0][1] == lines[1][1] == "30"


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONUNBUFFERED", "HOME", "TZ", "OTEL_PYTHON_CONTEXT"])
def test_variable_that_is_read_before_a_sink_runs_is_refused(start: Start, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        start("", **{name: "another"})


def test_the_server_has_no_other_thread_and_no_file(start: Start) -> None:
    server = fork_server()
    assert start().wait(10) == 0
    folder = Path(f"/proc/{server.process.pid}")
    assert len([*(folder / "task").iterdir()]) == 1
    assert len([*(folder / "fd").iterdir()]) == 4, "the standard streams and its socket"


def test_what_a_server_has_started_ends_with_it(start: Start, out: Path) -> None:
    server = ForkServer()
    process = start(SLEEP, server)
    wait_until(lambda: asleep(out), "it")
    descriptor = os.pidfd_open(process.pid)
    server.close()
    wait_until(lambda: has_ended(descriptor), "its end")
    os.close(descriptor)
    process.returncode = -signal.SIGKILL  # nobody is left to ask


def test_the_server_ends_with_a_test_process_that_is_killed() -> None:
    code = (
        "import os, sys, time\n"
        "from testbed.forked_process import ForkServer\n"
        "server, out = ForkServer(), open(os.devnull, 'wb')\n"
        f"process = server.start({process_report.MODULE!r}, [{SLEEP!r}], os.environ, out, out)\n"
        "print(server.process.pid, process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=process_environment(), stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        descriptors = [os.pidfd_open(int(pid)) for pid in tests.stdout.readline().split()]
        assert len(descriptors) == 2
        tests.kill()
    wait_until(lambda: all(map(has_ended, descriptors)), "the ends of the server and of its process")
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_server_that_has_ended_is_an_error(start: Start) -> None:
    server = ForkServer()
    server.process.kill()
    server.process.wait()
    with pytest.raises(ConnectionError):
        start("", server)
    server.close()
