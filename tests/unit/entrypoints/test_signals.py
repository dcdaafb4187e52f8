"""SIGTERM and SIGINT, in a process of their own."""

import signal
import subprocess
import sys

import pytest

PREAMBLE = """\
import os, signal, threading, time
from intercom_sink.entrypoints.signals import stopping_on_signals
def say(text): os.write(1, text.encode() + b"\\n")
"""


def start(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", PREAMBLE + code], stdout=subprocess.PIPE, text=True)


def read(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_calls_stop_once(signum: signal.Signals) -> None:
    with start(
        "stopped = threading.Event()\n"
        "with stopping_on_signals(lambda: (say('stop'), stopped.set())):\n"
        "    say('ready'); stopped.wait()\n"
        "say('end')"
    ) as process:
        assert read(process) == "ready"
        process.send_signal(signum)
        assert [read(process), read(process)] == ["stop", "end"]
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("body", "first", "second"),
    [
        ("lock.acquire()", signal.SIGTERM, signal.SIGTERM),
        ("pass", signal.SIGTERM, signal.SIGTERM),
        ("pass", signal.SIGTERM, signal.SIGINT),
    ],
    ids=["the work blocks too", "the work has ended", "another signal"],
)
def test_second_signal_ends_the_process_even_if_stop_blocks(
    body: str, first: signal.Signals, second: signal.Signals
) -> None:
    with start(
        "lock = threading.Lock(); lock.acquire()\n"
        "begun = threading.Event()\n"
        "def stop(): say('stop'); begun.set(); lock.acquire()\n"
        "with stopping_on_signals(stop):\n"
        f"    say('ready'); begun.wait(); {body}\n"
        "say('not reached')"
    ) as process:
        assert read(process) == "ready"
        process.send_signal(first)
        assert read(process) == "stop"
        process.send_signal(second)
        assert process.wait(10) == 128 + second
        assert read(process) == ""


def test_stop_is_not_called_without_a_signal_and_signals_work_as_before_afterwards() -> None:
    with start(
        "for _ in range(20):\n"
        "    with stopping_on_signals(lambda: say('stop')): pass\n"
        "assert threading.active_count() == 1\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n"
        "say('ready'); time.sleep(60)"
    ) as process:
        assert read(process) == "ready"
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM


def test_error_in_the_block_is_raised_and_the_signals_are_as_before() -> None:
    with start(
        "try:\n"
        "    with stopping_on_signals(lambda: say('stop')): raise LookupError\n"
        "except LookupError: say('raised')\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL"
    ) as process:
        assert read(process) == "raised"
        assert process.wait(10) == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_thread_of_other_code_that_takes_a_signal_does_not_end_the_process(signum: signal.Signals) -> None:
    """OpenTelemetry's SDK, for one, starts a thread before the sink: it may be the one that the kernel chooses."""
    with start(
        "other = threading.Thread(target=time.sleep, args=[60], daemon=True); other.start()\n"
        "stopped = threading.Event()\n"
        "with stopping_on_signals(lambda: (say('stop'), stopped.set())):\n"
        f"    say('ready'); signal.pthread_kill(other.ident, {signum:d}); stopped.wait()\n"
        "    say('end'); time.sleep(60)"
    ) as process:
        assert [read(process), read(process), read(process)] == ["ready", "stop", "end"]
        process.send_signal(signum)
        assert process.wait(10) == 128 + signum


def test_signal_to_the_process_stops_it_gracefully_beside_such_a_thread() -> None:
    with start(
        "others = [threading.Thread(target=time.sleep, args=[60], daemon=True) for _ in range(8)]\n"
        "for other in others: other.start()\n"
        "stopped = threading.Event()\n"
        "with stopping_on_signals(lambda: (say('stop'), stopped.set())):\n"
        "    say('ready'); stopped.wait()\n"
        "say('end')"
    ) as process:
        assert read(process) == "ready"
        process.terminate()
        assert [read(process), read(process)] == ["stop", "end"]
        assert process.wait(10) == 0


def test_handlers_and_wakeup_are_as_before_afterwards() -> None:
    with start(
        "reader, writer = os.pipe(); os.set_blocking(writer, False); signal.set_wakeup_fd(writer)\n"
        "before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), len(os.listdir('/proc/self/fd'))\n"
        "with stopping_on_signals(lambda: say('stop')): pass\n"
        "after = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), len(os.listdir('/proc/self/fd'))\n"
        "assert after == before\n"
        "assert signal.set_wakeup_fd(-1) == writer\n"
        "say('same')"
    ) as process:
        assert read(process) == "same"
        assert process.wait(10) == 0
