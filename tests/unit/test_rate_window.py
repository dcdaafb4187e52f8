"""The rate limit that the tests and the benchmarks run against."""

from testbed.rate_window import RateWindow


def test_so_many_are_admitted_in_a_window_and_no_more() -> None:
    window = RateWindow(limit=2)
    assert [window.admit(1000.0 + second).admitted for second in range(4)] == [True, True, False, False]
    assert (window.admitted, window.refused) == ({1000: 2}, 2)


def test_a_new_window_begins_at_each_multiple_of_its_length() -> None:
    window = RateWindow(limit=1)
    assert [window.admit(time).admitted for time in (1008.0, 1009.9, 1010.0, 1019.9, 1020.0)] == [
        *(True, False),
        *(True, False),
        True,
    ]


def test_the_headers_tell_the_window_on_every_answer() -> None:
    window = RateWindow(limit=2, seconds=4)
    headers = [window.admit(1001.7).headers for _ in range(3)]
    assert headers[0] == {
        "Date": "Thu, 01 Jan 1970 00:16:41 GMT",
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": "1004",
    }
    assert [answer["X-RateLimit-Remaining"] for answer in headers] == ["1", "0", "0"]
