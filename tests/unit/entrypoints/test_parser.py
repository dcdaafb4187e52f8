"""The parser of the command line: what it imports, and what its help says."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest

from intercom_sink.entrypoints.cli import BAD_INPUT, FAILED
from intercom_sink.entrypoints.commands import COMMANDS, Parser
from intercom_sink.entrypoints.parser import EPILOG, build_parser
from intercom_sink.entrypoints.settings import BrokerSettings, DeadLetterSettings
from intercom_sink.entrypoints.variables import VARIABLES


def walk(parser: Parser) -> Iterator[Parser]:
    yield parser
    for subparser in parser.subcommands.values():
        yield from walk(subparser)


def test_every_command_has_a_module_and_a_line_of_help() -> None:
    assert build_parser().subcommands.keys() == COMMANDS.keys()
    for name in COMMANDS:
        assert import_module(f"intercom_sink.entrypoints.commands.{name.replace('-', '_')}").execute


def test_help_of_every_command_ends_with_an_example_of_it() -> None:
    subparsers = list(walk(build_parser()))[1:]
    assert len(subparsers) > 10
    for subparser in subparsers:
        _, _, examples = subparser.format_help().partition("\nexamples:\n")
        assert f"  {subparser.prog}" in examples or f'"$({subparser.prog}' in examples


def test_help_names_exit_codes_and_all_variables(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser(()).parse_args(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert [name for name in (*VARIABLES, *COMMANDS, "examples:", "exit codes:") if name not in text] == []
    assert f"\n  {FAILED}         something failed" in text
    assert f"\n  {BAD_INPUT}         settings, arguments or input are invalid" in text


def test_examples_of_the_whole_program_are_valid() -> None:
    lines = EPILOG.partition("exit codes:")[0].splitlines()[1:]
    commands = [line.strip().partition("  ")[0].partition(" && ")[0].split()[1:] for line in lines if line.strip()]
    assert len(commands) == 5
    for words in commands:
        if "--help" not in words:
            assert build_parser(words).parse_args(words).execute


def test_help_says_which_variables_are_enough() -> None:
    for parser in walk(build_parser()):
        if "publish" not in parser.prog and "dead-letters" not in parser.prog:
            continue
        settings = BrokerSettings if "publish" in parser.prog else DeadLetterSettings
        required = [str(field.alias) for field in settings.model_fields.values() if field.is_required()]
        text = " ".join(parser.format_help().split())
        sentence = text[text.index("Needs ") : text.index(" only.")]
        assert [name for name in VARIABLES if name in sentence.replace(",", "").split()] == [
            name for name in VARIABLES if name in required
        ]


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["completion", "--help"], ["healthy", "--help"]])
def test_help_imports_no_library(words: list[str]) -> None:
    code = (
        "import sys, intercom_sink.entrypoints.cli as cli\n"
        f"try: cli.main({words})\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert {"pika", "msgpack", "urllib3", "pydantic"}.isdisjoint(done.stderr.split())


@pytest.mark.parametrize("columns", ["1", "2", "3"])
def test_help_fits_a_terminal_of_any_width(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert all(parser.format_help() for parser in walk(build_parser()))


def test_version_is_printed_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser(()).parse_args(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("intercom-sink ")
