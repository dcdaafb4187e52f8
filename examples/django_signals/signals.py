"""Publishes a change of a contact once it is committed."""

import os
from functools import cache, partial
from typing import TYPE_CHECKING

from django.db import transaction

from intercom_sink import IntercomRequest, MessagePublisher, build_publisher

if TYPE_CHECKING:
    from examples.django_signals.models import Contact


@cache
def get_publisher() -> MessagePublisher:
    """One for each process, made when it is first needed: after the server has forked.

    Its variables are CJW_RABBITMQ_HOST and CJW_INTERCOM_QUEUE_NAME, as the sink's are.
    """
    return build_publisher(os.environ)


def publish_change(instance: "Contact", created: bool, **_: object) -> None:
    """Handles `post_save`. Only `on_commit` publishes: a change that is rolled back must not reach Intercom.

    If the broker is unavailable, whoever has saved the contact gets BrokerUnavailable; the change is committed, and not
    published. Where that must never happen, write the message to a table in the same transaction, and publish from
    there.
    """
    if created:
        return
    change = {"name": instance.name, "email": instance.email}
    request = IntercomRequest("PUT", f"/contacts/{instance.intercom_id}", change)
    transaction.on_commit(partial(publish, request, ordering_key=f"contact-{instance.intercom_id}"))


def publish(request: IntercomRequest, ordering_key: str) -> None:
    """Publishes one change."""
    get_publisher().publish(request, ordering_key=ordering_key)
