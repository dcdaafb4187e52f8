"""The commands of `intercom-sink`, each in a module of its own.

A module adds its parser by `add_parser`; its `execute` runs the command, and returns whether it succeeded.
"""

import argparse
import re
from typing import TypeAlias

from intercom_sink.adapters.rabbitmq import MAX_QUEUE_NAME

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


def queue_name(text: str) -> str:
    """The type of an argument that is a queue's name; anything else is an error of the command line."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # a byte of the command line that is not UTF-8
        raise argparse.ArgumentTypeError(f"{ascii(text)[:40]} is not valid Unicode text") from None
    if not 1 <= size <= MAX_QUEUE_NAME:
        raise argparse.ArgumentTypeError(f"the name of a queue has 1 to {MAX_QUEUE_NAME} bytes, and not {size}")
    return text
