"""RabbitMQ in a container, where Docker runs and Debian's package can't be had."""

import shutil
import subprocess
import time

from testbed.amqp import answers
from testbed.ports import free_ports

IMAGE = "rabbitmq:4"
START_TIMEOUT = 120.0


def docker_runs() -> bool:
    """Whether there is a Docker engine, and this user may use it."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class ContainerNode:
    """The same as a PrivateNode, from Docker's official image."""

    def __init__(self) -> None:
        (self._port,) = free_ports(1)
        self._container: str | None = None

    @property
    def url(self) -> str:
        """Where the node listens, as an AMQP URL."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Starts the container, and returns once a client can open a connection."""
        if self._container is None:
            self._container = _docker("run", "--detach", "--publish", f"127.0.0.1:{self._port}:5672", IMAGE)
        else:
            _docker("start", self._container)
        deadline = time.monotonic() + START_TIMEOUT
        while not answers(self.url):
            if time.monotonic() > deadline:
                raise RuntimeError(f"RabbitMQ did not start:\n{_docker('logs', self._container)[-2000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Shuts the node down in good order; its clients are told."""
        if self._container is not None:
            _docker("stop", self._container)

    def kill(self) -> None:
        """Ends the node as a power cut would."""
        if self._container is not None:
            _docker("kill", self._container)

    def close(self) -> None:
        """Removes the container."""
        if self._container is not None:
            _docker("rm", "--force", "--volumes", self._container)
            self._container = None


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"docker {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
