"""The view publishes, without RabbitMQ: the fixture `intercom_publisher` comes with intercom-sink."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from examples.fastapi_contacts.app import app, get_publisher
from intercom_sink import BrokerUnavailable, IntercomRequest
from intercom_sink.testing import InMemoryPublisher


@pytest.fixture
def client(intercom_publisher: InMemoryPublisher) -> Iterator[TestClient]:
    app.dependency_overrides[get_publisher] = lambda: intercom_publisher
    yield TestClient(app)  # without `with`: the lifespan, and its publisher, never start
    app.dependency_overrides.clear()


def test_change_is_published(client: TestClient, intercom_publisher: InMemoryPublisher) -> None:
    response = client.put("/contacts/42", json={"name": "Ada"})
    (message,) = intercom_publisher.messages
    assert message.request == IntercomRequest("PUT", "/contacts/42", {"name": "Ada"})
    assert message.ordering_key == "contact-42"
    assert (response.status_code, response.json()) == (202, {"message_id": message.message_id})


def test_change_that_is_no_valid_request_is_refused(client: TestClient, intercom_publisher: InMemoryPublisher) -> None:
    response = client.put("/contacts/%2E%2E", json={"name": "Ada"})
    assert (response.status_code, "dot segment" in response.text) == (422, True)
    assert intercom_publisher.messages == []


def test_unavailable_broker_is_503(client: TestClient, intercom_publisher: InMemoryPublisher) -> None:
    intercom_publisher.fail_with(BrokerUnavailable("connection refused"))
    response = client.put("/contacts/42", json={"name": "Ada"})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
