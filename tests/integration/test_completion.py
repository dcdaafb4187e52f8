"""`intercom-sink completion`: words are really completed, by bash at a terminal."""

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intercom_sink.entrypoints.commands.completion import completion_script
from intercom_sink.entrypoints.parser import build_parser

MAX_SECONDS = 20.0

RC_FILE = """\
PS1='ready> '
bind 'set bell-style none' 'set enable-bracketed-paste off' 'set show-all-if-ambiguous on'
intercom-sink() {{ printf '<%s>' "$@"; echo; }}
{script}
"""
"""The command prints its arguments in place of running."""


class Terminal:
    """bash at a terminal."""

    def __init__(self, folder: Path) -> None:
        rc_file = folder / "rc"
        rc_file.write_text(RC_FILE.format(script=completion_script(build_parser())))
        self._master, slave = pty.openpty()
        bash = shutil.which("bash") or "bash"
        self._process = subprocess.Popen(
            [bash, "--noprofile", "--rcfile", str(rc_file), "-i"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            start_new_session=True,
            env={"TERM": "dumb", "PATH": os.defpath, "COLUMNS": "200"},
        )
        os.close(slave)
        self._read_to("ready> ")

    def type(self, keys: str) -> str:
        """Types keys and a line feed; returns what was printed until the next prompt."""
        os.write(self._master, f"{keys}\n".encode())
        return self._read_to("ready> ", after="\n")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _read_to(self, end: str, after: str = "") -> str:
        text, deadline = "", time.monotonic() + MAX_SECONDS
        while not (text.endswith(end) and after in text):
            ready, _, _ = select.select([self._master], [], [], deadline - time.monotonic())
            assert ready, f"bash printed {text!r}"
            text += os.read(self._master, 4096).decode()
        return text.replace("\r", "")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("bash")
    (folder / "messages.jsonl").touch()
    made = Terminal(folder)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("pub\t", "<publish>"),
        ("dead-l\trepl\t--r\tser\t--d\t", "<dead-letters><replay><--reason><server-error><--dry-run>"),
        ("dead-letters list --limit 3 --j\t", "<dead-letters><list><--limit><3><--json>"),
        ("run --dr\t", "<run><--drain>"),
        ("completion z\t", "<completion><zsh>"),
        ("publish mess\t", "<publish><messages.jsonl>"),
        ("--ver\t", "<--version>"),
    ],
)
def test_tab_completes(terminal: Terminal, keys: str, words: str) -> None:
    assert f"\n{words}\n" in terminal.type(f"intercom-sink {keys}")


def test_two_tabs_list_what_fits(terminal: Terminal) -> None:
    listed = terminal.type("intercom-sink dead-letters \t\tlist")
    assert {"list", "show", "export", "replay", "drop"} <= set(listed.split())
