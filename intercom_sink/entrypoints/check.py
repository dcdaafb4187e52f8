"""`intercom-sink check`: is all there that the sink needs? Nothing is changed by it."""

from collections.abc import Callable, Mapping

from intercom_sink.adapters.rabbitmq.inspection import inspect_broker, inspect_queue
from intercom_sink.domain.errors import BrokerLost, ConfigurationError
from intercom_sink.domain.outcome import Answer
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.entrypoints.bootstrap import build_gateway
from intercom_sink.entrypoints.settings import Settings


def check(environ: Mapping[str, str]) -> bool:
    """Prints a line for the settings, the broker, the queue and Intercom; returns whether all are well."""
    try:
        settings = Settings.from_environment(environ)
    except ConfigurationError as error:
        for fault in error.faults:
            _report(False, "settings", fault)
        return False
    _report(True, "settings", f"queue {settings.queue}, {'mock' if settings.mock else settings.api_url}")
    looks: dict[str, Callable[[Settings], tuple[bool, str]]] = {
        "broker": _check_broker,
        "queue": _check_queue,
        "intercom": _check_intercom,
    }
    results = [_report(*_outcome(look, settings, name)) for name, look in looks.items()]
    return all(results)


def _outcome(look: Callable[[Settings], tuple[bool, str]], settings: Settings, name: str) -> tuple[bool, str, str]:
    try:
        well, text = look(settings)
    except BrokerLost as error:
        well, text = False, str(error)
    return well, name, text


def _report(well: bool, name: str, text: str) -> bool:
    print(f"{'ok  ' if well else 'FAIL'}  {name:<8}  {text}")
    return well


def _check_broker(settings: Settings) -> tuple[bool, str]:
    return True, inspect_broker(settings.rabbitmq)


def _check_queue(settings: Settings) -> tuple[bool, str]:
    state = inspect_queue(settings.rabbitmq, settings.queue)
    if state is None:
        return True, f"{settings.queue} does not exist yet; the sink will declare it, durable"
    return True, f"{settings.queue}: {state.messages} messages ready, {state.consumers} consumers, {state.type} queue"


def _check_intercom(settings: Settings) -> tuple[bool, str]:
    if settings.mock:
        return True, "mock: messages are logged, nothing is sent"
    gateway = build_gateway(settings)
    outcome = gateway.send(IntercomRequest("GET", "/me"))
    gateway.close()
    if not isinstance(outcome, Answer):
        return False, f"GET /me: no answer: {outcome.reason}"
    return outcome.status == 200, f"GET /me: {outcome.status} {' '.join(outcome.error_codes)}".rstrip()
