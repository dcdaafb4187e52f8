"""RabbitMQ in a container, for machines that have Docker but neither an installed RabbitMQ nor Debian's packages."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from testbed.amqp import answers
from testbed.ports import free_ports

IMAGE = "rabbitmq:4"
START_TIMEOUT = 120.0

TLS_CONFIG = """\
listeners.ssl.default = 5671
ssl_options.certfile = /tls.pem
ssl_options.keyfile = /tls.pem
"""


def docker_runs() -> bool:
    """Whether there is a Docker engine, and this user may use it."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class ContainerNode:
    """The same as a PrivateNode, from Docker's official image."""

    def __init__(self, tls_certificate: Path | None = None, plugins: Sequence[str] = ()) -> None:
        self._plugins = plugins
        self._port, self._tls_port = free_ports(2)
        self._container: str | None = None
        self._options = ["--publish", f"127.0.0.1:{self._port}:5672"]
        if tls_certificate is not None:
            config = tls_certificate.with_name("tls.conf")
            config.write_text(TLS_CONFIG)
            self._options += ["--publish", f"127.0.0.1:{self._tls_port}:5671"]
            self._options += ["--volume", f"{tls_certificate}:/tls.pem:ro"]
            self._options += ["--volume", f"{config}:/etc/rabbitmq/conf.d/90-tls.conf:ro"]

    @property
    def url(self) -> str:
        """Where the node listens, as an AMQP URL."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    @property
    def tls_url(self) -> str:
        """Where the node listens with the `tls_certificate` that it was given."""
        return f"amqps://guest:guest@127.0.0.1:{self._tls_port}/"

    def start(self) -> None:
        """Starts the container, and returns once a client can open a connection."""
        is_new = self._container is None
        if self._container is None:
            self._container = _docker("run", "--detach", *self._options, IMAGE)
        else:
            _docker("start", self._container)
        deadline = time.monotonic() + START_TIMEOUT
        while not answers(self.url):
            if time.monotonic() > deadline:
                raise RuntimeError(f"RabbitMQ did not start:\n{_docker('logs', self._container)[-2000:]}")
            time.sleep(0.2)
        if is_new and self._plugins:
            _docker("exec", self._container, "rabbitmq-plugins", "--quiet", "enable", *self._plugins)

    def stop(self) -> None:
        """Shuts the node down gracefully; it closes its clients' connections."""
        if self._container is not None:
            _docker("stop", self._container)

    def kill(self) -> None:
        """Ends the node as a power cut would."""
        if self._container is not None:
            _docker("kill", self._container)

    def ctl(self, *arguments: str) -> str:
        """Runs `rabbitmqctl` on the node, and returns what it prints."""
        assert self._container is not None
        return _docker("exec", self._container, "rabbitmqctl", "--quiet", *arguments)

    def eval(self, code: str) -> str:
        """Evaluates Erlang on the node, and returns the value as Erlang prints it."""
        return self.ctl("eval", code)

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
