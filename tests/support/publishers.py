"""Every publisher by the blocking interface, those for asyncio too."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from intercom_sink import AsyncMessagePublisher, IntercomRequest, Message, MessagePublisher, Publisher
from intercom_sink.aio import AsyncPublisher


class BlockingPublisher:
    """Publishes by a publisher for asyncio, on an event loop that runs during each call. For one thread."""

    def __init__(self, publisher: AsyncMessagePublisher) -> None:
        self._runner = asyncio.Runner()
        self._publisher = publisher

    def publish(
        self, request: IntercomRequest | Message, *, ordering_key: str | None = None, message_id: str | None = None
    ) -> str:
        publishing = self._publisher.publish(request, ordering_key=ordering_key, message_id=message_id)
        return self._runner.run(publishing)

    def publish_batch(self, messages: Iterable[IntercomRequest | Message]) -> list[str]:
        return self._runner.run(self._publisher.publish_batch(messages))

    def close(self) -> None:
        self._runner.run(self._publisher.close())

    def close_loop(self) -> None:
        """Closes the publisher, and ends the event loop; nothing can be published any more."""
        self.close()
        self._runner.close()


@contextmanager
def sync_publisher(url: str, queue: str, *, declare: bool = False) -> Iterator[MessagePublisher]:
    """A Publisher; closed in the end."""
    with Publisher(url, queue, declare=declare) as publisher:
        yield publisher


@contextmanager
def async_publisher(url: str, queue: str, *, declare: bool = False) -> Iterator[MessagePublisher]:
    """An AsyncPublisher; closed in the end."""
    publisher = BlockingPublisher(AsyncPublisher(url, queue, declare=declare))
    try:
        yield publisher
    finally:
        publisher.close_loop()


PUBLISHERS: dict[str, Callable[..., AbstractContextManager[MessagePublisher]]] = {
    "sync": sync_publisher,
    "async": async_publisher,
}
"""What opens each kind of publisher."""
