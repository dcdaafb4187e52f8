"""Every code block of the documents is run by a test, or says why not; and every command in the text exists."""

import json
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Callable
from configparser import ConfigParser
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import cache
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import pytest
import yaml

from intercom_sink.adapters.installation import sink_version
from intercom_sink.adapters.monitors.health.rules import readiness
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.domain.causes import PauseCause
from intercom_sink.domain.events import Consuming, Paused
from intercom_sink.entrypoints.json_lines import read_lines
from intercom_sink.entrypoints.parser import build_parser
from intercom_sink.testing import VirtualClock
from tests.support.code_blocks import MARKS, Block, Command, blocks_of, inline_code
from tests.support.documents import DOCUMENTS, ROOT
from tests.support.page_runner import assert_shows

NOT_RUN = {
    "a measurement": 8,
    "another check runs it": 2,
    "installs packages": 4,
    "needs Docker": 4,
    "needs a cluster": 1,
    "needs a plugin of RabbitMQ": 2,
    "needs root": 1,
    "the state of a moment": 1,
}
"""How many blocks are not run, for each reason. Change a number only if a block can't be run here at all."""

OTHER_PROGRAMS = {
    ".venv/bin/pip": 1,
    "apt": 1,
    "apt-get": 1,
    "cosign": 1,
    "docker": 5,
    "dpkg": 1,
    "gh": 1,
    "kubectl": 7,
    "pip": 1,
    "rabbitmqctl": 2,
    "service": 1,
    "systemctl": 2,
}
"""How many commands of other programs stand in the text, where no test runs them."""


def check_json(text: str) -> None:
    """Parses JSON; lines with a `method` are read as `intercom-sink publish` reads them."""
    if '"method"' in text:
        assert read_lines(text.encode().splitlines()) != []
    else:
        json.loads(text)


PARSERS: dict[str, Callable[[str], object]] = {
    "ini": lambda text: ConfigParser().read_string(text),
    "json": check_json,
    "toml": tomllib.loads,
    "yaml": lambda text: list(yaml.safe_load_all(text)),
}
"""How blocks of other languages are checked."""

PLACEHOLDER = re.compile(r"^(N|[A-Z_]+)$")


@cache
def all_blocks() -> list[Block]:
    """The blocks of every document."""
    return [block for page in DOCUMENTS for block in blocks_of(page)]


@cache
def all_inline_code() -> list[tuple[Path, str]]:
    """What stands in backquotes, with its page."""
    return [(page, code) for page in DOCUMENTS for code in inline_code(page)]


def test_every_block_is_run_or_parsed_or_says_why_not() -> None:
    assert len([block for block in all_blocks() if block.runs]) >= 5
    for block in all_blocks():
        if block.is_code and block.reason is None and not block.runs:
            assert block.language in PARSERS, f"{block} is neither run nor marked"
            PARSERS[block.language](block.text)


def test_blocks_that_are_not_run_are_counted() -> None:
    assert Counter(block.reason for block in all_blocks() if block.reason is not None) == NOT_RUN


def test_blocks_of_text_hold_no_commands() -> None:
    """They would be neither run nor counted."""
    texts = [block for block in all_blocks() if not block.is_code]
    assert texts != []
    assert [str(block) for block in texts if re.search(r"^[$#] ", block.text, re.MULTILINE)] == []


def test_what_runs_a_block_elsewhere_exists() -> None:
    """A file of the project, or a target of make."""
    targets = make_targets()
    named = {str(block): block.run_by for block in all_blocks() if block.run_by is not None}
    missing = {
        block: name
        for block, name in named.items()
        if not ((ROOT / name).exists() or name.removeprefix("make ") in targets)
    }
    assert missing == {}


def test_every_mark_is_known() -> None:
    """A mark that is misspelt would have no effect."""
    assert {mark for block in all_blocks() for mark in block.marks} <= set(MARKS)
    comments = [
        comment for page in DOCUMENTS for comment in re.findall(r"^ *<!-- ([a-z ]+): ", page.read_text(), re.MULTILINE)
    ]
    assert len(comments) == sum(len(block.marks) for block in all_blocks()), "a mark that stands before no block"


def test_every_file_that_a_page_makes_is_used_by_a_later_block_of_it() -> None:
    for page in DOCUMENTS:
        blocks = blocks_of(page)
        for index, block in enumerate(blocks):
            if name := block.marks.get("file"):
                assert any(name in later.text for later in blocks[index + 1 :]), f"{block}: nothing uses {name}"


def commands_of(program: str) -> list[tuple[str, list[str]]]:
    """The words of each command of a program in the text, with the page."""
    return [
        (page.name, words)
        for page, code in all_inline_code()
        if code.startswith(f"{program} ") and (words := shlex.split(code))
    ]


def test_every_command_of_the_sink_in_the_text_is_one_that_its_parser_takes() -> None:
    """Placeholders in capitals stand for a number or a name; the text may name a command without its arguments."""
    found = commands_of("intercom-sink")
    assert len(found) > 5
    refused = {}
    for page, (_, *words) in found:
        usable = ["1" if PLACEHOLDER.match(word) else word for word in words if not word.startswith("[")]
        problem = complaint(usable)
        if problem and "are required" not in problem and "expected one argument" not in problem:
            refused[page, *words] = problem
    assert refused == {}


def complaint(arguments: list[str]) -> str:
    """What the command line says of these arguments; empty if it takes them."""
    with suppress(SystemExit), redirect_stdout(StringIO()), redirect_stderr(StringIO()) as errors:
        build_parser().parse_args(arguments)
    return errors.getvalue()


def test_every_target_of_make_in_the_text_exists() -> None:
    words = [words for program in ("make", "DRILL_PICTURES=FOLDER make") for _, words in commands_of(program)]
    named = {word for each in words for word in each[1:] if word.islower() and "=" not in word} - {"make"}
    assert len(named) > 5
    assert named - make_targets() == set()


def test_every_module_that_python_is_told_to_run_exists() -> None:
    texts = [*(code for _, code in all_inline_code()), *(block.text for block in all_blocks())]
    modules = {module for text in texts for module in re.findall(r"python -m ([\w.]+)", text)} - {"venv", "pip"}
    assert len(modules) > 3
    assert [module for module in modules if find_spec(module) is None] == []


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_commands_of_other_programs_in_the_text_are_counted() -> None:
    words = [code.split() for _, code in all_inline_code()]
    assert Counter(first for first, *others in words if others and first in OTHER_PROGRAMS) == OTHER_PROGRAMS


def test_response_of_readyz_has_the_fields_that_its_example_shows() -> None:
    (shown,) = [
        json.loads(command.output) for block in all_blocks() for command in block.commands if "/readyz" in command.line
    ]
    clock = VirtualClock()
    monitor = StateMonitor(clock)
    monitor.record(Consuming("amqp://rabbit/", "intercom"))
    monitor.record(Paused(PauseCause.RATE_LIMITED, 10, clock.now + 10))
    paused = readiness(monitor.snapshot(), sink_version())
    assert {name: type(value) for name, value in shown.items()} == {name: type(value) for name, value in paused.items()}
    assert [shown[name] for name in ("ready", "state", "cause", "version")] == [
        paused[name] for name in ("ready", "state", "cause", "version")
    ]


def test_commands_and_their_output_are_told_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- exit code: 1 -->\n```console\n$ a \\\n  b\n# c\nshown\n\nmore\n```\n")
    (block,) = blocks_of(page)
    assert block.commands == [Command("a \\\n  b"), Command("c", "shown\n\nmore")]
    assert block.marks == {"exit code": "1"}
    assert (block.line, block.runs) == (2, True)


def test_mark_says_why_a_block_is_not_run_and_what_runs_it_elsewhere(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "- in a list:\n\n  <!-- not run: needs root (make test) -->\n  ```sh\n  a\n  ```\n\ntext\n\n    b\n"
    )
    marked, indented = blocks_of(page)
    assert (marked.reason, marked.run_by, marked.runs) == ("needs root", "make test", False)
    assert (indented.language, indented.text, indented.marks) == ("", "b\n", {})


def test_output_is_compared_with_what_the_page_shows() -> None:
    assert_shows("a 12.5 s\nb  \n", "a ... s\nb")
    with pytest.raises(AssertionError):
        assert_shows("a\nc", "a\nb")
