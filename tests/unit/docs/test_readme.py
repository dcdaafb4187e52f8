"""The README's examples run, and its tables agree with the code."""

import re
from typing import ClassVar

import pytest

import intercom_sink
from intercom_sink import IntercomRequest, Message, Sink, Summary
from intercom_sink.adapters.monitors.logs.lines import LINES
from intercom_sink.domain.events import MessageDelivered
from intercom_sink.domain.policy import Severity
from intercom_sink.entrypoints.cli import BAD_INPUT, FAILED
from intercom_sink.entrypoints.settings import Settings
from intercom_sink.testing import InMemoryPublisher
from tests.support.documents import README, first_cells, publishing_example, python_block, section

URL = "amqp://guest:guest@localhost/"


def test_the_example_of_the_fakes_runs() -> None:
    exec(python_block("InMemorySource"), {})


def test_the_library_example_builds_a_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RABBITMQ_HOST": URL, "INTERCOM_API_TOKEN": "mock", "INTERCOM_QUEUE_NAME": "q"}.items():
        monkeypatch.setenv(f"CJW_{name}", value)
    monkeypatch.setattr(Sink, "run", lambda self: Summary())
    names: dict[str, object] = {}
    exec(python_block("build_sink("), names)
    assert isinstance(names["sink"], Sink)
    assert names["summary"] == {}


class FakePublisher(InMemoryPublisher):
    """In place of Publisher; notes what was published where."""

    published: ClassVar[list[tuple[str, str, Message]]] = []

    def __init__(self, url: str, queue: str) -> None:
        super().__init__()
        self._place = url, queue

    def close(self) -> None:
        FakePublisher.published += [(*self._place, message) for message in self.messages]


def test_the_publishing_example_publishes_a_message_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intercom_sink, "Publisher", FakePublisher, raising=False)
    exec(publishing_example(URL, "some-queue"), {})
    ((url, queue, message),) = FakePublisher.published
    assert (url, queue, message.ordering_key) == (URL, "some-queue", "contact-42")
    assert message.request == IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})


def test_the_example_of_a_batch_publishes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = InMemoryPublisher()
    monkeypatch.setattr(intercom_sink, "build_publisher", lambda _: publisher, raising=False)
    exec(python_block("publish_batch("), {})
    assert [message.ordering_key for message in publisher.messages] == ["4", "2"]
    assert publisher.closed


def test_the_configuration_table_lists_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", section("Configuration"), re.MULTILINE))
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    assert rows.keys() == fields.keys()
    for name, field in fields.items():
        expected = "required" if field.is_required() else field.default
        shown = rows[name].strip("`")
        if expected is None:
            assert shown == "unset", name
        elif isinstance(expected, bool):
            assert shown == ("on" if expected else "off"), name
        elif isinstance(expected, int | float):
            assert float(shown) == expected, name
        else:
            assert shown == expected, name


def test_troubleshooting_has_a_row_for_every_line_an_operator_should_read() -> None:
    """Every event whose line is a warning or worse, or as severe as what happened to a message."""
    rows = "\n".join(first_cells(section("Troubleshooting")))
    texts = [
        line.text
        for event, line in LINES.items()
        if event is not MessageDelivered and (line.level is None or line.level >= Severity.WARNING)
    ]
    assert len(texts) > 5
    assert [text for text in texts if f"`{text}`" not in rows] == []


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    codes = [int(cell) for cell in first_cells(section("Commands")) if cell.isdigit()]
    assert codes == [0, FAILED, BAD_INPUT]


def test_the_first_screen_leads_to_the_troubleshooting_table() -> None:
    assert "(#troubleshooting)" in "\n".join(README.read_text().splitlines()[:30])
