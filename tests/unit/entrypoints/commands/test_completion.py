"""`intercom-sink completion`: the scripts that it prints."""

from argparse import Namespace

import pytest

from intercom_sink.entrypoints.commands import completion
from intercom_sink.entrypoints.commands.completion import completion_script
from intercom_sink.entrypoints.parser import build_parser


def test_script_has_the_words_of_each_command_and_the_values_of_each_option() -> None:
    lines = [line.strip() for line in completion_script(build_parser()).splitlines()]
    assert "' dead-letters') words='list show export replay drop -h --help' ;;" in lines
    assert "' dead-letters list --reason') words='malformed rejected server-error not-found no-answer' ;;" in lines
    assert "' publish --path') words='' ;;" in lines
    assert "' completion') words='-h --help bash zsh' ;;" in lines


def test_script_for_zsh_loads_what_it_needs_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert completion.execute(Namespace(shell="zsh"), {})
    first, rest = capsys.readouterr().out.split("\n", 1)
    assert first.endswith("&& bashcompinit")
    assert completion.execute(Namespace(shell="bash"), {})
    assert rest == capsys.readouterr().out
