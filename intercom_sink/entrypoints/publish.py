"""`intercom-sink publish`: JSON lines, checked by the sink's own rules, into the queue."""

import json
import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import NoReturn

from intercom_sink.adapters.codec import encode, to_dict, to_request
from intercom_sink.adapters.rabbitmq.publisher import Publisher, message_properties
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.json_value import check_json
from intercom_sink.entrypoints.progress import with_progress
from intercom_sink.entrypoints.settings import BrokerSettings
from intercom_sink.entrypoints.signals import stopping_on_signals

MOST_FAULTS = 20
"""Invalid lines that are listed; the others are only counted."""


LONGEST_KEY = 255
"""Bytes of an ordering key: a name, which is kept for each message, and not data."""


class InvalidInput(Exception):
    """What was to be published can't be: one line of text for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Publication:
    """What goes into the queue: a packed message, and the key by which it keeps its order, where it has one."""

    body: bytes
    ordering_key: str | None


def read_lines(lines: Iterable[bytes]) -> list[Publication]:
    """Packs each line `{"method": ..., "path": ..., "data": ...}`, perhaps with an `"ordering_key"`, as a message.

    Blank lines are passed over.

    Raises:
        InvalidInput: every line that the sink would call malformed, by its number.
    """
    publications, faults = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            publications.append(_publication(_parse(line)))
        except MalformedMessage as fault:
            faults.append(f"line {number}: {fault}")
    if len(faults) > MOST_FAULTS:
        faults[MOST_FAULTS:] = [f"and {len(faults) - MOST_FAULTS} lines more"]
    if faults:
        raise InvalidInput(faults)
    return publications


def read_message(method: str, path: str, data: str | None, ordering_key: str | None) -> Publication:
    """Packs one message of the command line; `data` is JSON, or None for no body. Raises InvalidInput."""
    try:
        document = {"method": method, "path": path, "data": None if data is None else _parse(data)}
        return _publication(document | {"ordering_key": ordering_key})
    except MalformedMessage as fault:
        raise InvalidInput([str(fault)]) from None


def publish(settings: BrokerSettings, publications: list[Publication]) -> bool:
    """Publishes the messages in order, each one confirmed, and says how many; returns whether it came to the end.

    A signal ends it after the message that is on its way; raises BrokerLost if the broker does.
    """
    stopping = threading.Event()
    confirmed = 0
    try:
        with stopping_on_signals(stopping.set), closing(Publisher(settings.rabbitmq, settings.queue)) as publisher:
            for publication in with_progress(publications, len(publications), "publishing"):
                if stopping.is_set():
                    break
                publisher.publish(publication.body, message_properties(publication.ordering_key))
                confirmed += 1
    finally:
        print(f"published {confirmed} of {len(publications)} messages to {settings.queue}")
    return confirmed == len(publications)


def _publication(document: object) -> Publication:
    key = document.pop("ordering_key", None) if isinstance(document, dict) else None
    if not (key is None or isinstance(key, str)):
        raise MalformedMessage("ordering_key is not text")
    check_json(key, "ordering_key")
    if key is not None and len(key.encode()) > LONGEST_KEY:
        raise MalformedMessage(f"ordering_key is longer than {LONGEST_KEY} bytes")
    return Publication(encode(to_request(document)), key)


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
