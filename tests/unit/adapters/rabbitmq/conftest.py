import pika
import pytest

from intercom_sink.adapters.rabbitmq import pika_internals
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker
from tests.unit.adapters.rabbitmq.fake_broker import FakeBroker


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> FakeBroker:
    """The broker that the next `pika_internals.SelectConnection` connects to."""
    made = FakeBroker()
    monkeypatch.setattr(pika_internals, "SelectConnection", made.connect)
    return made


@pytest.fixture
def blocking_broker(monkeypatch: pytest.MonkeyPatch) -> FakeBlockingBroker:
    """The broker that `pika.BlockingConnection` connects to."""
    made = FakeBlockingBroker()
    monkeypatch.setattr(pika, "BlockingConnection", made.connect)
    return made
