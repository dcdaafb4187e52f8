"""The example producers in other languages: built by `make examples`, and tested where the built copy is current.

python -m tests.support.producers    builds them into build/examples, where their toolchains are installed
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.documents import ROOT
from tests.support.wire_format import FILE

BUILT = ROOT / "build" / "examples"


@dataclass(frozen=True)
class Producer:
    """A producer.

    Args:
        name: its folder in `examples`.
        toolchain: the programs that build and run it.
        build: the commands that build it, in a copy of its folder.
        publish: publishes JSON lines from standard input.
        check: runs the test vectors of the wire format.
    """

    name: str
    toolchain: tuple[str, ...]
    build: tuple[str, ...]
    publish: str
    check: str

    @property
    def folder(self) -> Path:
        """The built copy."""
        return BUILT / self.name

    def missing(self) -> str | None:
        """Why it can't be run; None: it can."""
        lacking = [program for program in self.toolchain if shutil.which(program) is None]
        if lacking:
            return f"{' and '.join(lacking)} not installed"
        stamp = self.folder / "stamp"
        if not stamp.exists() or stamp.read_text() != self._digest():
            return "no current build of it: run `make examples`"
        return None

    def make(self) -> None:
        """Builds it, if it is not current; raises CalledProcessError if that fails, for example without network."""
        if self.missing() is None:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(ROOT / "examples" / self.name, self.folder, ignore=shutil.ignore_patterns("node_modules"))
        for command in self.build:
            # An older Go is an answer, not a reason to download another.
            environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
            subprocess.run(command.split(), cwd=self.folder, env=environment, check=True)
        (self.folder / "stamp").write_text(self._digest())

    def run(self, command: str, input: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs one of its commands, and returns what it prints."""
        environment = os.environ | {"WIRE_FORMAT": str(FILE)} | variables
        return subprocess.run(
            command.split(), cwd=self.folder, env=environment, input=input, capture_output=True, text=True, timeout=60
        )

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for file in sorted((ROOT / "examples" / self.name).iterdir()):
            if file.is_file():
                digest.update(file.name.encode() + file.read_bytes())
        return digest.hexdigest()


PRODUCERS = (
    Producer(
        "producer_go",
        ("go",),
        ("go build -o ./producer .", "go test -c -o ./vectors ."),
        "./producer",
        "./vectors -test.v",
    ),
    Producer(
        "producer_node",
        ("node", "npm"),
        ("npm ci --ignore-scripts --no-audit --no-fund",),
        "node publish.mjs",
        "node --test --test-reporter=tap",
    ),
)


def main() -> None:
    """Builds all, and says which can't be built."""
    for producer in PRODUCERS:
        if all(map(shutil.which, producer.toolchain)):
            producer.make()
        print(f"{producer.name}: {producer.missing() or 'built'}")


if __name__ == "__main__":
    main()
