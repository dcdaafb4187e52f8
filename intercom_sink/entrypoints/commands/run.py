"""`intercom-sink run`: stream, until a signal or, with `--drain`, until the queue is empty."""

from argparse import Namespace
from collections.abc import Mapping

from intercom_sink.adapters.monitors.log_format import configure_logging
from intercom_sink.domain.errors import BrokerUnavailable
from intercom_sink.domain.sink import Summary
from intercom_sink.entrypoints.bootstrap import build_sink
from intercom_sink.entrypoints.commands import Commands
from intercom_sink.entrypoints.exit_codes import ExitCode
from intercom_sink.entrypoints.settings import Settings
from intercom_sink.entrypoints.signals import stopping_on_signals


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("run", help="stream (the default)")
    parser.add_argument("--drain", action="store_true", help="end once the queue is empty and every message acked")
    parser.set_defaults(execute=execute)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> ExitCode:
    """Runs the command; without a command on the command line there is no `drain` among the arguments."""
    return run(Settings.from_environment(environ), drain=getattr(arguments, "drain", False))


def run(settings: Settings, *, drain: bool) -> ExitCode:
    """Streams; with `drain`, prints a one-line summary at the end."""
    configure_logging(settings.log_level, settings.log_format)
    sink = build_sink(settings, drain=drain)
    try:
        with stopping_on_signals(sink.stop):
            summary = sink.run()
    except BrokerUnavailable:  # logged by the sink
        return ExitCode.FAILED
    if drain:
        print(_summary_line(summary))
    return ExitCode.OK


def _summary_line(summary: Summary) -> str:
    counts = ", ".join(f"{count} {disposition}" for disposition, count in summary.items())
    return f"{summary.total()} messages processed" + (f": {counts}" if counts else "")
