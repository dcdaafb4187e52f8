"""Runs the code blocks of one document as a reader would: one after the other, in one folder and one shell."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from unittest import mock

from intercom_sink.testing import FakeIntercom
from testbed.forked_process import ForkedProcess
from testbed.waiting import wait_until
from tests.support.code_blocks import SHELL, Block, Command
from tests.support.processes import environment_with
from tests.support.programs import Programs

TIMEOUT = 60.0  # seconds for one command

EPILOGUE = """
trap 'code=$?; env -0 > "{state}/environment"; pwd > "{state}/folder"; exit $code' EXIT
"""
"""Keeps what a command leaves behind in its shell for the shell of the next one."""


@dataclass
class _Running:
    """A command that goes on, with what it has shown."""

    command: str
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def shown(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for(self, text: str) -> None:
        wait_until(
            lambda: text in self.shown or self.process.poll() is not None, f"{text!r}", TIMEOUT, lambda: self.shown
        )
        assert text in self.shown, f"{self.command} has ended:\n{self.shown}"


@dataclass
class PageRunner:
    """Runs blocks in order. What goes on beside them is interrupted in the end, and must then exit with 0.

    Args:
        folder: where the blocks run; empty at first.
        state: a folder for this runner's own files.
        programs: starts `intercom-sink`.
        replacements: what stands for something else in the documents: the broker's URL, ports.
        givens: makes what a block's mark `given` names.
        intercom: where requests go, unless a page names another Intercom. A Python block that would go on for ever ends
            once it has received a request that the mark names, such as "POST /contacts".
    """

    folder: Path
    state: Path
    programs: Programs
    replacements: Mapping[str, str]
    givens: Mapping[str, Callable[["PageRunner"], None]]
    intercom: FakeIntercom
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "documents"})
    variables: dict[str, str] = field(init=False)
    _beside: list[tuple[_Running, ForkedProcess]] = field(default_factory=list)
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = self.programs.variables | {"CJW_INTERCOM_API_URL": self.intercom.url}
        self.variables = environment_with({}) | own
        self._current = self.folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            for running, program in reversed(self._beside):
                program.send_signal(signal.SIGINT)
                running.process.wait(TIMEOUT)
                assert kind is not None or running.process.returncode == 0, f"{running.command}:\n{running.shown}"
        finally:
            for process in self._started:
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def run(self, block: Block) -> None:
        """Runs a block, or writes it to its file. Raises AssertionError, or what a Python block raises."""
        if "given" in block.marks:
            self.givens[block.marks["given"]](self)
        text = self._replaced(block.text)
        if "file" in block.marks:
            path = self._current / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif "shown by" in block.marks:
            self._wait_until_shown(block.marks["shown by"], text.strip())
        elif block.language in SHELL:
            *others, last = block.commands
            for command in others:
                self._finish(self._start(block, command), command, 0)
            self._run_last(block, last)
        else:
            self._run_python(block, text)

    def _run_last(self, block: Block, command: Command) -> None:
        running = self._start(block, command)
        if text := block.marks.get("goes on after"):
            running.wait_for(text)
            self._beside.append((running, self.programs.latest()))
            return
        if text := block.marks.get("ends after"):
            running.wait_for(text)
            self.programs.latest().send_signal(signal.SIGINT)
        self._finish(running, command, int(block.marks.get("exit code", 0)))

    def _wait_until_shown(self, command: str, text: str) -> None:
        (running,) = [running for running, _ in self._beside if running.command.startswith(command)]
        running.wait_for(text)

    def _start(self, block: Block, command: Command) -> _Running:
        output = self.state / f"output-{len(self._started)}"
        stdin = self.state / "input"
        stdin.write_text(block.marks.get("input", "") + "\n")
        script = EPILOGUE.format(state=self.state) + self._replaced(command.line)
        with output.open("wb") as stdout, stdin.open("rb") as typed:
            process = subprocess.Popen(
                ["bash", "-e", "-c", script],
                cwd=self._current,
                env=self.variables,
                stdin=typed,
                stdout=stdout,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return _Running(command.line, process, output)

    def _finish(self, running: _Running, command: Command, code: int) -> None:
        running.process.wait(TIMEOUT)
        shown = running.shown
        assert running.process.returncode == code, f"{command.line}\nended with {running.process.returncode}:\n{shown}"
        pairs = (self.state / "environment").read_text().rstrip("\0").split("\0")
        self.variables = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
        self._current = Path((self.state / "folder").read_text().rstrip("\n"))
        if command.output:
            assert_shows(self._restored(shown), command.output)

    def _run_python(self, block: Block, text: str) -> None:
        code = compile(text, str(block), "exec")
        with mock.patch.dict(os.environ, self.variables, clear=True), chdir(self._current):
            awaited = block.marks.get("ends after")
            if awaited is None:
                exec(code, self.names)
                return
            with ThreadPoolExecutor(1) as executor:
                done = executor.submit(exec, code, self.names)
                wait_until(lambda: self._has_received(awaited) or done.done(), awaited, TIMEOUT)
                self.names["sink"].stop()
                done.result(TIMEOUT)

    def _has_received(self, request: str) -> bool:
        return any(request == f"{each.method} {each.path}" for each in list(self.intercom.requests))

    def _replaced(self, text: str) -> str:
        for shown, real in self.replacements.items():
            text = text.replace(shown, real)
        return text

    def _restored(self, text: str) -> str:
        for shown, real in self.replacements.items():
            text = text.replace(real, shown)
        return text


def assert_shows(shown: str, expected: str) -> None:
    """Asserts that a command has shown what a document says; `...` stands for anything, blanks at an end for none."""

    def lines(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip().splitlines())

    pattern = ".*".join(re.escape(part) for part in lines(expected).split("..."))
    assert re.fullmatch(pattern, lines(shown), re.DOTALL), f"expected:\n{expected}\n\nshown:\n{shown}"
