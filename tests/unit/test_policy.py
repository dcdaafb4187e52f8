"""The contract's answer table, as examples to read and as properties that hold for every sequence of answers."""

import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import Answer, NoAnswer, Outcome, RateLimit
from intercom_sink.domain.backoff import Pause, exponential
from intercom_sink.domain.policy import TABLE, Action, Decision, History, Kind, classify, decide
from tests.unit.strategies import outcomes

FRESH = History()
FLAG = History(last_was_server_error=True)  # the last response was a 50X
SETTLE, GIVE_UP, AGAIN = Action.SETTLE, Action.GIVE_UP, Action.SEND_AGAIN

EXAMPLES = [
    # answer                   flag    what happens  log        flag afterwards
    (Answer(200),              FRESH,  SETTLE,       "DEBUG",   False),
    (Answer(204),              FLAG,   SETTLE,       "DEBUG",   False),
    (Answer(299),              FRESH,  SETTLE,       "DEBUG",   False),
    # What is already gone may be deleted again.
    (Answer(404),              FRESH,  SETTLE,       "WARNING", False),
    (Answer(404),              FLAG,   SETTLE,       "WARNING", False),
    (Answer(429),              FRESH,  AGAIN,        "WARNING", False),
    # A 429 or a network failure between two 50X makes the second one a first one.
    (Answer(429),              FLAG,   AGAIN,        "WARNING", False),
    (NoAnswer("reset"),        FRESH,  AGAIN,        "ERROR",   False),
    (NoAnswer("reset"),        FLAG,   AGAIN,        "ERROR",   False),
    # A 50X is tried again once.
    (Answer(500),              FRESH,  AGAIN,        "WARNING", True),
    (Answer(503),              FRESH,  AGAIN,        "WARNING", True),
    (Answer(599),              FRESH,  AGAIN,        "WARNING", True),
    (Answer(500),              FLAG,   GIVE_UP,      "ERROR",   False),
    (Answer(504),              FLAG,   GIVE_UP,      "ERROR",   False),
    # No valid status: read as a server error (RFC 9110, section 15).
    (Answer(600),              FRESH,  AGAIN,        "WARNING", True),
    (Answer(999),              FLAG,   GIVE_UP,      "ERROR",   False),
    # Everything else is given up: sent again, it would be refused again.
    (Answer(400),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(401),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(403),              FLAG,   GIVE_UP,      "ERROR",   False),
    (Answer(405),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(428),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(430),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(499),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(300),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(301),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(399),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(101),              FRESH,  GIVE_UP,      "ERROR",   False),
    (Answer(199),              FRESH,  GIVE_UP,      "ERROR",   False),
]  # fmt: skip


@pytest.mark.parametrize(("outcome", "history", "action", "level", "flag"), EXAMPLES)
def test_the_answer_table(outcome: Outcome, history: History, action: Action, level: str, flag: bool) -> None:
    decision = decide(outcome, history)
    assert decision.action is action
    assert logging.getLevelName(decision.log_level) == level
    assert decision.is_server_error is flag


def test_every_kind_has_its_rule() -> None:
    assert set(TABLE) == set(Kind)


def test_a_429_waits_for_the_window_and_a_little_more() -> None:
    decision = decide(Answer(429, RateLimit(server_time=1000.0, reset_at=1007.0)), FRESH)
    assert decision.pause == Pause(7.0, 8.0)


def test_the_first_50x_waits_shortly() -> None:
    assert decide(Answer(500), FRESH).pause == Pause(0.5, 1.0)


def test_without_an_answer_the_pause_doubles_up_to_a_minute() -> None:
    decided = [decide(NoAnswer("refused"), History(unanswered=failures)).pause for failures in range(9)]
    pauses = [(pause.least, pause.most) for pause in decided]
    assert pauses == [(0.5, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (30, 60), (30, 60), (30, 60)]


def test_what_is_about_intercom_holds_all_and_what_is_about_a_message_holds_that_one() -> None:
    assert {kind for kind, rule in TABLE.items() if rule.holds_all} == {Kind.RATE_LIMITED, Kind.NO_ANSWER}
    assert {kind for kind, rule in TABLE.items() if rule.action is AGAIN and not rule.holds_all} == {Kind.SERVER_ERROR}


@given(st.integers(1, 10**9))
def test_a_backoff_never_leaves_its_bounds(failures: int) -> None:
    pause = exponential(failures, 60.0)
    assert 0.5 <= pause.least <= pause.most <= 60.0


def decisions(answers: list[Outcome]) -> list[Decision]:
    """What is decided for one message that is answered so, until it is settled or the answers end."""
    made: list[Decision] = []
    history = FRESH
    for outcome in answers:
        made.append(decide(outcome, history))
        history = History(made[-1].is_server_error)
        if made[-1].action is not AGAIN:
            break
    return made


@given(st.lists(outcomes, min_size=1))
def test_every_sequence_ends_in_a_settlement_or_a_wait(answers: list[Outcome]) -> None:
    last = decisions(answers)[-1]
    assert last.action in (SETTLE, GIVE_UP) or 0 < last.pause.least <= last.pause.most <= 61


@given(st.lists(outcomes, min_size=1))
def test_never_two_retries_for_50x_in_a_row(answers: list[Outcome]) -> None:
    kinds = [decision.kind for decision in decisions(answers)]
    assert (Kind.SERVER_ERROR, Kind.SERVER_ERROR) not in list(itertools.pairwise(kinds))


@given(outcomes, st.builds(History, st.booleans(), st.integers(0, 100)))
def test_the_flag_is_set_by_the_first_50x_alone_and_reset_by_all_else(outcome: Outcome, history: History) -> None:
    decision = decide(outcome, history)
    assert decision.is_server_error == (decision.kind is Kind.SERVER_ERROR)
    assert decision.kind is classify(outcome, history)


@given(outcomes, st.builds(History, st.booleans(), st.integers(0, 100)))
def test_only_what_intercom_has_is_settled_and_only_refusals_are_given_up(outcome: Outcome, history: History) -> None:
    status = outcome.status if isinstance(outcome, Answer) else None
    match decide(outcome, history).action:
        case Action.SETTLE:
            assert status is not None
            assert 200 <= status <= 299 or status == 404
        case Action.GIVE_UP:
            assert status is not None
            assert status != 429
            assert status < 500 or history.last_was_server_error
        case Action.SEND_AGAIN:
            assert status is None or status == 429 or status >= 500
