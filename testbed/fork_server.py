"""Forks Python programs from a process that has imported what they import, which costs more than most tests.

`python -m testbed.fork_server DESCRIPTOR` answers requests on a socket, of which `testbed.forked_process` has the other
end. Once that is closed, be it by SIGKILL, the server kills what it has started, and ends.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

PRELOADED = (
    "encodings.idna",
    "importlib.metadata",
    "intercom_sink.adapters.traces.tracer",
    "intercom_sink.entrypoints.cli",
    "intercom_sink.entrypoints.commands.run",
    "intercom_sink.entrypoints.endpoints",
)
"""What a sink imports. Nothing of it starts a thread or keeps a file open, or else its children could not be forked."""

MAX_MESSAGE = 1 << 20  # bytes; a socket's buffer takes less


def serve(connection: socket.socket) -> str | None:
    """Forks a child for each request; returns in each of them the module that it must run, and in the server None."""
    running: set[int] = set()
    with suppress(ConnectionError):
        while True:
            message, descriptors, *_ = socket.recv_fds(connection, MAX_MESSAGE, 3)
            if not message:
                break
            request = json.loads(message)
            if isinstance(request, int):  # the child that has this pid, which the system may use again from here on
                ended, status = os.waitpid(request, os.WNOHANG)
                running.discard(ended)
                answer = os.waitstatus_to_exitcode(status) if ended else None
            else:
                answer = os.fork()
                if answer == 0:
                    connection.close()
                    return _begin(request, *descriptors)
                running.add(answer)
            for descriptor in descriptors:
                os.close(descriptor)
            connection.send(json.dumps(answer).encode())
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    return None


def _begin(request: dict[str, Any], stdout: int, stderr: int, *stdin: int) -> str:
    """Makes this process the one that is asked for; returns the module that it must run."""
    for descriptor, standard in ((stdout, 1), (stderr, 2), *((given, 0) for given in stdin)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv[1:] = request["arguments"]
    gc.enable()
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    return str(request["module"])


def _run(module: str, exit_codes: list[int]) -> None:
    """Does as `python -m MODULE` does."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            exit_codes.append(end.code or 0)
        raise


def _skip_teardown(exit_codes: list[int]) -> None:
    """Ends a child that has called `sys.exit`: to free each object takes longer than a short run."""
    for code in exit_codes:
        with suppress(Exception):  # the interpreter reports it, and has an exit code for it
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


if __name__ == "__main__":
    exit_codes: list[int] = []
    atexit.register(_skip_teardown, exit_codes)  # the first, so it is called last; by then no thread runs
    # A terminal sends SIGINT to all. The server stays, since the tests ask for exit codes still; what reaches a child
    # before it is ready waits until then.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    gc.disable()
    for name in PRELOADED:
        import_module(name)
    gc.freeze()
    chosen = serve(socket.socket(fileno=int(sys.argv[1])))
    if chosen is not None:
        _run(chosen, exit_codes)
