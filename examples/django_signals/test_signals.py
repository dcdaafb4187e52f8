"""A change is published when it is committed, and only then."""

import os
from collections.abc import Iterator

import django
import pytest
from django.core.management import call_command
from django.db import transaction

from examples.django_signals import signals
from intercom_sink.testing import InMemoryPublisher

os.environ["DJANGO_SETTINGS_MODULE"] = "examples.django_signals.settings"
django.setup()

from examples.django_signals.models import Contact  # noqa: E402  a model needs the settings


@pytest.fixture
def contact(monkeypatch: pytest.MonkeyPatch, intercom_publisher: InMemoryPublisher) -> Iterator[Contact]:
    monkeypatch.setattr(signals, "get_publisher", lambda: intercom_publisher)
    call_command("migrate", run_syncdb=True, verbosity=0)
    contact = Contact.objects.create(intercom_id="5ba682d2", name="Ada", email="ada@example.com")
    yield contact
    contact.delete()


def test_change_is_published_after_the_commit(contact: Contact, intercom_publisher: InMemoryPublisher) -> None:
    with transaction.atomic():
        contact.name = "Ada Lovelace"
        contact.save()
        assert intercom_publisher.messages == []
    (message,) = intercom_publisher.messages
    assert (message.request.method, message.request.path) == ("PUT", "/contacts/5ba682d2")
    assert message.request.data == {"name": "Ada Lovelace", "email": "ada@example.com"}
    assert message.ordering_key == "contact-5ba682d2"


def test_change_that_is_rolled_back_is_not_published(contact: Contact, intercom_publisher: InMemoryPublisher) -> None:
    with transaction.atomic():
        contact.save()
        transaction.set_rollback(True)
    assert intercom_publisher.messages == []


def test_new_contact_is_not_published(contact: Contact, intercom_publisher: InMemoryPublisher) -> None:
    assert intercom_publisher.messages == []
