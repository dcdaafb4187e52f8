from datetime import datetime

import pytest
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq.dead_letter_headers import (
    MAX_PATH,
    PREFIX,
    dead_letter_properties,
    facts_of,
    replay_properties,
)
from intercom_sink.domain.dead_letter import DeadLetter, Reason

REJECTED = DeadLetter(
    reason=Reason.REJECTED,
    method="POST",
    path="/contacts/1",
    status=422,
    request_id="b2f1",
    error_codes=("parameter_invalid",),
    attempts=2,
    first_attempt_at=1_700_000_000.0,
    last_attempt_at=1_700_000_001.5,
)


@pytest.fixture
def original() -> BasicProperties:
    return BasicProperties(
        content_type="application/msgpack",
        correlation_id="c1",
        message_id="m1",
        delivery_mode=1,
        expiration="600000",
        user_id="producer",
        headers={"own": "kept", "CC": ["elsewhere"], "BCC": ["elsewhere"], PREFIX + "reason": "an earlier one"},
    )


def test_each_fact_has_a_header(original: BasicProperties) -> None:
    facts = facts_of(dead_letter_properties(original, REJECTED, "queue"))
    assert datetime.fromisoformat(facts.pop("given-up")).tzinfo is not None
    assert facts.pop("version")
    assert facts == {
        "reason": "rejected",
        "status": 422,
        "request-id": "b2f1",
        "error-codes": ["parameter_invalid"],
        "method": "POST",
        "path": "/contacts/1",
        "attempts": 2,
        "first-attempt": "2023-11-14T22:13:20.000+00:00",
        "last-attempt": "2023-11-14T22:13:21.500+00:00",
        "source-queue": "queue",
    }


def test_the_prefix_is_the_one_that_operators_know() -> None:
    headers = dead_letter_properties(BasicProperties(), REJECTED, "queue").headers
    assert headers["x-intercom-sink-reason"] == "rejected"
    assert all(name.startswith("x-intercom-sink-") for name in headers)


def test_unknown_facts_have_no_header() -> None:
    facts = facts_of(dead_letter_properties(BasicProperties(), DeadLetter(Reason.MALFORMED), "queue"))
    assert facts.keys() == {"reason", "error-codes", "attempts", "given-up", "source-queue", "version"}


def test_the_message_s_own_properties_are_kept_but_for_those_that_harm_a_copy(original: BasicProperties) -> None:
    made = dead_letter_properties(original, REJECTED, "queue")
    assert (made.content_type, made.correlation_id, made.message_id) == ("application/msgpack", "c1", "m1")
    assert (made.delivery_mode, made.expiration, made.user_id) == (2, None, None)
    assert {name: value for name, value in made.headers.items() if not name.startswith(PREFIX)} == {"own": "kept"}


def test_the_original_properties_are_not_changed(original: BasicProperties) -> None:
    dead_letter_properties(original, REJECTED, "queue")
    assert original.headers == {
        "own": "kept",
        "CC": ["elsewhere"],
        "BCC": ["elsewhere"],
        PREFIX + "reason": "an earlier one",
    }
    assert original.expiration == "600000"


def test_a_long_path_is_cut() -> None:
    dead_letter = DeadLetter(Reason.REJECTED, path="/" * (MAX_PATH + 1))
    assert facts_of(dead_letter_properties(BasicProperties(), dead_letter, "queue"))["path"] == "/" * MAX_PATH


def test_replay_properties_are_those_of_the_message(original: BasicProperties) -> None:
    made = replay_properties(dead_letter_properties(original, REJECTED, "queue"))
    assert made.headers == {"own": "kept"}
    assert (made.content_type, made.message_id, made.delivery_mode) == ("application/msgpack", "m1", 2)


def test_a_message_without_headers_has_no_facts() -> None:
    assert facts_of(BasicProperties()) == {}
    assert replay_properties(BasicProperties()).headers == {}
