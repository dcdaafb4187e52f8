"""Log lines: an event and its fields, on one line whatever the values hold."""

import json
import logging

import pytest

from intercom_sink.adapters.monitors.log_format import FORMATTERS, JsonFormatter, TextFormatter, configure_logging
from intercom_sink.adapters.monitors.repeated_lines import MAX_IDENTICAL, RepeatLimiter


def record(event: str = "delivered", **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": event, "levelname": "INFO", "name": "x", "created": 0.25, "msecs": 250.0})
    vars(made).update(fields)
    return made


def test_text_line_shows_every_field() -> None:
    line = TextFormatter().format(record(path="/me", status=200, data=None, error_codes=["a"]))
    assert line == '1970-01-01T00:00:00.250Z INFO     delivered path=/me status=200 data=null error_codes=["a"]'


def test_text_line_shows_a_map_as_json() -> None:
    line = TextFormatter().format(record("mock request", data={"email": "ada@example.com"}))
    assert line.endswith('mock request data={"email": "ada@example.com"}')


@pytest.mark.parametrize("value", ["two\nlines", "a b", 'quo"te', "a=b", "back\\slash", "\u2028", "\u202e", ""])
def test_value_of_more_than_a_word_is_quoted_and_escaped(value: str) -> None:
    line = TextFormatter().format(record(path=value))
    assert line.endswith(f"path={json.dumps(value)}")
    assert line.isascii()
    assert "\n" not in line


def test_event_text_stays_on_its_line() -> None:
    assert "\n" not in TextFormatter().format(record("one\r\ntwo"))


def test_json_line_is_one_object() -> None:
    line = JsonFormatter().format(record("one\ntwo", path="/é\u2028", status=200, other={1}))
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "INFO",
        "logger": "x",
        "event": "one\ntwo",
        "path": "/é\u2028",
        "status": 200,
        "other": "{1}",
    }


def test_both_formats_show_a_traceback() -> None:
    try:
        raise RuntimeError("a bug")
    except RuntimeError as error:
        crash = record("crash", exc_info=(type(error), error, error.__traceback__))
    assert TextFormatter().format(crash).endswith("RuntimeError: a bug")
    assert json.loads(JsonFormatter().format(crash))["exception"].endswith("RuntimeError: a bug")


@pytest.fixture
def _restored_logging() -> object:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name in ("pika", "urllib3"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.usefixtures("_restored_logging")
@pytest.mark.parametrize("log_format", FORMATTERS)
def test_level_is_respected_and_libraries_are_silent(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", log_format)
    logging.getLogger("intercom_sink.x").debug("not shown")
    logging.getLogger("intercom_sink.x").info("shown", extra={"field": 1})
    logging.getLogger("pika.connection").error("not shown: the password")
    (line,) = capsys.readouterr().err.splitlines()
    assert "not shown" not in line
    assert "shown" in line


@pytest.mark.usefixtures("_restored_logging")
@pytest.mark.parametrize(("level", "shown"), [("INFO", MAX_IDENTICAL), ("DEBUG", MAX_IDENTICAL + 3)])
def test_identical_failures_are_counted_but_not_at_debug(
    level: str, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(level, "text", RepeatLimiter())
    for _ in range(MAX_IDENTICAL + 3):
        logging.getLogger("x").error("given up")
    assert capsys.readouterr().err.count("given up") == shown
