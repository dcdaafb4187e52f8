"""Health without HTTP: `intercom-sink healthy` asks the sinks that run beside it, over an abstract Unix socket.

Such a socket is a name in the network namespace, not a file: it needs no writable folder, and it is gone with its
process. Anybody in that namespace may ask, and learns one line about health. Each sink has a name of its own, with a
digest of its queue's name in it. `ask` finds these names in the kernel's table of sockets. It ignores processes outside
its own PID namespace and, unless it runs as root, those of other users.
"""

import hashlib
import os
import secrets
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PREFIX = "intercom-sink-health/"
"""What the names of the sockets begin with."""

TIMEOUT = 5.0
"""Seconds after which a sink that does not respond is unhealthy: it may be stopped, or hang."""

UNRESPONSIVE = "it does not respond"
"""Said of a process that is stopped or hangs."""

TABLE = Path("/proc/self/net/unix")
"""Where the kernel lists the sockets of the network namespace."""

BACKLOG = 128
"""Pending connections of a process that accepts none; more are refused."""

MAX_REPORT = 1000
"""Bytes of a report."""

RETRY_DELAY = 1.0
"""Seconds from an `accept` that failed to the next."""

_HEALTHY = b"healthy\n"

_LISTENS = "00010000"
"""The flags of a listening socket in that table. Its connections have its name too."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What a sink says of itself.

    Args:
        pid: its process.
        problem: why it is unhealthy; None: it is healthy.
    """

    pid: int
    problem: str | None


class HealthSocket:
    """Answers from the start until `close`, on a thread of its own.

    Args:
        queue: the name of the sink's queue.
        find_problem: returns why the sink is unhealthy, in one line, or None.

    Raises:
        OSError: this system has no such sockets, or does not allow them.
    """

    def __init__(self, queue: str, find_problem: Callable[[], str | None]) -> None:
        if sys.platform != "linux":
            raise OSError("abstract Unix sockets exist on Linux only")
        self._find_problem = find_problem
        self._closed = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(f"\0{_prefix(queue)}{os.getpid()}-{secrets.token_hex(4)}")
            self._socket.listen(BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self._thread = threading.Thread(target=self._serve, name="health socket", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._closed.set()
        self._socket.shutdown(socket.SHUT_RDWR)  # ends its accept
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # this process has no more file descriptors, or the socket is closed
                if self._closed.wait(RETRY_DELAY):
                    return
                continue
            with connection, suppress(OSError):
                connection.settimeout(TIMEOUT)
                connection.sendall(self._report())

    def _report(self) -> bytes:
        try:
            problem = self._find_problem()
        except Exception as error:  # noqa: BLE001 a bug must not end this thread
            problem = f"the check of its health failed: {type(error).__qualname__}"
        return _HEALTHY if problem is None else f"{problem}\n".encode()[:MAX_REPORT]


def ask(queue: str | None = None) -> list[HealthReport]:
    """Asks the sinks that run beside this process.

    Args:
        queue: only those that consume a queue of this name; None: all.
    """
    reports = [_ask(name, inode) for name, inode in _listening(_prefix(queue))]
    return [report for report in reports if report is not None]


def _prefix(queue: str | None) -> str:
    if queue is None:
        return PREFIX
    name = queue.encode(errors="surrogateescape")  # bytes of the environment that are not UTF-8 name no sink's queue
    return f"{PREFIX}{hashlib.sha256(name).hexdigest()[:16]}/"


def _listening(prefix: str) -> Iterator[tuple[str, str]]:
    """The listening sockets whose names begin so, and their inodes; the kernel writes @ for the zero byte."""
    try:
        lines = TABLE.read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in sorted(line for line in lines if f" @{prefix}" in line):
        _, _, _, flags, _, _, inode, name = line.split(maxsplit=7)
        if flags == _LISTENS:
            yield name[1:], inode


def _holds(pid: str, inode: str) -> bool:
    """Whether a process has this socket, as far as this one may see: not if it is another user's, unless root asks."""
    if not pid.isdecimal():
        return False
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    for descriptor in descriptors:
        with suppress(OSError):  # it was closed meanwhile
            if str(descriptor.readlink()) == f"socket:[{inode}]":
                return True
    return False


def _ask(name: str, inode: str) -> HealthReport | None:
    """What the sink with this socket says; None: it has just ended, or is not ours to ask."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(f"\0{name}")
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except (TimeoutError, BlockingIOError):  # its backlog is full
            pid = name.removeprefix(PREFIX).partition("/")[2].partition("-")[0]
            return HealthReport(int(pid), UNRESPONSIVE) if _holds(pid, inode) else None
        except OSError:
            return None
        pid, uid, _ = struct.unpack("3i", credentials)
        if pid == 0 or os.geteuid() not in (0, uid):
            return None
        try:
            report = connection.recv(MAX_REPORT)
        except TimeoutError:
            return HealthReport(pid, UNRESPONSIVE)
        except OSError:
            return None
    if not report:
        return None
    return HealthReport(pid, None if report == _HEALTHY else report.decode(errors="replace").strip())
