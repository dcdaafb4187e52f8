"""A batch of messages to publish: which message an error is about, and what became of those before it."""

import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from intercom_sink.domain.confirms import PublishResult, PublishStatus
from intercom_sink.domain.errors import IntercomSinkError, MalformedMessage
from intercom_sink.domain.message import Message, to_message
from intercom_sink.domain.request import IntercomRequest

Prepared = TypeVar("Prepared")


def new_message_id() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


def prepare_each(
    messages: Iterable[IntercomRequest | Message], prepare: Callable[[Message], Prepared]
) -> Iterator[Prepared]:
    """Prepares each message when it is asked for; a MalformedMessage says which message it is about."""
    for index, given in enumerate(messages):
        try:
            prepared = prepare(to_message(given))
        except MalformedMessage as error:
            error.index = index
            error.add_note(f"It is message {index} of the batch, counted from 0.")
            raise
        yield prepared


def results_of(
    message_ids: Iterable[str | None], statuses: Iterable[PublishStatus], first_index: int
) -> tuple[PublishResult, ...]:
    """The fate of messages that follow each other in a batch, the first of them at `first_index`."""
    return tuple(
        PublishResult(index, message_id, status)
        for index, (message_id, status) in enumerate(zip(message_ids, statuses, strict=True), first_index)
    )


@contextmanager
def after_confirmed(message_ids: Sequence[str]) -> Generator[None]:
    """Adds to the `results` of an error of the block that these, the first messages of the batch, are confirmed.

    The sequence may grow within the block.
    """
    try:
        yield
    except IntercomSinkError as error:
        confirmed = [PublishStatus.CONFIRMED] * len(message_ids)
        error.results = (*results_of(message_ids, confirmed, 0), *error.results)
        raise
