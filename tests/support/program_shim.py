"""The program `intercom-sink` on a shell's PATH, whose processes a fork server starts: that saves most of their CPU.

What is on the PATH is this file, run by a bare Python. It hands its arguments, variables and streams to the socket that
is named in its environment, waits for the exit code, and ends with it. `Programs` is at the other end.
"""

import json
import os
import socket
import sys

SOCKET_VARIABLE = "DOCUMENTS_SOCKET"

MAX_MESSAGE = 1 << 20  # bytes


def main() -> int:
    """Has the program run elsewhere; returns its exit code."""
    request = {"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(os.environ[SOCKET_VARIABLE])
        socket.send_fds(connection, [json.dumps(request).encode()], [1, 2, 0])
        answer = json.loads(connection.recv(MAX_MESSAGE))
    if isinstance(answer, str):
        sys.exit(answer)
    return int(answer)


if __name__ == "__main__":
    sys.exit(main())
