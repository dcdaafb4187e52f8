"""The example producers in other languages, as `tools/build-producer` builds them for `make test`."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.documents import ROOT
from tests.support.wire_format import FILE


@dataclass(frozen=True)
class Producer:
    """A producer.

    Args:
        name: its folder in `examples`.
        publish: publishes JSON lines from standard input.
        check: runs the test vectors of the wire format.
    """

    name: str
    publish: str
    check: str

    @property
    def folder(self) -> Path:
        """The built copy."""
        return ROOT / "build" / "examples" / self.name

    def missing(self) -> str | None:
        """What the machine lacks to run it; None: nothing. FileNotFoundError: run `make examples`."""
        return (self.folder / "missing").read_text().strip() or None

    def run(self, command: str, input: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs one of its commands, and returns what it prints."""
        environment = os.environ | {"WIRE_FORMAT": str(FILE)} | variables
        return subprocess.run(
            command.split(), cwd=self.folder, env=environment, input=input, capture_output=True, text=True, timeout=60
        )


PRODUCERS = (
    Producer("producer_go", "./producer", "./vectors -test.v"),
    Producer("producer_node", "node publish.mjs", "node --test --test-reporter=tap"),
)
