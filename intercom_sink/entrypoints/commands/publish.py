"""`intercom-sink publish`: check JSON lines by the sink's own rules, and publish them to the queue."""

import sys
import threading
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from intercom_sink.adapters.rabbitmq.encoded_messages import windows
from intercom_sink.adapters.rabbitmq.publisher import Publisher
from intercom_sink.domain.confirms import PublishStatus
from intercom_sink.domain.errors import IntercomSinkError
from intercom_sink.entrypoints.commands import Commands, InvalidInput
from intercom_sink.entrypoints.json_lines import Publication, read_lines, read_message
from intercom_sink.entrypoints.output import counted, print_error, print_line
from intercom_sink.entrypoints.progress import with_progress
from intercom_sink.entrypoints.settings import BrokerSettings
from intercom_sink.entrypoints.signals import stopping_on_signals


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "publish",
        description='Publishes JSON lines {"method": ..., "path": ..., "data": ...}, optionally with an "ordering_key" '
        "each, from FILE or standard input; or one message from --method, --path, --data and --ordering-key. Publishes "
        "nothing unless every message is valid. Creates the queue, durable, if it does not exist. Needs "
        "CJW_RABBITMQ_HOST and CJW_INTERCOM_QUEUE_NAME only.",
        examples="intercom-sink publish messages.jsonl\n"
        'intercom-sink publish --method POST --path /contacts --data \'{"email": "ada@example.com"}\'',
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
        return _read_standard_input()
    try:
        with Path(file).open("rb") as lines:
            return read_lines(with_progress(lines, None, "reading", unit="line"))
    except OSError as error:
        raise InvalidInput([f"{file}: {error.strerror}"]) from None


def _read_standard_input() -> list[Publication]:
    if sys.stdin is None:
        raise InvalidInput(["standard input is closed"])
    lines = sys.stdin.buffer if sys.stdin.isatty() else with_progress(sys.stdin.buffer, None, "reading", unit="line")
    try:
        return read_lines(lines)
    except OSError as error:
        raise InvalidInput([f"standard input: {error.strerror}"]) from None


def publish(settings: BrokerSettings, publications: list[Publication]) -> bool:
    """Publishes the messages in order and confirmed, and prints how many; returns whether all were published.

    Up to WINDOW_MESSAGES of them are sent before their confirms are awaited: a window. A signal ends it after the one
    that is in flight. If the first lines were published, and not all, it says from which line of the input to go on.
    Raises BrokerUnavailable.
    """
    stopping = threading.Event()
    statuses: list[PublishStatus] = []
    messages = (publication.message for publication in publications)
    try:
        with (
            stopping_on_signals(stopping.set),
            Publisher(settings.rabbitmq, settings.queue, declare=True) as publisher,
        ):
            for window in windows(with_progress(messages, len(publications), "publishing")):
                if stopping.is_set():
                    break
                publisher.publish_encoded(window)
                statuses += [PublishStatus.CONFIRMED] * len(window)
    except IntercomSinkError as error:
        statuses += [result.status for result in error.results]
        raise
    finally:
        confirmed = statuses.count(PublishStatus.CONFIRMED)
        print_line(f"published {confirmed} of {counted(len(publications), 'message')} to {settings.queue}")
        if confirmed < len(publications):
            _print_where_to_continue(publications, statuses)
    return confirmed == len(publications)


def _print_where_to_continue(publications: list[Publication], statuses: list[PublishStatus]) -> None:
    """From the first line that is not confirmed; the confirmed ones after it, if there are any, come twice then."""
    first = next(
        (place for place, status in enumerate(statuses) if status is not PublishStatus.CONFIRMED), len(statuses)
    )
    said: list[str] = []
    line = publications[first].line
    if first and line is not None:
        said.append(f"to continue: from line {line} (tail -n +{line} FILE | intercom-sink publish)")
    may_be_there = {PublishStatus.CONFIRMED, PublishStatus.UNKNOWN}
    if uncertain := sum(status in may_be_there for status in statuses[first:]):
        said.append(f"{uncertain} of these messages may be in the queue already")
    if said:
        print_error("; ".join(said))
