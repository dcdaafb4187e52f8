import pytest

from intercom_sink import IntercomRequest, InvalidRequest, Message, TraceContext, decode
from intercom_sink.adapters.rabbitmq.encoded_messages import (
    WINDOW_BYTES,
    EncodedMessage,
    encode_batch,
    encode_message,
    windows,
)
from intercom_sink.domain.confirms import WINDOW_MESSAGES

REQUEST = IntercomRequest("GET", "/me")
TRACE = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1")
OTHER = TraceContext("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01")


def sized(size: int) -> EncodedMessage:
    return EncodedMessage(bytes(size), None, "id")


def test_windows_are_bounded_by_messages_and_by_bytes() -> None:
    assert [len(window) for window in windows(sized(1) for _ in range(2 * WINDOW_MESSAGES + 1))] == [
        WINDOW_MESSAGES,
        WINDOW_MESSAGES,
        1,
    ]
    sizes = [WINDOW_BYTES - 1, 1, 1, WINDOW_BYTES + 1, 1]
    assert [[len(each.body) for each in window] for window in windows(map(sized, sizes))] == [
        [WINDOW_BYTES - 1, 1],
        [1],
        [WINDOW_BYTES + 1],
        [1],
    ]
    assert list(windows([])) == []


def test_no_more_of_an_endless_batch_is_taken_than_a_window() -> None:
    taken: list[int] = []

    def endless() -> object:
        while True:
            taken.append(1)
            yield REQUEST

    first = next(windows(encode_batch(endless())))  # type: ignore[arg-type]
    assert len(first) == WINDOW_MESSAGES
    assert len(taken) == WINDOW_MESSAGES


def test_message_is_encoded_with_its_own_id_or_a_new_one() -> None:
    encoded = encode_message(Message(REQUEST, "key", "id", 5, TRACE))
    assert (encoded.ordering_key, encoded.message_id, encoded.unix_time(), encoded.trace) == ("key", "id", 5, TRACE)
    assert decode(encoded.body) == REQUEST
    assert len({encode_message(Message(REQUEST)).message_id for _ in range(3)}) == 3


def test_time_is_that_of_publishing_unless_the_message_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.9)
    assert encode_message(Message(REQUEST)).unix_time() == 1000


def test_headers_carry_the_key_and_the_trace_of_the_message_or_else_of_the_publisher() -> None:
    def headers(key: str | None, trace: TraceContext | None) -> dict[str, str]:
        return EncodedMessage(b"", key, "id", trace=trace).headers(OTHER)

    assert EncodedMessage(b"", None, "id").headers(None) == {}
    assert headers("", None) == {"x-ordering-key": "", "traceparent": OTHER.traceparent}
    assert headers(None, TRACE) == {"traceparent": TRACE.traceparent, "tracestate": "vendor=1"}


def test_known_refusal_is_an_error_unless_it_is_allowed() -> None:
    message = Message(IntercomRequest("POST", "/events", {}))
    with pytest.raises(InvalidRequest):
        encode_message(message)
    assert decode(encode_message(message, known_refusals=False).body) == message.request
    with pytest.raises(InvalidRequest) as caught:
        list(encode_batch([REQUEST, message]))
    assert caught.value.index == 1
    assert caught.value.__notes__ == ["It is message 1 of the batch, counted from 0."]
