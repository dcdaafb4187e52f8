"""Publishes the rows of a CSV file with the columns `intercom_id`, `name` and `email`.

After each batch the number of rows that are in the queue is written to FILE.position. A run that was interrupted
goes on from there; the rows must be the same ones in the same order. A batch that was under way when the process was
killed is published again, with the same message ids.

The rows are counted from 1, without the header and empty lines.
"""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from pathlib import Path

from intercom_sink import IntercomRequest, IntercomSinkError, MalformedMessage, Message, MessagePublisher, PublishStatus

BATCH_SIZE = 1_000
"""Messages that are published again at most."""


class InvalidRow(Exception):
    """A row that can't be published: another run fails in the same way, unless the row is changed.

    Args:
        number: which row.
        reason: what is wrong with it.
    """

    def __init__(self, number: int, reason: MalformedMessage) -> None:
        super().__init__(f"row {number}: {reason}")


def backfill(file: Path, publisher: MessagePublisher, batch_size: int = BATCH_SIZE) -> int:
    """Publishes the rows that are not published yet, and returns how many these were.

    Raises:
        InvalidRow: a row is invalid. The rows of earlier batches are published.
        IntercomSinkError: the broker can't be used. The rows up to there are published.
    """
    position_file = file.with_name(f"{file.name}.position")
    first = position = int(position_file.read_text()) if position_file.exists() else 0
    with file.open(newline="") as lines:
        messages = islice(read_messages(file.name, lines), first, None)
        while batch := list(islice(messages, batch_size)):
            published = 0
            try:
                published = len(publisher.publish_batch(batch))
            except IntercomSinkError as error:
                statuses = (result.status for result in error.results)
                published = sum(1 for _ in takewhile(PublishStatus.CONFIRMED.__eq__, statuses))
                if isinstance(error, MalformedMessage) and error.index is not None:
                    raise InvalidRow(position + error.index + 1, error) from error
                raise
            finally:
                position += published
                write(position_file, str(position))
    return position - first


def read_messages(name: str, lines: Iterable[str]) -> Iterator[Message]:
    """A message for each row. Several rows of one contact reach Intercom in their order, because they share a key."""
    for number, row in enumerate(csv.DictReader(lines), start=1):
        if None in row or None in row.values():  # a file that is cut off must not clear what it lacks
            raise InvalidRow(number, MalformedMessage("has not as many fields as the header"))
        path, data = f"/contacts/{row['intercom_id']}", {"name": row["name"], "email": row["email"]}
        try:
            request = IntercomRequest("PUT", path, data)
        except MalformedMessage as error:
            raise InvalidRow(number, error) from error
        yield Message(request, ordering_key=f"contact-{row['intercom_id']}", message_id=f"{name}-{number}")


def write(file: Path, text: str) -> None:
    """Replaces the file in one step, so that it is never half written."""
    part = file.with_name(f"{file.name}.part")
    part.write_text(text)
    part.replace(file)
