"""`intercom-sink check`: verify settings, broker, queue and Intercom, without changing anything."""

from argparse import Namespace
from collections.abc import Callable, Mapping

from intercom_sink.adapters.rabbitmq.inspection import inspect_broker, inspect_queue
from intercom_sink.domain.errors import BrokerUnavailable, ConfigurationError
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import NoResponse
from intercom_sink.entrypoints.bootstrap import build_gateway
from intercom_sink.entrypoints.commands import Commands
from intercom_sink.entrypoints.exit_codes import ExitCode
from intercom_sink.entrypoints.settings import Settings


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("check", help="verify settings, broker, queue and Intercom; change nothing")
    parser.set_defaults(execute=execute)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> ExitCode:
    """Runs the command, which has no arguments."""
    return ExitCode.OK if check(environ) else ExitCode.FAILED


def check(environ: Mapping[str, str]) -> bool:
    """Prints one line for each check; returns whether all are ok."""
    try:
        settings = Settings.from_environment(environ)
    except ConfigurationError as error:
        for fault in error.faults:
            _report("settings", False, fault)
        return False
    _report("settings", True, f"queue {settings.queue}, {'mock' if settings.mock else settings.api_url}")
    results = [_run(name, check_one, settings) for name, check_one in CHECKS.items()]
    return all(results)


def _run(name: str, check_one: Callable[[Settings], tuple[bool, str]], settings: Settings) -> bool:
    try:
        ok, text = check_one(settings)
    except BrokerUnavailable as error:
        ok, text = False, str(error)
    return _report(name, ok, text)


def _report(name: str, ok: bool, text: str) -> bool:
    print(f"{'ok  ' if ok else 'FAIL'}  {name:<8}  {text}")
    return ok


def _check_broker(settings: Settings) -> tuple[bool, str]:
    return True, inspect_broker(settings.rabbitmq)


def _check_queue(settings: Settings) -> tuple[bool, str]:
    state = inspect_queue(settings.rabbitmq, settings.queue)
    if state is None:
        return True, f"{settings.queue} does not exist yet; the sink will declare it as durable"
    return True, f"{settings.queue}: {state.messages} messages ready, {state.consumers} consumers"


def _check_intercom(settings: Settings) -> tuple[bool, str]:
    if settings.mock:
        return True, "mock: messages are logged, nothing is sent"
    gateway = build_gateway(settings)
    result = gateway.send(IntercomRequest("GET", "/me"))
    gateway.close()
    if isinstance(result, NoResponse):
        return False, f"GET /me: no response: {result.reason}"
    return result.status == 200, f"GET /me: {result.status} {' '.join(result.error_codes)}".rstrip()


CHECKS: Mapping[str, Callable[[Settings], tuple[bool, str]]] = {
    "broker": _check_broker,
    "queue": _check_queue,
    "intercom": _check_intercom,
}
"""The checks after the settings: each returns whether it is ok, and a line of text."""
