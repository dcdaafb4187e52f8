"""The errors of messages that the broker did not confirm, for every publisher."""

from collections.abc import Sequence

from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.batch import results_of
from intercom_sink.domain.confirms import PublishStatus, describe_unconfirmed
from intercom_sink.domain.errors import BrokerUnavailable, Unroutable


def find_failure(
    statuses: Sequence[PublishStatus], queue: str, url: BrokerUrl, *, declare: bool
) -> BrokerUnavailable | Unroutable | None:
    """The error that these statuses mean; None: every message is confirmed.

    Args:
        statuses: of each message, none of them unknown.
        queue: where they were published.
        url: the broker.
        declare: whether the next connection declares the queue, so that trying again may help.
    """
    if PublishStatus.RETURNED in statuses:
        if declare:
            return BrokerUnavailable(f"{url}: the broker returned the message: its queue does not exist any more")
        vhost, location = url.parameters.virtual_host, f"{url.parameters.host}:{url.parameters.port}"
        return Unroutable(f"there is no queue {queue} in virtual host {vhost} at {location}")
    if PublishStatus.NACKED in statuses:
        return BrokerUnavailable(f"{url}: the broker did not accept the message: its queue may be full")
    return None


def add_results(
    error: BrokerUnavailable | Unroutable,
    message_ids: Sequence[str | None],
    statuses: Sequence[PublishStatus],
    first_index: int,
) -> None:
    """Has an error say what became of the messages that were sent; its text too, if they are several.

    Args:
        error: what was raised.
        message_ids: of each message.
        statuses: of each message.
        first_index: the place of the first one in its batch.
    """
    error.results = results_of(message_ids, statuses, first_index)
    if len(statuses) > 1:
        error.args = (f"{error}; {describe_unconfirmed(error.results)}", *error.args[1:])
