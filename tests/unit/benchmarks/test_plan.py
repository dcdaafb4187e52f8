"""The benchmark's cases."""

from itertools import pairwise

import pytest

from benchmarks.cases import Case, Group, select
from benchmarks.catalogue import BY_NAME, CONTENDERS, SINK
from benchmarks.plan import plan, quick_plan


def test_no_case_is_measured_twice_in_a_round() -> None:
    for cases in (plan(), quick_plan()):
        assert len({case.name for case in cases}) == len(cases)


def test_the_quick_plan_asks_every_question_once() -> None:
    assert {case.group for case in quick_plan()} == set(Group)


def test_contenders_take_turns_at_the_same_work() -> None:
    """Noise then falls on all of them: between two cases of one cell there is no other cell."""
    cells = [(case.group, case.concurrency, case.latency_ms) for case in plan() if case.group == Group.SPEED]
    changes = sum(one != other for one, other in pairwise(cells))
    assert changes == len(set(cells)) - 1


def test_every_contender_is_measured() -> None:
    assert {case.contender for case in plan()} == {contender.name for contender in CONTENDERS}
    assert len({contender.slug for contender in BY_NAME.values()}) == len(CONTENDERS)


CASE = Case(Group.SPEED, SINK.name, 64, 20, 100)
OTHERS = [Case(Group.SPEED, "Celery", 6, 20, 100), Case(Group.TLS, SINK.name, 64, 20, 100)]


@pytest.mark.parametrize("pattern", ["speed/20ms/64", "speed/20ms/64/sink", "speed/*/64", "speed/*/sink"])
def test_a_pattern_chooses_cases_by_whole_words_of_their_names(pattern: str) -> None:
    assert CASE.name == "speed/20ms/64/sink"
    assert select([CASE, *OTHERS], [pattern], []) == [CASE]


def test_without_a_choice_every_case_is_measured() -> None:
    assert select([CASE, *OTHERS], [], []) == [CASE, *OTHERS]


def test_contenders_are_chosen_beside_the_patterns() -> None:
    assert select([CASE, *OTHERS], ["speed"], ["celery"]) == OTHERS[:1]
