import json

import pytest

from intercom_sink import IntercomRequest, encode
from intercom_sink.adapters.rabbitmq.amqp_table import Field, encode_field
from intercom_sink.adapters.rabbitmq.dead_letter_browser import StoredDeadLetter
from intercom_sink.adapters.rabbitmq.dead_letter_headers import dead_letter_properties
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.entrypoints.commands import InvalidInput
from intercom_sink.entrypoints.dead_letters.views import HEADING, cells, describe, export_line, metadata_as_json, row
from intercom_sink.entrypoints.json_lines import read_lines

REJECTED = DeadLetter(
    Reason.REJECTED,
    method="POST",
    path="/contacts/1",
    status=422,
    error_codes=("parameter_invalid",),
    error_messages=("email is invalid",),
)
BODY = encode(IntercomRequest("POST", "/contacts/1", {"name": "Zoë"}))


def stored(
    body: bytes = BODY, dead_letter: DeadLetter = REJECTED, number: int = 3, original: Properties | None = None
) -> StoredDeadLetter:
    properties = dead_letter_properties(original or Properties(), dead_letter, "queue", 131_000)
    return StoredDeadLetter(body, properties, tag=7, number=number)


def described(letter: StoredDeadLetter) -> str:
    return "\n".join(describe(letter, 5))


def test_a_row_shows_the_request_and_its_errors_within_80_columns() -> None:
    shown = row(cells(stored()))
    assert shown[:4] == "   3"
    assert shown[21:] == " rejected     422    POST /contacts/1: parameter_invalid"
    assert len(shown) <= 80
    assert len(row(HEADING)) <= 80


def test_a_row_of_a_malformed_message_shows_what_is_wrong() -> None:
    letter = stored(b"[]", DeadLetter(Reason.MALFORMED, detail="not a map but list"))
    assert row(cells(letter))[21:] == " malformed    -      not a map but list"


def test_a_row_is_cut_to_the_width_of_the_terminal() -> None:
    letter = stored(dead_letter=DeadLetter(Reason.REJECTED, method="GET", path="/" + "x" * 200))
    assert len(row(cells(letter), 80)) == 80
    assert len(row(cells(letter))) > 200


def test_a_row_of_another_program_s_message() -> None:
    assert row(cells(StoredDeadLetter(b"", Properties(), 1, 1))).split() == ["1", "-", "-", "-", "-"]


def test_a_row_holds_nothing_that_a_terminal_obeys() -> None:
    letter = stored(dead_letter=DeadLetter(Reason.REJECTED, method="GET", path="/\x1b[2J"))
    assert "\x1b" not in row(cells(letter))


def test_json_has_the_number_the_facts_and_what_tells_messages_apart() -> None:
    original = Properties([encode_field("x-ordering-key", "k")], message_id="m1")
    metadata = json.loads(metadata_as_json(stored(original=original)))
    assert (metadata["number"], metadata["message-id"], metadata["ordering-key"]) == (3, "m1", "k")
    assert metadata["error-messages"] == ["email is invalid"]


def test_json_has_a_message_id_that_is_not_utf_8_as_log_lines_have_it() -> None:
    metadata = json.loads(metadata_as_json(stored(original=Properties(message_id=b"a\xff"))))
    assert metadata["message-id"] == "a\\xff"


def test_describe_shows_everything() -> None:
    original = Properties([encode_field("x-ordering-key", "k"), Field(b"cl\xe9", b"t\x01")], message_id="m1")
    lines = describe(stored(original=original), 5)
    assert lines[0] == "dead letter 3 of 5"
    text = "\n".join(lines)
    for words in ('["email is invalid"]', "reason          rejected", "message_id     m1", r"cl\xe9          true"):
        assert words in text
    body = "\n".join(line[2:] for line in lines[lines.index(f"message, {len(BODY)} bytes:") + 1 :])
    assert json.loads(body) == {"method": "POST", "path": "/contacts/1", "data": {"name": "Zoë"}}
    assert "Zoë" in body


@pytest.mark.parametrize(
    ("body", "shown"), [(b'{"method": "POST"}', '  {"method": "POST"}'), (b"\xc1\x1b[2J", r"  \xc1\x1b[2J")]
)
def test_describe_escapes_a_message_that_can_not_be_decoded(body: bytes, shown: str) -> None:
    *_, title, last = describe(stored(body, DeadLetter(Reason.MALFORMED)), 5)
    assert title.startswith(f"message, {len(body)} bytes, not decoded, ")
    assert last == shown


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b2J", "\u202e", "\r"])
def test_describe_holds_nothing_that_a_terminal_obeys(hostile: str) -> None:
    original = Properties([encode_field(hostile, hostile)], message_id=hostile)
    letter = stored(
        encode(IntercomRequest("POST", "/x", hostile)),
        DeadLetter(Reason.REJECTED, error_messages=(hostile,), request_id=hostile),
        original=original,
    )
    assert hostile not in described(letter)


def test_an_exported_line_is_read_back_by_publish() -> None:
    line = export_line(stored(original=Properties([encode_field("x-ordering-key", "k")])))
    assert line is not None
    (publication,) = read_lines([line.encode()])
    assert (publication.message.body, publication.message.ordering_key) == (BODY, "k")


def test_request_that_intercom_is_known_to_refuse_is_exported_to_be_corrected() -> None:
    line = export_line(stored(encode(IntercomRequest("POST", "/events", {"event_name": "x"}))))
    assert line is not None
    with pytest.raises(InvalidInput, match="created_at is missing"):
        read_lines([line.encode()])


@pytest.mark.parametrize(
    ("body", "key"), [(b"malformed", "k"), (BODY, "k" * 256)], ids=["malformed", "an ordering key that is too long"]
)
def test_what_publish_can_not_read_is_not_exported(body: bytes, key: str) -> None:
    assert export_line(stored(body, original=Properties([encode_field("x-ordering-key", key)]))) is None
