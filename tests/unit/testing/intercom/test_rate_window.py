"""The model of Intercom's rate limit that the tests and the benchmarks run against."""

import pytest

from intercom_sink.testing.intercom.rate_window import RateWindow


def test_window_admits_up_to_its_limit() -> None:
    window = RateWindow(limit=2)
    assert [window.admit(1000.0 + second).admitted for second in range(4)] == [True, True, False, False]
    assert (window.admitted, window.refused) == ({1000: 2}, 2)


def test_window_begins_at_each_multiple_of_its_length() -> None:
    window = RateWindow(limit=1)
    assert [window.admit(time).admitted for time in (1008.0, 1009.9, 1010.0, 1019.9, 1020.0)] == [
        *(True, False),
        *(True, False),
        True,
    ]


def test_admission_reports_the_window_in_numbers() -> None:
    window = RateWindow(limit=2)
    admissions = [window.admit(1001.7) for _ in range(3)]
    assert [(one.limit, one.remaining, one.reset_at) for one in admissions] == [
        (2, 1, 1010),
        (2, 0, 1010),
        (2, 0, 1010),
    ]


def test_headers_report_the_window_on_every_response() -> None:
    window = RateWindow(limit=2, seconds=4)
    headers = [window.admit(1001.7).headers for _ in range(3)]
    assert headers[0] == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": "1004",
    }
    assert [one["X-RateLimit-Remaining"] for one in headers] == ["1", "0", "0"]


@pytest.mark.parametrize("unix_time", [-0.5, -10.0, -1000.3])
def test_clock_before_1970_has_windows_too(unix_time: float) -> None:
    """A client's test may offset the server's clock by anything."""
    admission = RateWindow(limit=1).admit(unix_time)
    assert admission.admitted
    assert admission.reset_at - 10 <= unix_time < admission.reset_at
