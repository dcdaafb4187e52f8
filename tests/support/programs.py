"""Starts `intercom-sink` for shells, by a fork server."""

import json
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from testbed.forked_process import ForkedProcess, ForkServer
from tests.support import program_shim
from tests.support.processes import fork_server

OF_THE_SHELL = ("_", "OLDPWD", "PATH", "PWD", "SHLVL", program_shim.SOCKET_VARIABLE)
"""Variables that differ in a shell, and mean nothing to the program."""


class Programs:
    """What `intercom-sink` is for a shell whose environment has `variables`.

    Args:
        folder: where the program and its socket are put.
    """

    def __init__(self, folder: Path) -> None:
        self._server: ForkServer = fork_server()
        self._running: list[ForkedProcess] = []
        path, program = folder / "socket", folder / "bin" / "intercom-sink"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable} -IS\n" + Path(program_shim.__file__).read_text())
        program.chmod(0o755)
        self.variables = {
            "PATH": os.pathsep.join([str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
            program_shim.SOCKET_VARIABLE: str(path),
        }
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        self._closing.set()
        for process in self._running:
            process.kill()
        for thread in self._threads[1:]:
            thread.join()

    def latest(self) -> ForkedProcess:
        """The process that was started last."""
        return self._running[-1]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # it is shut down
                return
            thread = threading.Thread(target=self._serve, args=[connection])
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(BrokenPipeError):  # the shell's process may be killed at any time
            message, descriptors, *_ = socket.recv_fds(connection, program_shim.MAX_MESSAGE, 3)
            if not message:
                return
            stdout, stderr, stdin = (os.fdopen(descriptor, "r+b", buffering=0) for descriptor in descriptors)
            with stdout, stderr, stdin:
                try:
                    process = self._start(json.loads(message), stdout, stderr, stdin)
                except ValueError as error:
                    connection.send(json.dumps(str(error)).encode())
                    return
            self._running.append(process)
            if self._closing.is_set():
                process.kill()
            connection.send(json.dumps(process.wait()).encode())

    def _start(self, request: dict[str, Any], stdout: IO[bytes], stderr: IO[bytes], stdin: IO[bytes]) -> ForkedProcess:
        inherited = {name: os.environ[name] for name in OF_THE_SHELL if name in os.environ}
        given = {name: value for name, value in request["environment"].items() if name not in OF_THE_SHELL}
        environment, folder = inherited | given, Path(request["folder"])
        return self._server.start("intercom_sink", request["arguments"], environment, stdout, stderr, stdin, folder)
