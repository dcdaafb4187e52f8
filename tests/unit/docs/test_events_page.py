"""The page of events is what the code makes."""

import ast
import dataclasses
import logging
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

import intercom_sink
from intercom_sink import RateLimit, Response, Settings
from intercom_sink.adapters.monitors.logs.formats import fields_of
from intercom_sink.adapters.monitors.logs.lines import LINES
from intercom_sink.adapters.monitors.logs.progress import ProgressLog
from intercom_sink.adapters.monitors.logs.recovery import RecoveryLog
from intercom_sink.adapters.monitors.logs.repeats import MAX_IDENTICAL, RepeatLimiter
from intercom_sink.adapters.monitors.state.monitor import StateMonitor
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.events import (
    AttemptFinished,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
)
from intercom_sink.entrypoints import run_log
from intercom_sink.testing import VirtualClock
from tests.support.documents import ROOT
from tests.support.events import DELIVERED, KINDS, NO_RESPONSE, example_of

PAGE = runpy.run_path(str(ROOT / "docs" / "events_page.py"))

LEVELS = ("debug", "info", "warning", "error", "critical", "exception")

VARIABLES = {
    "CJW_RABBITMQ_HOST": "amqp://rabbit",
    "CJW_INTERCOM_API_TOKEN": "mock",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
    "CJW_INTERCOM_DEAD_LETTER_QUEUE": "dead",
}


def test_the_page_of_events_is_what_the_table_makes() -> None:
    """Remake it with `make docs`."""
    assert (ROOT / "docs" / "reference" / "events.md").read_text() == PAGE["render"]()


def calls(*names: str) -> Iterator[ast.expr]:
    """The first arguments of all calls of these functions in the package."""
    for file in Path(intercom_sink.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                yield node.args[0]


def test_page_has_every_text_that_the_package_logs() -> None:
    """Literal texts; the others are those of events, and of the lines that a test below writes."""
    first = calls(*(f"logger.{level}" for level in LEVELS))
    texts = {argument.value for argument in first if isinstance(argument, ast.Constant)}
    assert {"starting", "progress"} <= texts
    assert texts <= {line.text for line in (*LINES.values(), *PAGE["OTHER_LINES"])}


def test_page_has_the_names_of_the_loggers_which_are_no_modules() -> None:
    """Users filter by them."""
    names = {ast.unparse(argument) for argument in calls("logging.getLogger")} - {"'pika'", "'urllib3'"}
    assert names == {f"'intercom_sink.{name}'" for name in PAGE["LOGGERS"]}


def test_lines_that_are_not_events_have_the_fields_that_the_page_names(caplog: pytest.LogCaptureFixture) -> None:
    """Each is written once, with every field that it can have."""
    caplog.set_level(logging.INFO)
    clock = VirtualClock()
    state = StateMonitor(clock)
    progress, recovery, limiter = ProgressLog(clock, state.snapshot), RecoveryLog(clock), RepeatLimiter()
    limiter.set_target(caplog.handler)
    attempt = dataclasses.replace(DELIVERED, result=Response(200, RateLimit(limit=166, remaining=1)))
    failed = dataclasses.replace(NO_RESPONSE, duration=0.0)
    for event in (
        *(example_of(kind) for kind in KINDS),
        AttemptFinished(failed),
        AttemptFinished(dataclasses.replace(attempt, duration=0.0)),
        ConnectionFailed("amqp://h/", "refused"),
        Consuming("amqp://h/", "q"),
        DeadLetterNotConfirmed("dead", "full", 1.0),
        DeadLettered("dead", Reason.REJECTED),
    ):
        state.record(event)
        progress.record(event)
        recovery.record(event)
    progress.tick()
    cause = {
        "broker": "amqp://h/",
        "queue": "q",
        "disposition": "rejected",
        "status": 422,
        "reason": "x",
        "error_codes": ["y"],
        "cause": "z",
    }
    for _ in range(MAX_IDENTICAL + 1):
        line = {"msg": "given up", "levelno": logging.ERROR, "levelname": "ERROR"}
        limiter.handle(logging.makeLogRecord(line | cause))
    limiter.write_counts()
    run_log.logger.info(
        "starting", extra=run_log._describe(Settings.from_environment(VARIABLES | {"HTTPS_PROXY": "proxy:3128"}))
    )
    written: dict[str, set[str]] = {}
    for record in caplog.records:
        written.setdefault(record.getMessage(), set()).update(fields_of(record))
    named = {line.text: set(line.fields) for line in PAGE["OTHER_LINES"]}
    others = {
        "unknown variable", "no dead-letter queue", "no health socket", "request failed", "span failed", "mock request",
    }  # fmt: skip
    assert written.keys() - {"given up"} == named.keys() - others
    assert {text: written[text] for text in named.keys() - others} == {
        text: fields for text, fields in named.items() if text not in others
    }
    assert progress.summary().keys() == set(PAGE["SUMMARY"])
