import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink.adapters.monitors.metrics.histogram import Histogram


@given(st.lists(st.floats(0, 20)))
def test_values_are_counted_below_each_bound_and_in_all(values: list[float]) -> None:
    bounds = (0.5, 1, 10)
    histogram = Histogram(bounds)
    for value in values:
        histogram.observe(value)
    counts, total = histogram.totals()
    assert counts == [*(sum(value <= bound for value in values) for bound in bounds), len(values)]
    assert total == pytest.approx(sum(values))  # from Python 3.12 on, `sum` compensates its rounding
