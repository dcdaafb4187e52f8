"""A back-fill goes on where it was interrupted."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from examples.backfill import InvalidRow, backfill
from intercom_sink import BrokerUnavailable, IntercomRequest, Message
from intercom_sink.testing import InMemoryPublisher

ROWS = [f"id-{number % 3},Name {number},{number}@example.com" for number in range(10)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "contacts.csv"
    file.write_text("\n".join(["intercom_id,name,email", *ROWS]))
    return file


def test_each_row_is_a_message_with_the_key_of_its_contact(file: Path, intercom_publisher: InMemoryPublisher) -> None:
    assert backfill(file, intercom_publisher, batch_size=4) == len(ROWS)
    assert len(intercom_publisher.messages) == len(ROWS)
    last = intercom_publisher.messages[-1]
    assert last.request == IntercomRequest("PUT", "/contacts/id-0", {"name": "Name 9", "email": "9@example.com"})
    assert (last.ordering_key, last.message_id) == ("contact-id-0", "contacts.csv-10")


@pytest.mark.parametrize("after", range(len(ROWS)))
def test_interrupted_run_goes_on_after_the_last_confirmed_row(
    file: Path, intercom_publisher: InMemoryPublisher, after: int
) -> None:
    intercom_publisher.fail_with(BrokerUnavailable("connection lost"), after=after)
    with pytest.raises(BrokerUnavailable):
        backfill(file, intercom_publisher, batch_size=4)
    intercom_publisher.fail_with(None)
    assert backfill(file, intercom_publisher, batch_size=4) == len(ROWS) - after
    ids = [message.message_id for message in intercom_publisher.messages]
    assert ids == [f"contacts.csv-{number}" for number in range(1, len(ROWS) + 1)]


def test_finished_file_is_not_published_again(file: Path, intercom_publisher: InMemoryPublisher) -> None:
    backfill(file, intercom_publisher)
    assert backfill(file, intercom_publisher) == 0


def test_invalid_row_is_named_and_the_earlier_batches_are_published(
    file: Path, intercom_publisher: InMemoryPublisher
) -> None:
    right = file.read_text()
    file.write_text(right.replace("id-0,Name 6", "id 0,Name 6"))
    with pytest.raises(InvalidRow, match="row 7: "):
        backfill(file, intercom_publisher, batch_size=4)
    assert len(intercom_publisher.messages) == 4
    file.write_text(right)
    assert backfill(file, intercom_publisher, batch_size=4) == 6


@pytest.mark.parametrize("row", ["id-9", "id-9,Name 9", "id-9,Name 9,9@example.com,x"])
def test_row_with_other_fields_than_the_header_clears_nothing(
    file: Path, intercom_publisher: InMemoryPublisher, row: str
) -> None:
    file.write_text(f"{file.read_text()}\n{row}")
    with pytest.raises(InvalidRow, match="row 11: has not as many fields as the header"):
        backfill(file, intercom_publisher, batch_size=10)
    assert len(intercom_publisher.messages) == 10


def test_row_that_intercom_would_refuse_is_named(
    file: Path, intercom_publisher: InMemoryPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it may be with other columns."""
    backfill(file, intercom_publisher)
    requests = [IntercomRequest("PUT", "/contacts/1", {"signed_up_at": seconds}) for seconds in (1, 1_764_115_200_000)]
    messages = [Message(request) for request in requests[:1] * (len(ROWS) + 1) + requests]

    def read_messages(name: str, lines: Iterable[str]) -> Iterator[Message]:
        return iter(messages)

    monkeypatch.setitem(backfill.__globals__, "read_messages", read_messages)
    with pytest.raises(InvalidRow, match=f"row {len(ROWS) + 3}: signed_up_at is later"):
        backfill(file, intercom_publisher)
