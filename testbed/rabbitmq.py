"""Finds a RabbitMQ for the demo, the tests and the benchmarks.

In this order: `CJW_RABBITMQ_HOST`, if it is set; a private node from a release in the folder that `TESTBED_RABBITMQ`
names; a private node from an installed `rabbitmq-server`; a private node from Debian's packages, unpacked into a folder
of the project; a container, if Docker runs; else an error that says what to do. No step installs anything or needs
root.

    python -m testbed.rabbitmq COMMAND [ARG ...]     runs COMMAND with CJW_RABBITMQ_HOST set, and ends what it started
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from testbed.rabbitmq_container import ContainerNode, docker_runs
from testbed.rabbitmq_node import RELEASE_VARIABLE, PrivateNode, find_files

VARIABLE = "CJW_RABBITMQ_HOST"

ADVICE = f"""\
No RabbitMQ was found, and none could be started. One of these helps:
  - on Debian, let apt-get reach its mirror: RabbitMQ is then unpacked into a folder of this project
  - install RabbitMQ, as Debian's package does it: its files are enough, the service need not run
  - unpack RabbitMQ's generic Unix archive, install Erlang, and set {RELEASE_VARIABLE} to the folder
  - start Docker, and let this user use it
  - set {VARIABLE} to the URL of a broker, such as amqp://guest:guest@localhost:5672/"""


class Node(Protocol):
    """A broker of one's own, which may be stopped, killed and started again, on the same port, with its data kept."""

    @property
    def url(self) -> str: ...

    @property
    def tls_url(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def close(self) -> None: ...

    def ctl(self, *arguments: str) -> str: ...

    def eval(self, code: str) -> str: ...


@contextmanager
def own_node(tls_certificate: Path | None = None, plugins: Sequence[str] = ()) -> Iterator[Node]:
    """A broker of one's own, started; raises SystemExit with advice where there can be none.

    Args:
        tls_certificate: a PEM file with a private key and its certificate; the node listens at `tls_url` too.
        plugins: the plugins that are enabled, of those that RabbitMQ ships.
    """
    node = _make_node(tls_certificate, plugins)
    try:
        node.start()
        yield node
    finally:
        node.close()


@contextmanager
def any_rabbitmq() -> Iterator[str]:
    """The URL of some broker, perhaps one that others use too."""
    if url := os.environ.get(VARIABLE):
        yield url
    else:
        with own_node() as node:
            yield node.url


def _make_node(tls_certificate: Path | None, plugins: Sequence[str]) -> Node:
    if find_files() is not None:
        return PrivateNode(tls_certificate, plugins=plugins)
    if docker_runs():
        return ContainerNode(tls_certificate, plugins)
    raise SystemExit(ADVICE)


def main() -> int:
    """Runs the command of the command line with a broker; SIGTERM ends both, and leaves nothing behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if not os.environ.get(VARIABLE):
        print("starting a private RabbitMQ: takes some seconds", file=sys.stderr)
    with any_rabbitmq() as url:
        return subprocess.run(sys.argv[1:], env=os.environ | {VARIABLE: url}).returncode


if __name__ == "__main__":
    sys.exit(main())
