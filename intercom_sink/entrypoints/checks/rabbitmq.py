"""Checks of the broker, the source queue and the dead-letter queue.

AMQP tells how many messages of a queue are ready and how many consumers it has. It does not tell how many messages
those hold unacked, whether the queue is single-active-consumer, or whether it is full.
"""

from collections.abc import Iterator

from intercom_sink.adapters.rabbitmq.inspection import check_may_publish, inspect_broker, inspect_queue
from intercom_sink.entrypoints.checks.finding import Finding
from intercom_sink.entrypoints.output import counted
from intercom_sink.entrypoints.settings import Settings

_UNDECLARED = "does not exist yet; the sink will declare it as durable"


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Whether a broker accepts a connection. Raises BrokerUnavailable if none does."""
    yield Finding.ok(inspect_broker(settings.rabbitmq))


def check_queue(settings: Settings) -> Iterator[Finding]:
    """The state of the source queue. Raises BrokerUnavailable if it can't be used."""
    state = inspect_queue(settings.rabbitmq, settings.queue)
    if state is None:
        yield Finding.ok(f"{settings.queue} {_UNDECLARED}")
        return
    yield Finding.ok(
        f"{settings.queue}: {counted(state.messages, 'message')} ready, {counted(state.consumers, 'consumer')}"
    )
    if state.consumers:
        yield Finding.warning(
            "it has a consumer already, whose unacked messages are not counted: a second one breaks the order, unless "
            "the queue is single-active-consumer (AMQP does not tell)"
        )


def check_dead_letter_queue(settings: Settings) -> Iterator[Finding]:
    """The state of the dead-letter queue, and whether this user may publish to it.

    Raises BrokerUnavailable if it can't be used.
    """
    name = settings.dead_letter_queue
    if name is None:
        yield Finding.warning(
            "none is named (CJW_INTERCOM_DEAD_LETTER_QUEUE): messages that are given up are logged and dropped"
        )
        return
    state = inspect_queue(settings.rabbitmq, name)
    check_may_publish(settings.rabbitmq)
    yield Finding.ok(
        f"{name} {_UNDECLARED}"
        if state is None
        else f"{name}: {counted(state.messages, 'dead letter')} ready, may be written"
    )
    if state is not None and state.consumers:
        yield Finding.warning("it has a consumer, which may take dead letters away before anybody sees them")
