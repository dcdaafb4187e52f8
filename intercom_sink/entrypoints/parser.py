"""The parser of the command line, and its help."""

from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Collection
from importlib import import_module

from intercom_sink.adapters.installation import sink_version
from intercom_sink.entrypoints.commands import COMMANDS, Commands, Parser
from intercom_sink.entrypoints.output import print_result

EPILOG = """\
examples:
  intercom-sink check && intercom-sink    verify everything, then stream until Ctrl-C
  intercom-sink run --drain               stream until the queue is empty
  intercom-sink publish messages.jsonl    publish a message for each line of a file
  intercom-sink dead-letters list         show what was given up, and why
  intercom-sink publish --help            arguments and examples of one command

exit codes:
  0         success; of run: stopped by a signal, or drained, even if messages were given up
  1         something failed: RabbitMQ is unavailable, a check failed, the sink is unhealthy,
            a dead letter was not exported, replayed or deleted, a result can't be written
  2         settings, arguments or input are invalid; standard error has a line for each
            (`check` prints invalid settings as failed checks, and exits with 1)
  130, 143  ended at once by SIGINT or SIGTERM; by the second one, if the first ends the command
            gracefully

environment variables:
"""


class _ShowVersion(Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        parser.exit(0 if print_result([f"{parser.prog} {sink_version()}"]) else 1)


class _ShowHelp(Action):
    """Describes the variables only when it is asked for."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        from intercom_sink.entrypoints.variables import describe_variables

        parser.epilog = EPILOG + describe_variables()
        parser.print_help()
        parser.exit()


def build_parser(names: Collection[str] = tuple(COMMANDS)) -> Parser:
    """The parser of all commands.

    Args:
        names: those that may be needed, whose modules are imported; of the others it knows the names only.
    """
    parser = Parser(
        prog="intercom-sink",
        description="Streams messages from a RabbitMQ queue to Intercom. Configured by environment variables.",
        add_help=False,
    )
    parser.add_argument("-h", "--help", action=_ShowHelp, nargs=0, default=SUPPRESS, help="show this help and exit")
    parser.add_argument("--version", action=_ShowVersion, nargs=0, default=SUPPRESS, help="show the version and exit")
    commands = Commands(parser)
    for name in COMMANDS:
        if name in names:
            import_module(f"intercom_sink.entrypoints.commands.{name.replace('-', '_')}").add_parser(commands)
        else:
            commands.add_parser(name)
    return parser
