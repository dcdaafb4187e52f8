"""`intercom-sink healthy`: ask the sink that runs here whether a restart would help, without HTTP."""

from argparse import Namespace
from collections.abc import Mapping

from intercom_sink.adapters.monitors.health.socket import ask
from intercom_sink.entrypoints.commands import Commands
from intercom_sink.entrypoints.output import print_line

QUEUE = "CJW_INTERCOM_QUEUE_NAME"
"""Tells the sinks of one machine apart. The only setting that the command reads: the others need not be valid."""


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "healthy",
        description="Exits with 0 if a sink runs here and is healthy, else with 1 and a line that says why. An outage "
        "of Intercom or RabbitMQ, a pause and a hold are healthy: a restart would not help. Needs no setting; with "
        f"{QUEUE} it asks the sinks of that queue only.",
        examples="intercom-sink healthy || systemctl restart intercom-sink",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Runs the command, which has no arguments."""
    queue = environ.get(QUEUE, "").strip() or None
    reports = ask(queue)
    problems = [f"process {report.pid}: {report.problem}" for report in reports if report.problem is not None]
    if not reports:
        problems = [f"no sink of the queue {queue} runs here" if queue else "no sink runs here"]
    if problems:
        print_line("unhealthy: " + "; ".join(problems))
        return False
    return True
