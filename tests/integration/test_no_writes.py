"""The sink writes no file: it runs in a container with a read-only root file system, and without a home folder."""

from pathlib import Path

import pytest

from intercom_sink.testing.intercom import FakeIntercom, error
from tests.support.messages import messages
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue

pytestmark = pytest.mark.real_processes

EXIT_CODE = 99

AUDIT = f"""\
import os
import sys

FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")

def refuse(event, arguments):
    opened = event == "open" and not isinstance(arguments[0], int) and (arguments[2] or 0) & FLAGS
    if event in CHANGES or opened and arguments[0] != os.devnull:
        os.write(2, f"{{event}} {{arguments}}\\n".encode())
        os._exit({EXIT_CODE})

sys.addaudithook(refuse)
"""
"""Python imports it at its start, as `sitecustomize`; it ends the process at its first attempt to write."""


def hardened(folder: Path) -> dict[str, str | None]:
    """The variables of such a container. The measurement of coverage, which writes a file, is switched off."""
    (folder / "sitecustomize.py").write_text(AUDIT)
    coverage = {"COVERAGE_PROCESS_START": None, "COVERAGE_PROCESS_CONFIG": None}
    return coverage | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "HOME": None}


def test_sink_writes_no_file(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink, tmp_path: Path
) -> None:
    intercom.script.append(error(422, "bad"))
    queue.publish(*messages(20), b"\xc1")
    sink = start_sink(
        queue, "run", "--drain", **dead_letters.variables, **hardened(tmp_path), CJW_INTERCOM_CONCURRENCY="2"
    )
    assert sink.wait() == 0, sink.stderr
    assert dead_letters.depth == 2


def test_such_a_write_would_be_noticed(
    queue: Queue, dead_letters: DeadLetterQueue, start_sink: StartSink, tmp_path: Path
) -> None:
    dead_letters.declare()
    dead_letters.publish(*messages(1))
    target = tmp_path / "exported"
    export = start_sink(queue, "dead-letters", "export", str(target), **dead_letters.variables, **hardened(tmp_path))
    assert export.wait() == EXIT_CODE, export.stderr
    assert not target.exists()
