"""The page of commands is what the parser of the command line makes."""

from intercom_sink.entrypoints.commands import COMMANDS
from tests.support.documents import ROOT, run_script

PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text()


def test_the_page_of_commands_is_what_the_parser_makes() -> None:
    """Remake it with `make docs`."""
    assert run_script("cli_page.py")["render"]() == PAGE


def test_every_command_has_a_heading() -> None:
    assert [command for command in COMMANDS if f"\n## intercom-sink {command}" not in PAGE] == []
