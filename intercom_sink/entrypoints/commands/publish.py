"""`intercom-sink publish`: check JSON lines by the sink's own rules, and publish them to the queue."""

import json
import sys
import threading
from argparse import Namespace
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from intercom_sink.adapters.messages.codec import encode, to_dict, to_request
from intercom_sink.adapters.rabbitmq.publisher import Publisher, message_properties
from intercom_sink.domain.errors import MalformedMessage
from intercom_sink.domain.json_value import check_json
from intercom_sink.entrypoints.commands import Commands
from intercom_sink.entrypoints.output import print_error, print_line
from intercom_sink.entrypoints.progress import with_progress
from intercom_sink.entrypoints.settings import BrokerSettings
from intercom_sink.entrypoints.signals import stopping_on_signals
from intercom_sink.entrypoints.tracing import publishing

MAX_PROBLEMS = 20
"""Invalid lines that are listed; the others are only counted."""

MAX_KEY = 255
"""Bytes of an ordering key: it is a name, which is kept for each message, and not data."""


class InvalidInput(Exception):
    """The input can't be published.

    Args:
        problems: one line of text for each.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Publication:
    """A packed message.

    Args:
        body: what is published.
        ordering_key: its ordering key, where it has one.
        line: the number of its line in the input; None: it came from the command line.
    """

    body: bytes
    ordering_key: str | None
    line: int | None = None


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "publish",
        help="publish messages to the queue",
        description='Publishes JSON lines {"method": ..., "path": ..., "data": ...}, optionally with an "ordering_key" '
        "each, from FILE or standard input; or one message from --method, --path, --data and --ordering-key. Publishes "
        "nothing unless every message is valid.",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="JSON lines; - or nothing: standard input")
    parser.add_argument("--method", help="the method of one message")
    parser.add_argument("--path", help="its path")
    parser.add_argument("--data", help="its data, as JSON")
    parser.add_argument("--ordering-key", metavar="KEY", help="messages with the same key are sent strictly in order")
    parser.set_defaults(execute=execute)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Runs the command; returns whether all messages were published."""
    settings = BrokerSettings.from_environment(environ)
    publications = read(arguments.file, arguments.method, arguments.path, arguments.data, arguments.ordering_key)
    return publish(settings, publications)


def read(
    file: str | None, method: str | None, path: str | None, data: str | None, ordering_key: str | None
) -> list[Publication]:
    """Reads what is to be published: JSON lines, or one message if any of its parts is given.

    Args:
        file: the file's name; None or "-": standard input.
        method: the message's method.
        path: its path.
        data: its data, as JSON.
        ordering_key: its ordering key.

    Raises:
        InvalidInput: a message is malformed, the file can't be read, or both a file and a message are given.
    """
    if any(part is not None for part in (method, path, data, ordering_key)):
        if method is None or path is None or file is not None:
            raise InvalidInput(
                ["one message needs --method and --path, may have --data and --ordering-key, and takes no FILE"]
            )
        return [read_message(method, path, data, ordering_key)]
    if file is None or file == "-":
        return read_lines(_standard_input())
    try:
        with Path(file).open("rb") as lines:
            return read_lines(with_progress(lines, None, "reading", unit="line"))
    except OSError as error:
        raise InvalidInput([f"{file}: {error.strerror}"]) from None


def read_lines(lines: Iterable[bytes]) -> list[Publication]:
    """Packs each line `{"method": ..., "path": ..., "data": ...}`, perhaps with an `"ordering_key"`, as a message.

    Skips blank lines.

    Raises:
        InvalidInput: the lines that the sink would call malformed, by their numbers.
    """
    publications, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            publications.append(_publication(_parse(line), number))
        except MalformedMessage as error:
            problems.append(f"line {number}: {error}")
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} lines more"]
    if problems:
        raise InvalidInput(problems)
    return publications


def read_message(method: str, path: str, data: str | None, ordering_key: str | None) -> Publication:
    """Packs the one message of the command line; `data` is JSON, or None for no body. Raises InvalidInput."""
    try:
        document = {"method": method, "path": path, "data": None if data is None else _parse(data)}
        return _publication(document | {"ordering_key": ordering_key})
    except MalformedMessage as error:
        raise InvalidInput([str(error)]) from None


def publish(settings: BrokerSettings, publications: list[Publication]) -> bool:
    """Publishes the messages in order, each one confirmed, and prints how many; returns whether all were published.

    A signal ends it after the message that is in flight. If not all were published, it says from which line of the
    input to go on. Raises BrokerUnavailable.
    """
    stopping = threading.Event()
    confirmed = 0
    is_uncertain = False
    try:
        with stopping_on_signals(stopping.set), closing(Publisher(settings.rabbitmq, settings.queue)) as publisher:
            for publication in with_progress(publications, len(publications), "publishing"):
                if stopping.is_set():
                    break
                is_uncertain = True
                with publishing(settings.queue) as trace:
                    publisher.publish(publication.body, message_properties(publication.ordering_key, trace))
                is_uncertain = False
                confirmed += 1
    finally:
        print_line(f"published {confirmed} of {len(publications)} messages to {settings.queue}")
        if 0 < confirmed < len(publications) and (line := publications[confirmed].line) is not None:
            uncertainty = "; that message may be in the queue already" if is_uncertain else ""
            print_error(f"to continue: from line {line} (tail -n +{line} FILE | intercom-sink publish){uncertainty}")
    return confirmed == len(publications)


def _standard_input() -> Iterable[bytes]:
    if sys.stdin is None:
        raise InvalidInput(["standard input is closed"])
    if sys.stdin.isatty():  # somebody types
        return sys.stdin.buffer
    return with_progress(sys.stdin.buffer, None, "reading", unit="line")


def _publication(document: object, line: int | None = None) -> Publication:
    if not isinstance(document, dict):
        raise MalformedMessage("not a JSON object")
    key = document.pop("ordering_key", None)
    if not (key is None or isinstance(key, str)):
        raise MalformedMessage("ordering_key is not text")
    check_json(key, "ordering_key")
    if key is not None and len(key.encode()) > MAX_KEY:
        raise MalformedMessage(f"ordering_key is longer than {MAX_KEY} bytes")
    return Publication(encode(to_request(document)), key, line)


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
    raise MalformedMessage(f"holds {name}, which is not JSON")
