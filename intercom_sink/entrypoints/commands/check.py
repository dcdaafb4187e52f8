"""`intercom-sink check`: verify settings, broker, queues and Intercom, without changing anything."""

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping

from intercom_sink.domain.errors import BrokerUnavailable, ConfigurationError, OperatorError
from intercom_sink.entrypoints.checks.finding import Finding, Result
from intercom_sink.entrypoints.checks.intercom import check_intercom
from intercom_sink.entrypoints.checks.rabbitmq import check_broker, check_dead_letter_queue, check_queue
from intercom_sink.entrypoints.commands import Commands
from intercom_sink.entrypoints.introspection import check_extra
from intercom_sink.entrypoints.output import print_line
from intercom_sink.entrypoints.settings import Settings, find_unknown

CHECKS: Mapping[str, Callable[[Settings], Iterator[Finding]]] = {
    "broker": check_broker,
    "queue": check_queue,
    "dlq": check_dead_letter_queue,
    "intercom": check_intercom,
}
"""The checks after the settings, by the names that are printed; `dlq` is the dead-letter queue."""


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "check",
        description="Verifies the settings, the broker, the queues and Intercom's token, and shows every setting in "
        "force. Prints a line for each finding: ok, warn or FAIL; `dlq` is the dead-letter queue. Changes nothing. "
        "Exits with 1 if a check failed.",
        examples="intercom-sink check && intercom-sink",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Prints a line for each finding, and every setting in force; returns whether no check failed."""
    settings = _check_settings(environ)
    if settings is None:
        return False
    results = [_run(name, check_one, settings) for name, check_one in CHECKS.items()]
    return all(results)


def _check_settings(environ: Mapping[str, str]) -> Settings | None:
    settings = None
    try:
        settings = _read_settings(environ)
    except ConfigurationError as error:
        for problem in error.problems:
            _report("settings", Finding.failed(problem))
    else:
        summary = f"queue {settings.queue}, {'mock' if settings.mock else settings.api_url}"
        _report("settings", Finding.ok(summary))
        for variable, value in settings.shown().items():
            print_line(f"{'':16}{variable:<34}  {value}")
    for unknown in find_unknown(environ):
        _report("settings", Finding.warning(str(unknown)))
    return settings


def _read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings, whose extra is installed; raises ConfigurationError otherwise, as `run` does."""
    settings = Settings.from_environment(environ)
    check_extra(settings)
    return settings


def _run(name: str, check_one: Callable[[Settings], Iterator[Finding]], settings: Settings) -> bool:
    ok = True
    try:
        for finding in check_one(settings):
            _report(name, finding)
            ok = ok and finding.result is not Result.FAILED
    except (BrokerUnavailable, OperatorError) as error:
        _report(name, Finding.failed(str(error)))
        return False
    return ok


def _report(name: str, finding: Finding) -> None:
    print_line(f"{finding.result:<4}  {name:<8}  {finding.text}")
