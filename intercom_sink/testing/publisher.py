"""MessagePublisher and AsyncMessagePublisher, in memory."""

import threading
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import Self

from intercom_sink.domain.batch import after_confirmed, new_message_id, prepare_each, results_of
from intercom_sink.domain.confirms import WINDOW_MESSAGES, PublishStatus
from intercom_sink.domain.errors import BrokerUnavailable, Unroutable
from intercom_sink.domain.known_refusals import check_accepted
from intercom_sink.domain.message import Message, to_message
from intercom_sink.domain.request import IntercomRequest


class InMemoryPublisher:
    """Keeps the messages that are published, each with a message id; refuses the same requests as a real one.

    A test that wants the sink to deliver them encodes them:

        source = InMemorySource([encode(message.request) for message in publisher.messages])

    The limits of the wire format are not checked: the size of a message, the number of its values, and integers of over
    64 bits.

    Attributes:
        messages: what was published, in order.
        closed: whether it was closed.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.closed = False
        self._error: BrokerUnavailable | Unroutable | None = None
        self._left = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Nothing to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it."""
        self.close()

    def fail_with(self, error: BrokerUnavailable | Unroutable | None, *, after: int = 0) -> None:
        """Makes publishing fail from now on; None: no longer.

        Args:
            error: what is raised.
            after: how many messages are still published before that.
        """
        self._error, self._left = error, after

    def publish(
        self, request: IntercomRequest | Message, *, ordering_key: str | None = None, message_id: str | None = None
    ) -> str:
        """Keeps the message, and returns its message id."""
        message = _checked(to_message(request, ordering_key=ordering_key, message_id=message_id))
        with self._lock:
            (published,) = self._keep([message], 0)
        return published

    def publish_batch(self, messages: Iterable[IntercomRequest | Message]) -> list[str]:
        """Keeps the messages, and returns their message ids."""
        confirmed: list[str] = []
        checked = prepare_each(messages, _checked)
        with after_confirmed(confirmed):
            while window := list(islice(checked, WINDOW_MESSAGES)):
                with self._lock:
                    confirmed += self._keep(window, len(confirmed))
        return confirmed

    def close(self) -> None:
        """Notes that it was called."""
        self.closed = True

    def _keep(self, window: list[Message], first_index: int) -> list[str]:
        identified = [
            message if message.message_id else replace(message, message_id=new_message_id()) for message in window
        ]
        ids = [str(message.message_id) for message in identified]
        count = len(window) if self._error is None else min(self._left, len(window))
        self._left -= count
        self.messages += identified[:count]
        if count < len(window):
            assert self._error is not None
            failed = PublishStatus.RETURNED if isinstance(self._error, Unroutable) else PublishStatus.UNKNOWN
            statuses = [PublishStatus.CONFIRMED] * count + [failed] * (len(window) - count)
            self._error.results = results_of(ids, statuses, first_index)
            raise self._error
        return ids


class InMemoryAsyncPublisher:
    """InMemoryPublisher for asyncio, in place of an AsyncPublisher; needs no extra."""

    def __init__(self) -> None:
        self._publisher = InMemoryPublisher()

    async def __aenter__(self) -> Self:
        """Nothing to do."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it."""
        await self.close()

    @property
    def messages(self) -> list[Message]:
        """What was published, in order."""
        return self._publisher.messages

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._publisher.closed

    def fail_with(self, error: BrokerUnavailable | Unroutable | None, *, after: int = 0) -> None:
        """As `InMemoryPublisher.fail_with`."""
        self._publisher.fail_with(error, after=after)

    async def publish(
        self, request: IntercomRequest | Message, *, ordering_key: str | None = None, message_id: str | None = None
    ) -> str:
        """Keeps the message, and returns its message id."""
        return self._publisher.publish(request, ordering_key=ordering_key, message_id=message_id)

    async def publish_batch(self, messages: Iterable[IntercomRequest | Message]) -> list[str]:
        """Keeps the messages, and returns their message ids."""
        return self._publisher.publish_batch(messages)

    async def close(self) -> None:
        """Notes that it was called."""
        self._publisher.close()


def _checked(message: Message) -> Message:
    """The message with its request checked again: its data may have been changed since it was made.

    The data is copied, since the caller may change it after the call, as if it had been encoded.
    """
    request = IntercomRequest(message.request.method, message.request.path, message.request.data)
    check_accepted(request)
    # Not before the check: what is no JSON value may not be copied, either.
    return replace(message, request=replace(request, data=deepcopy(request.data)))
