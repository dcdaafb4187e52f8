"""`intercom-sink publish`: JSON lines, checked by the sink's own rules, into the queue."""

import json
import threading
from collections.abc import Iterable
from contextlib import closing
from typing import NoReturn

from intercom_sink.adapters.codec import encode, to_dict, to_request
from intercom_sink.adapters.rabbitmq.publisher import Publisher
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.entrypoints.progress import with_progress
from intercom_sink.entrypoints.settings import BrokerSettings
from intercom_sink.entrypoints.signals import stopping_on_signals

MOST_FAULTS = 20
"""Invalid lines that are listed; the others are only counted."""


class InvalidInput(Exception):
    """What was to be published can't be: one line of text for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_lines(lines: Iterable[bytes]) -> list[bytes]:
    """Packs each line `{"method": ..., "path": ..., "data": ...}` as a message; blank lines are passed over.

    Raises:
        InvalidInput: every line that the sink would call malformed, by its number.
    """
    bodies, faults = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            bodies.append(encode(to_request(_parse(line))))
        except MalformedMessage as fault:
            faults.append(f"line {number}: {fault}")
    if len(faults) > MOST_FAULTS:
        faults[MOST_FAULTS:] = [f"and {len(faults) - MOST_FAULTS} lines more"]
    if faults:
        raise InvalidInput(faults)
    return bodies


def read_message(method: str, path: str, data: str | None) -> bytes:
    """Packs one message of the command line; `data` is JSON, or None for no body. Raises InvalidInput."""
    try:
        document = {"method": method, "path": path, "data": None if data is None else _parse(data)}
        return encode(to_request(document))
    except MalformedMessage as fault:
        raise InvalidInput([str(fault)]) from None


def publish(settings: BrokerSettings, bodies: list[bytes]) -> bool:
    """Publishes the messages in order, each one confirmed, and says how many; returns whether it came to the end.

    A signal ends it after the message that is on its way; raises BrokerLost if the broker does.
    """
    stopping = threading.Event()
    confirmed = 0
    try:
        with stopping_on_signals(stopping.set), closing(Publisher(settings.rabbitmq, settings.queue)) as publisher:
            for body in with_progress(bodies, len(bodies), "publishing"):
                if stopping.is_set():
                    break
                publisher.publish(body)
                confirmed += 1
    finally:
        print(f"published {confirmed} of {len(bodies)} messages to {settings.queue}")
    return confirmed == len(bodies)


def _parse(line: bytes | str) -> object:
    try:
        return json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=to_dict)
    except json.JSONDecodeError as error:
        raise MalformedMessage(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except MalformedMessage:
        raise
    except (ValueError, RecursionError) as error:  # not UTF-8, a number of over 4,300 digits; nested too deep
        raise MalformedMessage(f"not JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedMessage(f"holds {name}, which JSON can't say")
