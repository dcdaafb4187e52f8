"""The contract suite of MessagePublisher says what publishers make of it: tests/contracts/message_publisher.py."""

import pytest

from intercom_sink import BrokerUnavailable, IntercomRequest, MalformedMessage, Message, PublishResult, PublishStatus
from intercom_sink.domain.batch import after_confirmed, new_message_id, prepare_each, results_of

REQUEST = IntercomRequest("GET", "/me")
CONFIRMED, RETURNED = PublishStatus.CONFIRMED, PublishStatus.RETURNED


def refuse_posts(message: Message) -> str:
    if message.request.method == "POST":
        raise MalformedMessage("refused")
    return message.request.path


def test_each_message_is_prepared_when_it_is_asked_for() -> None:
    endless = iter(lambda: REQUEST, None)
    prepared = prepare_each(endless, refuse_posts)
    assert [next(prepared), next(prepared)] == ["/me", "/me"]


def test_error_says_which_message_it_is() -> None:
    messages = prepare_each([REQUEST, Message(IntercomRequest("POST", "/contacts"))], refuse_posts)
    next(messages)
    with pytest.raises(MalformedMessage, match="refused") as caught:
        next(messages)
    assert caught.value.index == 1
    assert caught.value.__notes__ == ["It is message 1 of the batch, counted from 0."]


def test_results_are_numbered_from_the_place_in_the_batch() -> None:
    assert results_of(["a", None], [CONFIRMED, RETURNED], 5) == (
        PublishResult(5, "a", CONFIRMED),
        PublishResult(6, None, RETURNED),
    )


def test_error_has_the_results_of_the_messages_before_it() -> None:
    confirmed = ["a"]

    def publish() -> None:
        with after_confirmed(confirmed):
            confirmed.append("b")
            error = BrokerUnavailable("lost")
            error.results = results_of(["c"], [RETURNED], 2)
            raise error

    with pytest.raises(BrokerUnavailable) as caught:
        publish()
    assert caught.value.results == results_of(["a", "b", "c"], [CONFIRMED, CONFIRMED, RETURNED], 0)


def test_ids_differ() -> None:
    assert new_message_id() != new_message_id()
