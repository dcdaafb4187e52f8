"""`intercom-sink fake-intercom`: its arguments."""

import argparse
import random
from collections import Counter
from typing import cast

import pytest

from intercom_sink.entrypoints.commands import Commands, Parser, fake_intercom
from intercom_sink.entrypoints.commands.fake_intercom import FAULTS, Failure, RequestLog, failing, failure
from intercom_sink.testing.intercom import Behaviour, Exchange, ReceivedRequest, error


def parse(*words: str) -> argparse.Namespace:
    parser = Parser()
    fake_intercom.add_parser(Commands(parser))
    return parser.parse_args(["fake-intercom", *words])


def test_it_listens_on_loopback_and_accepts_all_unless_told_otherwise() -> None:
    given = parse()
    assert (given.host, given.port, given.limit, given.latency, given.token, given.fail) == (
        *("127.0.0.1", 0, None, 0.0),
        *(None, []),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1:503", Failure(0.1, error(503))),
        (".25:429", Failure(0.25, error(429))),
        ("1:reset", Failure(1.0, FAULTS["reset"])),
        ("0:400", Failure(0.0, error(400))),
    ],
)
def test_part_of_the_requests_that_fails(text: str, expected: Failure) -> None:
    assert failure(text) == expected


@pytest.mark.parametrize(
    "text", ["503", "0.1", "2:503", "1.5:503", "-1:503", "nan:503", "0.1:200", "0.1:vanish", "0.1:"]
)
def test_part_that_is_none_is_an_error_of_the_command_line(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"RATE:STATUS, as 0\.1:503"):
        failure(text)


@pytest.mark.parametrize(
    "words",
    [
        ("--port", "65536"),
        ("--port", "x"),
        ("--limit", "0"),
        ("--latency", "-1"),
        ("--latency", "601"),
        ("--latency", "nan"),
        ("--latency", "."),
    ],
)
def test_invalid_number_is_an_error_of_the_command_line(words: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        parse(*words)


def test_numbers_are_read() -> None:
    given = parse("--port", "8080", "--limit", "167", "--latency", ".05")
    assert (given.port, given.limit, given.latency) == (8080, 167, 0.05)


def test_each_failure_is_as_frequent_as_its_rate_says(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()

    def noted(name: str) -> Behaviour:
        return lambda exchange: seen.update([name])

    behave = failing([Failure(0.5, noted("first")), Failure(0.25, noted("second"))], noted("none"))
    draws = iter([0.0, 0.25, 0.5, 0.75])
    monkeypatch.setattr(random, "random", lambda: next(draws))
    for _ in range(4):
        behave(cast("Exchange", None))  # nothing here looks at it
    assert seen == {"first": 2, "second": 1, "none": 1}


def test_line_of_a_request_holds_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    RequestLog().record(ReceivedRequest(1, "\x1b[2J", "/\x1b[2J", {}, b"", 1, status=200))
    assert capsys.readouterr().out == "\ufffd[2J /\ufffd[2J 200\n"
