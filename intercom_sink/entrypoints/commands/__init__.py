"""The commands of `intercom-sink`, each in a module of its own, which is imported only if it may be needed.

A module adds its parser by `add_parser`; its `execute` runs the command, and returns whether it succeeded.
"""

import re
from argparse import Action, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Mapping
from typing import Any

from intercom_sink.adapters.rabbitmq import checked_queue_name
from intercom_sink.entrypoints.output import print_result

DEFAULT_COMMAND = "run"

COMMANDS: Mapping[str, str] = {
    DEFAULT_COMMAND: "stream (the default)",
    "check": "verify settings, broker, queues and Intercom, show every setting; change nothing",
    "healthy": "ask the running sink whether it is healthy",
    "publish": "publish messages to the queue",
    "dead-letters": "list, show, export, replay or delete messages that were given up",
    "fake-intercom": "run an Intercom for development and tests on this machine",
    "completion": "print a script that completes commands and options in a shell",
}
"""What each does, in a line."""

_MIN_WIDTH = 11
"""Least width of a help text in columns, however narrow the terminal is; argparse has the same minimum."""


class InvalidInput(Exception):
    """The input can't be published.

    Args:
        problems: one line of text for each.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Parser(ArgumentParser):
    """A parser with examples at the end of its help, which knows its arguments and its subcommands.

    Args:
        examples: shell commands, each in a line.

    Attributes:
        arguments: its options and arguments, in their order.
        subcommands: the parsers of its subcommands, by their names.
    """

    def __init__(self, *, examples: str = "", **options: Any) -> None:
        self.arguments: list[Action] = []
        self.subcommands: dict[str, Parser] = {}
        self._examples = examples
        super().__init__(formatter_class=RawDescriptionHelpFormatter, **options)

    def add_argument(self, *names: str, **options: Any) -> Action:
        """Adds an option or an argument."""
        action = super().add_argument(*names, **options)
        self.arguments.append(action)
        return action

    def format_help(self) -> str:
        """The help, whose description fills the width of the terminal, and whose examples keep their lines."""
        from shutil import get_terminal_size  # slow to import, and seldom needed
        from textwrap import fill, indent

        self.description = fill(self.description or "", max(get_terminal_size().columns - 2, _MIN_WIDTH))
        if self._examples:
            self.epilog = f"examples:\n{indent(self._examples, '  ')}"
        return super().format_help()

    def print_help(self, file: object = None) -> None:
        """Prints the help on standard output; exits with 1 if it can't be written."""
        if not print_result([self.format_help().removesuffix("\n")]):
            self.exit(1)


class Commands:
    """The subcommands of a parser."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._subparsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)

    def add_parser(
        self, name: str, *, help: str | None = None, description: str | None = None, examples: str = ""
    ) -> Parser:
        """Adds a subcommand, and returns its parser.

        Args:
            name: its name.
            help: what it does, in a line; None: the line of COMMANDS.
            description: the text of its own help; None: `help`, as a sentence.
            examples: shell commands, each in a line.
        """
        line = COMMANDS[name] if help is None else help
        text = description or f"{line[0].upper()}{line[1:]}."
        parser = self._subparsers.add_parser(name, help=line, description=text, examples=examples)
        self._parser.subcommands[name] = parser
        return parser


def positive_int(text: str) -> int:
    """The type of an argument that is a whole number from 1; anything else is an error of the command line."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,17}", text):
        raise ArgumentTypeError(f"{ascii(text)[:40]} is not a whole number from 1")
    return int(text)


def queue_name(text: str) -> str:
    """The type of an argument that is a queue's name; anything else is an error of the command line."""
    try:
        return checked_queue_name(text)
    except UnicodeEncodeError:  # a byte of the command line that is not UTF-8
        raise ArgumentTypeError(f"{ascii(text)[:40]} is not valid Unicode text") from None
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
