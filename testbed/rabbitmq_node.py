"""A private RabbitMQ node: in a temporary folder, on loopback ports, deleted afterwards.

It needs the files of RabbitMQ, not its service: those of another release, unpacked in the folder that
`TESTBED_RABBITMQ` names; else those of Debian's `rabbitmq-server`, installed, or unpacked in a folder of the project.
The node has its own epmd, cookie, data and log, runs as the user who starts it, and may run beside any other broker of
the machine.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from testbed.amqp import answers
from testbed.ports import free_ports

SERVER = "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
"""RabbitMQ's own start script in Debian's package; the one in usr/sbin insists on the user `rabbitmq`."""

RELEASE_VARIABLE = "TESTBED_RABBITMQ"
"""Names the folder of an unpacked release, RabbitMQ's generic Unix archive. Erlang is then found by PATH."""

RELEASE_SERVER = "sbin/rabbitmq-server"
"""The start script in such a folder."""

INSTALLED = Path("/")

UNPACK = Path(__file__).parents[1] / "tools" / "unpack-debian"

CONFIG = """\
log.file.level = warning
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
"""

COOKIE = ".erlang.cookie"

START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0


@cache
def find_files() -> Path | None:
    """The root folder of RabbitMQ's files: a release's, else `/` if it is installed, else Debian's packages unpacked.

    The first call may download them. Returns None, and prints why to standard error, if that fails; returns None also
    where there is no apt-get. Raises SystemExit if the variable names a folder without a release.
    """
    if release := os.environ.get(RELEASE_VARIABLE):
        if not Path(release, RELEASE_SERVER).exists():
            raise SystemExit(f"{RELEASE_VARIABLE}: there is no {RELEASE_SERVER} in {release}")
        return Path(release).absolute()
    if any(INSTALLED.glob(SERVER)):
        return INSTALLED
    if not shutil.which("apt-get"):
        return None
    done = subprocess.run(
        [UNPACK, "rabbitmq-server", "erlang-.*"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


class PrivateNode:
    """A private node: `start()` it, use its `url`, `close()` it.

    `stop()` and `kill()` leave the data where it is, so that `start()` brings the same broker back, on the same port.

    Args:
        tls_certificate: a PEM file with a private key and its certificate; the node listens at `tls_url` too.
        cluster: a node that runs; this one joins it when it first starts, and must be closed before it.
        plugins: the plugins that are enabled, of those that RabbitMQ ships.
    """

    def __init__(
        self,
        tls_certificate: Path | None = None,
        cluster: "PrivateNode | None" = None,
        plugins: Sequence[str] = (),
    ) -> None:
        root = find_files()
        if root is None:
            raise RuntimeError("a private node needs RabbitMQ's files")
        self.folder = Path(tempfile.mkdtemp(prefix="rabbitmq-node-"))
        if root != INSTALLED:
            # RabbitMQ's scripts fail if there is a space in their path, and the project's path may have one.
            link = self.folder / "files"
            link.symlink_to(root)
            root = link
        self._server_script = next(root.glob(SERVER), root / RELEASE_SERVER)
        self.port, self._tls_port, dist_port, self._epmd_port = free_ports(4)
        self.name = f"private-{self.port}@localhost"
        self._cluster = cluster
        if cluster is not None:
            self._epmd_port = cluster._epmd_port
            shutil.copy(cluster.folder / COOKIE, self.folder)
        self._server: subprocess.Popen[bytes] | None = None
        self._joined = False
        self._epmd: subprocess.Popen[bytes] | None = None
        config = self.folder / "rabbitmq.conf"
        config.write_text(CONFIG)
        if tls_certificate is not None:
            with config.open("a") as lines:
                lines.write(f"listeners.ssl.1 = 127.0.0.1:{self._tls_port}\n")
                lines.write(f"ssl_options.certfile = {tls_certificate}\nssl_options.keyfile = {tls_certificate}\n")
        (self.folder / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n")
        self._environment = os.environ | {
            # `erl` and `epmd` are found under the same root.
            "PATH": f"{root / 'usr/bin'}:{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(dist_port),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            # A small Erlang machine: it shares the cores with what it is tested with.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    @property
    def tls_url(self) -> str:
        """Where the node listens with the `tls_certificate` that it was given."""
        return f"amqps://guest:guest@127.0.0.1:{self._tls_port}/"

    @property
    def url(self) -> str:
        """Where the node listens, as an AMQP URL."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Starts the node; returns once a client can connect, raises RuntimeError with its log if none ever can."""
        if self._epmd is None and self._cluster is None:
            self._epmd = subprocess.Popen(
                ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        with (self.folder / "output.log").open("ab") as output:
            # A session of its own: a Ctrl-C meant for the tests must not reach the broker first.
            self._server = subprocess.Popen(
                [self._server_script],
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not answers(self.url):
            if self._server.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"RabbitMQ did not start:\n{self._log_tail()}")
            time.sleep(0.1)
        if self._cluster is not None and not self._joined:
            self._joined = True
            for step in (["stop_app"], ["join_cluster", self._cluster.name], ["start_app"]):
                self.ctl(*step)

    def stop(self) -> None:
        """Shuts the node down gracefully; it closes its clients' connections."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the node as a power cut would."""
        self._end(signal.SIGKILL)

    def ctl(self, *arguments: str) -> str:
        """Runs `rabbitmqctl` on the node, and returns what it prints."""
        return subprocess.run(
            [self._server_script.with_name("rabbitmqctl"), "--quiet", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def eval(self, code: str) -> str:
        """Evaluates Erlang on the node, `ok.` for example; returns the value as Erlang prints it.

        Raises RuntimeError if that fails. `rabbitmqctl eval` does the same, but starts an Erlang of its own for it,
        which takes 0.8 s of CPU.
        """
        cookie = (self.folder / COOKIE).read_text()
        done = subprocess.run(
            ["erl_call", "-sname", self.name, "-c", cookie, "-e"],
            env=self._environment,
            input=code + "\n",
            capture_output=True,
            text=True,
            check=True,
        )
        if not done.stdout.startswith("{ok, "):
            raise RuntimeError(f"{code}: {done.stdout}")
        return done.stdout.removeprefix("{ok, ").removesuffix("}")

    def close(self) -> None:
        """Ends the node and its epmd, and deletes the folder."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
        shutil.rmtree(self.folder)

    def _end(self, signum: signal.Signals) -> None:
        if self._server is None:
            return
        if self._server.poll() is None:
            os.killpg(self._server.pid, signum)
        self._server.wait(STOP_TIMEOUT)
        self._server = None

    def _log_tail(self) -> str:
        logs = [self.folder / "output.log", *(self.folder / "log").glob("*.log")]
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())
