"""The commands of `intercom-sink`, each in a module of its own.

A module adds its parser by `add_parser`; its `execute` runs the command, and returns whether it succeeded.
"""

import argparse
import re
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `add_subparsers` returns."""


class InvalidInput(Exception):
    """The input can't be published.

    Args:
        problems: one line of text for each.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def positive_int(text: str) -> int:
    """The type of an argument that is a whole number from 1; anything else is an error of the command line."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,17}", text):
        raise argparse.ArgumentTypeError(f"{ascii(text)[:40]} is not a whole number from 1")
    return int(text)
