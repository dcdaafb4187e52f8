"""Health over an abstract Unix socket: who is found, who is not, and who does not respond."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from intercom_sink.adapters.monitors.health import socket as health_socket
from intercom_sink.adapters.monitors.health.socket import UNRESPONSIVE, HealthReport, HealthSocket, ask


@contextmanager
def answering(queue: str, problem: str | None = None) -> Iterator[None]:
    running = HealthSocket(queue, lambda: problem)
    try:
        yield
    finally:
        running.close()


@pytest.fixture
def queue() -> str:
    """A name that no other test uses at the same time."""
    return f"queue-{os.getpid()}-{os.urandom(4).hex()}"


def test_a_healthy_and_an_unhealthy_sink_are_told_apart(queue: str) -> None:
    with answering(queue):
        assert ask(queue) == [HealthReport(os.getpid(), None)]
    with answering(queue, "it hangs"):
        assert ask(queue) == [HealthReport(os.getpid(), "it hangs")]
    assert ask(queue) == []


def test_check_that_raises_is_a_problem_and_ends_no_thread(queue: str) -> None:
    def fail() -> str | None:
        raise RuntimeError("s3cr3t-marker")

    running = HealthSocket(queue, fail)
    problem = "the check of its health failed: RuntimeError"
    assert [ask(queue), ask(queue)] == [[HealthReport(os.getpid(), problem)]] * 2
    running.close()


def test_several_sinks_of_a_queue_are_all_asked_and_others_only_without_a_name(queue: str) -> None:
    with answering(queue), answering(queue, "it hangs"), answering(f"{queue}-other", "another"):
        assert sorted(str(report.problem) for report in ask(queue)) == ["None", "it hangs"]
        assert {"it hangs", "another"} <= {report.problem for report in ask()}


def test_it_is_asked_again_and_again(queue: str) -> None:
    with answering(queue):
        assert [ask(queue) for _ in range(20)] == [[HealthReport(os.getpid(), None)]] * 20


def test_a_process_that_does_not_respond_is_unhealthy(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is stopped, or whose threads hang: the kernel accepts the connection nevertheless."""
    monkeypatch.setattr(health_socket, "TIMEOUT", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"\0{health_socket._prefix(queue)}{os.getpid()}-x")
        silent.listen(0)
        assert ask(queue) == [HealthReport(os.getpid(), UNRESPONSIVE)]
        assert ask(queue) == [HealthReport(os.getpid(), UNRESPONSIVE)], "its backlog is full"


@pytest.mark.parametrize("owner", [os.getppid(), 2**22 + 1, "no-pid"])
def test_socket_with_a_full_backlog_is_ignored_unless_its_process_is_known(
    queue: str, owner: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else can be asked whose it is. The process that its name says does not have it, or there is none."""
    monkeypatch.setattr(health_socket, "TIMEOUT", 0.1)
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as first:
        name = f"\0{health_socket._prefix(queue)}{owner}-x"
        silent.bind(name)
        silent.listen(0)
        first.connect(name)
        assert ask(queue) == []


def test_a_client_that_does_not_read_stops_nobody(queue: str) -> None:
    with answering(queue), socket.socket(socket.AF_UNIX) as client:
        ((name, _),) = health_socket._listening(health_socket._prefix(queue))
        client.connect(f"\0{name}")
        client.shutdown(socket.SHUT_RDWR)
        assert ask(queue) == [HealthReport(os.getpid(), None)]


def test_it_answers_again_once_the_process_has_file_descriptors_again(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = socket.socket.accept
    failures = [OSError(errno.EMFILE, "Too many open files")] * 2

    def accept_later(listening: socket.socket) -> object:
        if failures:
            raise failures.pop()
        return accept(listening)

    monkeypatch.setattr(health_socket, "RETRY_DELAY", 0.01)
    with answering(queue):
        monkeypatch.setattr(socket.socket, "accept", accept_later)
        for _ in range(2):  # its thread waits in the true accept
            assert ask(queue) == [HealthReport(os.getpid(), None)]
        assert failures == []


def test_who_runs_as_another_user_is_not_asked(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can make a socket with such a name; root may ask all."""
    with answering(queue):
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert ask(queue) == []
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert ask(queue) == [HealthReport(os.getpid(), None)]


def test_without_the_table_of_sockets_none_is_found(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_socket, "TABLE", health_socket.TABLE / "nowhere")
    with answering(queue):
        assert ask(queue) == []


def test_other_systems_have_no_such_sockets(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(OSError, match="Linux only"):
        HealthSocket(queue, lambda: None)
