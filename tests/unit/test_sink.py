"""The stream, over in-memory ports."""

import logging

import pytest

from intercom_sink import Answer, BrokerLost, IntercomRequest, NoAnswer, Outcome, Sink, decode, encode
from intercom_sink.adapters.in_memory import InMemoryGateway, InMemorySource, VirtualClock
from intercom_sink.domain.backoff import Pause
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.ports import Delivery
from intercom_sink.domain.sink import draw_evenly


def request(number: int) -> IntercomRequest:
    return IntercomRequest("POST", f"/contacts/{number}", {"number": number})


def bodies(*numbers: int) -> list[bytes]:
    return [encode(request(number)) for number in numbers]


def test_messages_are_sent_in_order_each_acked_before_the_next() -> None:
    source = InMemorySource(bodies(1, 2, 3))

    class Watching(InMemoryGateway):
        def send(self, request: IntercomRequest) -> Outcome:
            assert len(source.acked) + len(source.dead_letters) == len(
                {sent.path for sent in self.requests} - {request.path}
            )
            return super().send(request)

    gateway = Watching([Answer(200), NoAnswer("x"), Answer(500), Answer(500), Answer(404)])
    settled = Sink(source, gateway, VirtualClock(), decode).run()
    assert [sent.path for sent in gateway.requests] == [f"/contacts/{n}" for n in (1, 2, 2, 2, 3)]
    assert source.acked == bodies(1, 3)
    assert [body for body, _ in source.dead_letters] == bodies(2)
    assert settled == {"delivered": 1, "server error again": 1, "not found": 1}


def test_a_malformed_message_is_logged_given_up_and_never_sent(caplog: pytest.LogCaptureFixture) -> None:
    bad = b"\x00\xffsecret" * 1000
    source = InMemorySource([bad, *bodies(1)])
    gateway = InMemoryGateway()
    settled = Sink(source, gateway, VirtualClock(), decode).run()
    assert gateway.requests == [request(1)]
    assert source.dead_letters == [(bad, DeadLetter(Reason.MALFORMED))]
    assert source.acked == bodies(1)
    assert settled == {"malformed": 1, "delivered": 1}
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert vars(record)["reason"] == "7999 bytes follow the message"
    excerpt = vars(record)["excerpt"]
    assert excerpt.startswith(r"b'\x00\xffsecret")
    assert excerpt.endswith("and 7960 bytes more")
    assert len(excerpt) < 200


def test_a_stop_in_a_pause_hands_the_message_and_the_rest_back() -> None:
    source = InMemorySource(bodies(1, 2, 3))
    gateway = InMemoryGateway([Answer(200), Answer(429)])
    clock = VirtualClock()
    sink = Sink(source, gateway, clock, decode)
    clock.at(2, sink.stop)
    settled = sink.run()
    assert clock.now == 2
    assert settled == {"delivered": 1}
    assert source.acked == bodies(1)
    assert list(source.queue) == bodies(2, 3)
    assert source.closed
    assert gateway.closed


def test_a_connection_lost_in_a_pause_gives_the_message_to_its_next_delivery() -> None:
    source = InMemorySource(bodies(1, 2))
    gateway = InMemoryGateway([Answer(429)])
    clock = VirtualClock()
    clock.at(2, source.lose_connection)
    settled = Sink(source, gateway, clock, decode).run()
    assert [sent.path for sent in gateway.requests] == ["/contacts/1", "/contacts/1", "/contacts/2"]
    assert source.acked == bodies(1, 2)
    assert settled == {"delivered": 2}


def test_a_lost_broker_ends_the_stream_and_everything_is_closed() -> None:
    class Lost(InMemorySource):
        def receive(self) -> Delivery | None:
            raise BrokerLost("gone")

    source, gateway = Lost(), InMemoryGateway()
    with pytest.raises(BrokerLost, match="gone"):
        Sink(source, gateway, VirtualClock(), decode).run()
    assert source.closed
    assert gateway.closed


def test_times_are_drawn_within_the_pause() -> None:
    drawn = [draw_evenly(Pause(2, 3)) for _ in range(1000)]
    assert 2 <= min(drawn) < 2.1
    assert 2.9 < max(drawn) <= 3
