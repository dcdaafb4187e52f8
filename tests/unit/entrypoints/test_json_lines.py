"""JSON lines as messages. What the sink calls malformed is tested with its codec; a whole file: tests/integration."""

import pytest

from intercom_sink import IntercomRequest, decode
from intercom_sink.domain.message import MAX_KEY
from intercom_sink.entrypoints.commands import InvalidInput
from intercom_sink.entrypoints.json_lines import MAX_PROBLEMS, read_lines, read_message

LINE = b'{"method": "GET", "path": "/me", "data": null}\n'


def test_line_that_is_no_object_is_a_fault() -> None:
    with pytest.raises(InvalidInput) as error:
        read_lines([b"[1]", LINE, b"null"])
    assert error.value.problems == ["line 1: not a JSON object", "line 3: not a JSON object"]


def test_problems_are_listed_up_to_a_limit_and_then_counted() -> None:
    with pytest.raises(InvalidInput) as error:
        read_lines([b"[]"] * (MAX_PROBLEMS + 2))
    assert len(error.value.problems) == MAX_PROBLEMS + 1
    assert error.value.problems[-1] == "and 2 more"


def test_message_of_the_command_line_is_checked_by_the_same_rules() -> None:
    publication = read_message("POST", "/contacts", '{"name": "Zoë"}', "k" * MAX_KEY)
    assert decode(publication.message.body) == IntercomRequest("POST", "/contacts", {"name": "Zoë"})
    assert (publication.message.ordering_key, publication.line) == ("k" * MAX_KEY, None)
    for data, key in (("NaN", None), ("{", None), (None, "k" * (MAX_KEY + 1))):
        with pytest.raises(InvalidInput):
            read_message("POST", "/contacts", data, key)


def test_request_that_intercom_is_known_to_refuse_is_a_problem_of_its_line() -> None:
    refused = b'{"method": "POST", "path": "/events", "data": {"event_name": "x", "user_id": "1"}}'
    with pytest.raises(InvalidInput) as error:
        read_lines([LINE, refused])
    (problem,) = error.value.problems
    assert problem.startswith("line 2: created_at is missing: an event needs it (https://developers.intercom.com/")
    assert len(read_lines([LINE, refused], known_refusals=False)) == 2
