"""`intercom-sink run`: stream, until a signal or, with `--drain`, until the queue is empty."""

import logging
from argparse import Namespace
from collections.abc import Iterable, Mapping

from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.domain.errors import BrokerUnavailable
from intercom_sink.domain.monitors import Monitors
from intercom_sink.domain.sink import Summary
from intercom_sink.entrypoints.bootstrap import build_sink_and_source
from intercom_sink.entrypoints.commands import Commands
from intercom_sink.entrypoints.introspection import Introspection
from intercom_sink.entrypoints.output import counted, print_line
from intercom_sink.entrypoints.run_log import RunLog
from intercom_sink.entrypoints.settings import Settings, find_unknown
from intercom_sink.entrypoints.signals import stopping_on_signals
from intercom_sink.entrypoints.variable_names import UnknownVariable

logger = logging.getLogger("intercom_sink.run")


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "run",
        description="Streams until SIGTERM or SIGINT: attempts in flight finish, everything else returns to the queue. "
        "A second signal ends the process at once. Exits with 0, even if messages were given up; with 1 if RabbitMQ is "
        "unavailable.",
        examples="intercom-sink run\nintercom-sink run --drain",
    )
    parser.add_argument(
        "--drain",
        action="store_true",
        help="end once the queue is empty and every message acked; waits for retries, and for a hold to end",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Streams; with `--drain`, prints a one-line summary at the end. Returns whether RabbitMQ stayed available."""
    settings = Settings.from_environment(environ)
    state = StateMonitor(SystemClock())
    log, introspection = RunLog(settings, state.snapshot), Introspection(settings, state)
    monitor = Monitors(introspection.monitor, log.monitor)  # state first: a log line may block
    sink, source = build_sink_and_source(settings, monitor, drain=arguments.drain)
    try:
        with stopping_on_signals(sink.stop), log.running(), introspection.running(source.is_alive):
            _warn(settings, find_unknown(environ))
            summary = sink.run()
    except BrokerUnavailable:  # logged by the sink
        return False
    if arguments.drain:
        print_line(_summary_line(summary))
    return True


def _warn(settings: Settings, unknown: Iterable[UnknownVariable]) -> None:
    for variable in unknown:
        similar = {} if variable.similar is None else {"similar": variable.similar}
        logger.warning("unknown variable", extra={"variable": variable.name, **similar})
    if settings.dead_letter_queue is None:
        consequence = "messages that are given up are logged and dropped"
        logger.warning("no dead-letter queue", extra={"consequence": consequence})


def _summary_line(summary: Summary) -> str:
    counts = ", ".join(f"{count} {disposition}" for disposition, count in summary.items())
    return f"{counted(summary.total(), 'message')} processed" + (f": {counts}" if counts else "")
