from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intercom_sink.adapters.rabbitmq import ORDERING_KEY_HEADER
from intercom_sink.adapters.rabbitmq.amqp_table import Field, encode_field
from intercom_sink.adapters.rabbitmq.dead_letter_headers import (
    DROPPED_COUNT,
    PREFIX,
    dead_letter_properties,
    metadata_of,
    replay_properties,
)
from intercom_sink.adapters.rabbitmq.properties import Properties, read_properties
from intercom_sink.domain.dead_letter import DeadLetter, Reason

ROOM = 131_000
"""Bytes that properties may have, at RabbitMQ's usual size of a frame."""

REJECTED = DeadLetter(
    reason=Reason.REJECTED,
    method="POST",
    path="/contacts/1",
    status=422,
    request_id="b2f1",
    error_codes=("parameter_invalid",),
    error_messages=("email is invalid",),
    attempts=2,
    first_attempt_at=1_700_000_000.0,
    last_attempt_at=1_700_000_001.5,
)


@pytest.fixture
def original() -> Properties:
    return Properties(
        content_type="application/msgpack",
        correlation_id="c1",
        message_id="m1",
        delivery_mode=1,
        expiration="600000",
        user_id="producer",
        headers={"own": "kept", "CC": ["elsewhere"], "BCC": ["elsewhere"], PREFIX + "reason": "an earlier one"},
    )


def test_each_fact_has_a_header(original: Properties) -> None:
    metadata = metadata_of(dead_letter_properties(original, REJECTED, "queue", ROOM))
    assert datetime.fromisoformat(metadata.pop("given-up")).tzinfo is not None
    assert metadata.pop("version")
    assert metadata == {
        "reason": "rejected",
        "status": 422,
        "request-id": "b2f1",
        "error-codes": ["parameter_invalid"],
        "error-messages": ["email is invalid"],
        "method": "POST",
        "path": "/contacts/1",
        "attempts": 2,
        "first-attempt": "2023-11-14T22:13:20.000Z",
        "last-attempt": "2023-11-14T22:13:21.500Z",
        "source-queue": "queue",
    }


def test_facts_are_in_one_order_even_if_the_broker_sorts_headers_by_name() -> None:
    """RabbitMQ 4 does. What a later version of the sink may have added comes last."""
    dead_letter = replace(REJECTED, detail="why")
    made = made_to_fit(4_000, encode_field("own", "x" * 3_900), dead_letter=dead_letter)
    written = [field.name.removeprefix(PREFIX) for field in made.fields]
    made.fields = tuple(sorted((*made.fields, encode_field(PREFIX + "added", 1)), key=lambda field: field.name))
    assert list(metadata_of(made)) == [*written, "added"]
    assert len(written) == 15


def test_the_prefix_is_the_one_that_operators_know() -> None:
    headers = dead_letter_properties(Properties(), REJECTED, "queue", ROOM).headers
    assert headers["x-intercom-sink-reason"] == "rejected"
    assert all(name.startswith("x-intercom-sink-") for name in headers)


def test_unknown_facts_have_no_header() -> None:
    metadata = metadata_of(dead_letter_properties(Properties(), DeadLetter(Reason.MALFORMED), "queue", ROOM))
    assert metadata.keys() == {"reason", "attempts", "given-up", "source-queue", "version"}


def test_the_message_s_own_properties_are_kept_but_for_those_that_harm_a_copy(original: Properties) -> None:
    made = dead_letter_properties(original, REJECTED, "queue", ROOM)
    assert (made.content_type, made.correlation_id, made.message_id) == ("application/msgpack", "c1", "m1")
    assert (made.delivery_mode, made.expiration, made.user_id) == (2, None, None)
    assert {name: value for name, value in made.headers.items() if not name.startswith(PREFIX)} == {"own": "kept"}


def test_the_original_properties_are_not_changed(original: Properties) -> None:
    dead_letter_properties(original, REJECTED, "queue", ROOM)
    assert original.headers == {
        "own": "kept",
        "CC": ["elsewhere"],
        "BCC": ["elsewhere"],
        PREFIX + "reason": "an earlier one",
    }
    assert original.expiration == "600000"


def made_to_fit(size: int, *fields: Field, dead_letter: DeadLetter = REJECTED, **properties: str) -> Properties:
    made = dead_letter_properties(Properties(fields, **properties), dead_letter, "queue", size)
    assert made.size <= size
    return made


def test_long_texts_are_cut_to_their_bytes_and_say_so() -> None:
    dead_letter = DeadLetter(Reason.REJECTED, path="é" * 1900, error_messages=("ä" * 1900, "b"))
    metadata = metadata_of(made_to_fit(ROOM, dead_letter=dead_letter))
    assert metadata["path"] == "é" * 998 + "…"
    (message,) = metadata["error-messages"]
    assert message == "ä" * 996 + "…"
    assert DROPPED_COUNT not in metadata


def test_all_facts_fit_in_the_smallest_frame_of_amqp() -> None:
    """With every other property as long as can be: 4,076 bytes are left of a frame of 4,096."""
    longest, long_text = "é" * 127, "é" * 5000
    dead_letter = DeadLetter(
        Reason.SERVER_ERROR,
        method=long_text,
        path=long_text,
        request_id=long_text,
        detail=long_text,
        error_codes=(long_text[:500],) * 50,
        error_messages=(long_text[:500],) * 50,
        status=2**31,
        attempts=2**31,
        first_attempt_at=1e9,
        last_attempt_at=1e9,
    )
    names = ("content_type", "content_encoding", "correlation_id", "reply_to", "message_id", "type", "app_id")
    original = Properties(
        [encode_field("own", "x" * 5000)], **dict.fromkeys((*names, "cluster_id"), longest), timestamp=1, priority=1
    )
    made = dead_letter_properties(original, dead_letter, longest, 4076)
    assert made.size <= 4076
    metadata = metadata_of(made)
    assert (metadata["source-queue"], metadata[DROPPED_COUNT]) == (longest, 1)
    assert str(metadata["path"]).startswith("éééé")
    assert metadata["error-codes"]


def test_own_headers_are_left_out_where_they_do_not_fit() -> None:
    """The largest first, and the ordering key last; what is left stays in its order."""
    fields = [
        encode_field("large", "x" * 3000),
        encode_field("small", "x"),
        encode_field(ORDERING_KEY_HEADER, "k" * 1000),
        encode_field("medium", "x" * 300),
    ]
    made = made_to_fit(3000, *fields)
    assert [field.name for field in made.fields[:3]] == ["small", ORDERING_KEY_HEADER, "medium"]
    assert metadata_of(made)[DROPPED_COUNT] == 1
    assert metadata_of(made)["path"] == "/contacts/1"


def test_texts_are_cut_before_the_ordering_key_is_left_out() -> None:
    dead_letter = DeadLetter(Reason.REJECTED, path="/" * 5000)
    made = made_to_fit(4076, encode_field(ORDERING_KEY_HEADER, "k" * 2500), dead_letter=dead_letter)
    assert made.envelope.ordering_key == "k" * 2500
    assert len(str(metadata_of(made)["path"])) < 500


def test_an_ordering_key_of_any_length_can_be_left_out() -> None:
    made = made_to_fit(4076, encode_field(ORDERING_KEY_HEADER, "k" * 100_000), encode_field("own", "kept"))
    assert metadata_of(made)[DROPPED_COUNT] == 1
    assert made.headers["own"] == "kept"


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.text(max_size=20), st.integers(0, 5000)), max_size=8),
    st.text(max_size=3000),
    st.lists(st.text(max_size=300), max_size=30),
    st.integers(4076, 20_000),
)
def test_a_dead_letter_always_fits(own: list[tuple[str, int]], text: str, texts: list[str], size: int) -> None:
    dead_letter = DeadLetter(
        Reason.REJECTED,
        path=text,
        request_id=text,
        detail=text,
        error_codes=tuple(texts),
        error_messages=tuple(texts),
    )
    fields = [encode_field(name, "x" * length) for name, length in own]
    made = made_to_fit(size, *fields, dead_letter=dead_letter)
    assert metadata_of(made)["reason"] == "rejected"
    read = read_properties(b"".join(made.encode()))
    assert read.fields == made.fields, "it can be read again"


def test_lone_surrogates_are_escaped() -> None:
    """Intercom's JSON may have them; UTF-8 has not."""
    dead_letter = DeadLetter(
        Reason.REJECTED, request_id="a\ud800b", error_codes=("c\udfff",), error_messages=("\ud800",)
    )
    metadata = metadata_of(read_properties(b"".join(made_to_fit(ROOM, dead_letter=dead_letter).encode())))
    assert metadata["request-id"] == r"a\ud800b"
    assert metadata["error-codes"] == [r"c\udfff"]
    assert metadata["error-messages"] == [r"\ud800"]


@pytest.mark.parametrize("table", [b"\x00\x00\x00\x03" + b"\x01h?", b"\x00\x00\x00\x64" + b"\x01ht"])
def test_headers_that_could_not_be_read_are_counted_as_left_out(table: bytes) -> None:
    original = read_properties(b"\x20\x00" + table)
    metadata = metadata_of(dead_letter_properties(original, REJECTED, "queue", ROOM))
    assert metadata[DROPPED_COUNT] == 1


def test_a_header_whose_name_is_not_utf_8_is_kept() -> None:
    field = Field(b"cl\xe9", b"t\x01")
    made = made_to_fit(ROOM, field)
    assert made.fields[0] == field
    assert replay_properties(made).fields == (field,)


def test_direct_reply_to_is_left_out() -> None:
    """The broker would refuse the dead letter: nobody waits for a reply on that connection."""
    assert made_to_fit(ROOM, reply_to="amq.rabbitmq.reply-to").reply_to is None
    assert made_to_fit(ROOM, reply_to="replies").reply_to == "replies"


def test_replay_leaves_out_what_the_broker_added() -> None:
    names = ["x-death", "x-first-death-queue", "x-last-death-reason", "x-delivery-count", "own"]
    made = made_to_fit(ROOM, *(encode_field(name, "x") for name in names))
    assert list(replay_properties(made).headers) == ["own"]


def test_replay_properties_are_those_of_the_message(original: Properties) -> None:
    made = replay_properties(dead_letter_properties(original, REJECTED, "queue", ROOM))
    assert made.headers == {"own": "kept"}
    assert (made.content_type, made.message_id, made.delivery_mode) == ("application/msgpack", "m1", 2)


def test_a_message_without_headers_has_no_facts() -> None:
    assert metadata_of(Properties()) == {}
    assert replay_properties(Properties()).headers == {}


def test_a_malformed_message_says_what_is_wrong() -> None:
    dead_letter = DeadLetter(Reason.MALFORMED, detail="not a map but list")
    assert metadata_of(made_to_fit(ROOM, dead_letter=dead_letter))["detail"] == "not a map but list"
