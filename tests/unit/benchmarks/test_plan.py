"""The benchmark's cases."""

from benchmarks.plan import plan, quick_plan


def test_no_case_is_measured_twice_in_a_round() -> None:
    for cases in (plan(), quick_plan()):
        assert len(set(cases)) == len(cases)
