"""The commands of `intercom-sink`, each in a module of its own.

A module adds its parser by `add_parser`; its `execute` makes typed arguments of what was parsed, and runs the command.
"""

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `add_subparsers` returns."""
