"""The web services publish to a real broker. `test_services.py` runs these tests, in a process of their own."""

import os

import django
from django.core.management import call_command
from fastapi.testclient import TestClient

from examples.fastapi_contacts.app import app
from intercom_sink import decode
from testbed import amqp
from tests.support.queues import Queue

os.environ["DJANGO_SETTINGS_MODULE"] = "examples.django_signals.settings"
django.setup()

from examples.django_signals import signals  # noqa: E402  a model needs the settings
from examples.django_signals.models import Contact  # noqa: E402


def test_view_publishes_to_the_broker(broker: Queue) -> None:
    with TestClient(app) as client:
        responses = [client.put("/contacts/42", json={"name": name}) for name in ("Ada", "Ada Lovelace")]
    assert [response.status_code for response in responses] == [202, 202]
    published = amqp.get_all(broker.url, broker.name)
    assert [decode(body).data for _, _, body in published] == [{"name": "Ada"}, {"name": "Ada Lovelace"}]
    assert [p.message_id for _, p, _ in published] == [response.json()["message_id"] for response in responses]
    assert {p.headers["x-ordering-key"] for _, p, _ in published} == {"contact-42"}


def test_signal_publishes_to_the_broker(broker: Queue) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    contact = Contact.objects.create(intercom_id="5ba682d2", name="Ada", email="ada@example.com")
    contact.name = "Ada Lovelace"
    contact.save()
    contact.delete()
    signals.get_publisher().close()
    ((body, key),) = broker.take_all_with_keys()
    assert decode(body).path == "/contacts/5ba682d2"
    assert decode(body).data == {"name": "Ada Lovelace", "email": "ada@example.com"}
    assert key == "contact-5ba682d2"
