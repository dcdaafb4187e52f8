"""The page of commands, from the parser of the command line: python docs/cli_page.py > docs/reference/cli.md"""

import argparse
from collections.abc import Iterator

from intercom_sink.entrypoints.commands import Parser
from intercom_sink.entrypoints.parser import build_parser

HEAD = """\
# Commands

<!-- README: Commands -->
What each command is for, and the exit codes: [README](../../README.md#commands).
<!-- end -->

Commands read their settings from [environment variables](settings.md). Every command takes `--help`.

`docs/cli_page.py` makes the list below from the code.
"""


def render() -> str:
    """The page."""
    return HEAD + "".join(map(_command, _commands(build_parser())))


def _commands(parser: Parser) -> Iterator[Parser]:
    """The parser of each command, in the order of `--help`."""
    if not parser.subcommands:
        yield parser
    for subparser in parser.subcommands.values():
        yield from _commands(subparser)


def _command(parser: Parser) -> str:
    about = " ".join((parser.description or "").split())
    actions = [action for action in parser.arguments if not isinstance(action, argparse._HelpAction)]
    usage = " ".join([parser.prog, *map(_usage, actions)])
    rows = "".join(
        f"| {_name(action)} | {_values(action)}{parser._get_formatter()._expand_help(action)} |\n" for action in actions
    )
    table = f"\n| argument | meaning |\n|---|---|\n{rows}" if rows else ""
    return f"\n## {parser.prog}\n\n```text\n{usage}\n```\n\n{about}\n{table}{_examples(parser)}"


def _examples(parser: Parser) -> str:
    """The examples at the end of the command's help."""
    _, _, examples = parser.format_help().partition("\nexamples:\n")
    lines = "\n".join(line.strip() for line in examples.strip().splitlines())
    return f"\nFor example:\n\n```text\n{lines}\n```\n" if lines else ""


def _usage(action: argparse.Action) -> str:
    words = " ".join([*action.option_strings[-1:], *_metavars(action)])
    return words if not action.option_strings and action.nargs != "?" else f"[{words}]"


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    return ", ".join(f"`{' '.join([option, *_metavars(action)])}`" for option in action.option_strings)


def _metavars(action: argparse.Action) -> list[str]:
    """The placeholder of a value, if the argument takes one."""
    if action.nargs == 0:
        return []
    return [str(action.metavar or action.dest.upper())]


def _values(action: argparse.Action) -> str:
    return f"{', '.join(f'`{choice}`' for choice in action.choices)}: " if action.choices else ""


if __name__ == "__main__":
    print(render(), end="")
