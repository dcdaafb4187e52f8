"""Gives up a message that is not a valid request, with its events."""

from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.events import MessageMalformed, MessageNotSent, MessageReceived
from intercom_sink.domain.ports import Delivery, Monitor


def give_up_malformed(delivery: Delivery, reason: str, monitor: Monitor) -> bool:
    """Gives the message up without an attempt.

    Args:
        delivery: the message.
        reason: what is wrong with it, in one line that is safe to log.
        monitor: receives its events.

    Returns:
        Whether it was given up; False: it stays in its queue.

    Raises:
        BrokerUnavailable: its dead letter could not be confirmed.
    """
    monitor.record(MessageReceived(delivery.envelope, delivery.delivered_at, is_malformed=True))
    given_up = False
    try:
        given_up = delivery.give_up(DeadLetter(Reason.MALFORMED, detail=reason))
    finally:
        if not given_up:
            monitor.record(MessageNotSent(delivery.envelope))
    if given_up:
        monitor.record(MessageMalformed(delivery.envelope, reason, delivery.body))
    return given_up
