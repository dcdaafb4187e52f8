"""What FakeIntercom knows of contacts and events."""

import json

import pytest

from intercom_sink.domain.json_value import JsonValue
from intercom_sink.testing.intercom import Reply, Workspace
from intercom_sink.testing.intercom.responses import ErrorReply

ADA: JsonValue = {"email": "ada@example.com", "external_id": "25", "name": "Ada"}
FIRST = f"{1:024x}"
EVENT: dict[str, JsonValue] = {"event_name": "ordered", "created_at": 1389913941, "user_id": "314159"}


@pytest.fixture
def workspace() -> Workspace:
    return Workspace()


def send(workspace: Workspace, method: str, path: str, data: JsonValue = None) -> tuple[int, JsonValue]:
    """The status of the response, and its document or error code."""
    response = workspace.respond(method, path, data)
    if isinstance(response, ErrorReply):
        return response.status, response.code
    assert isinstance(response, Reply)
    document: JsonValue = json.loads(response.body) if response.body else None
    return response.status, document


def test_me_is_an_admin_with_its_app(workspace: Workspace) -> None:
    status, document = send(workspace, "GET", "/me?x=1")
    assert status == 200
    assert isinstance(document, dict)
    assert document["type"] == "admin"
    assert isinstance(document["app"], dict)
    assert document["app"]["region"] == "US"


def test_contact_is_created_updated_and_deleted(workspace: Workspace) -> None:
    created = {"type": "contact", "id": FIRST, "role": "user", "email": "ada@example.com", "external_id": "25"}
    assert send(workspace, "POST", "/contacts", ADA) == (200, created | {"name": "Ada"})
    path = f"/contacts/{FIRST}"
    assert send(workspace, "PUT", path, {"name": "Ada L.", "id": "7"}) == (200, created | {"name": "Ada L."})
    assert send(workspace, "GET", path) == (200, created | {"name": "Ada L."})
    assert list(workspace.contacts) == [FIRST]
    assert send(workspace, "DELETE", path) == (200, {"type": "contact", "id": FIRST, "deleted": True})
    assert workspace.contacts == {}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_contact_is_not_found(workspace: Workspace, method: str) -> None:
    assert send(workspace, method, "/contacts/7", {}) == (404, "not_found")


@pytest.mark.parametrize(
    ("second", "status"),
    [
        (ADA, 409),
        ({"email": "ada@example.com"}, 409),
        ({"external_id": "25", "email": "eve@example.com"}, 409),
        ({"external_id": "25", "role": "lead"}, 409),
        ({"email": "ada@example.com", "role": "lead"}, 200),
        ({"email": "eve@example.com"}, 200),
        ({"email": None}, 200),
        ({}, 200),
        (None, 200),
    ],
)
def test_contact_of_the_same_email_or_external_id_conflicts(
    workspace: Workspace, second: JsonValue, status: int
) -> None:
    send(workspace, "POST", "/contacts", ADA)
    assert send(workspace, "POST", "/contacts", second)[0] == status
    assert len(workspace.contacts) == (1 if status == 409 else 2)


def test_conflict_names_the_contact_and_ends_with_it(workspace: Workspace) -> None:
    send(workspace, "POST", "/contacts", ADA)
    conflict = workspace.respond("POST", "/contacts", ADA)
    assert isinstance(conflict, ErrorReply)
    assert (conflict.code, conflict.message[-24:]) == ("conflict", FIRST)
    send(workspace, "DELETE", f"/contacts/{FIRST}")
    assert send(workspace, "POST", "/contacts", ADA)[0] == 200


def test_lead_and_user_may_share_an_email_address(workspace: Workspace) -> None:
    send(workspace, "POST", "/contacts", {"email": "ada@example.com", "role": "lead"})
    assert send(workspace, "POST", "/contacts", {"email": "ada@example.com"})[0] == 200


@pytest.mark.parametrize(
    ("second", "kept"),
    [
        (EVENT, 1),
        (EVENT | {"metadata": {"x": 1}}, 1),
        (EVENT | {"created_at": 1389913942}, 2),
        (EVENT | {"event_name": "paid"}, 2),
        (EVENT | {"user_id": "7"}, 2),
    ],
)
def test_event_of_the_same_name_user_and_time_is_kept_once(
    workspace: Workspace, second: dict[str, JsonValue], kept: int
) -> None:
    assert [send(workspace, "POST", "/events", event) for event in (EVENT, second)] == [(202, None)] * 2
    assert workspace.events == [EVENT, second][:kept]


def test_events_without_a_time_are_all_kept(workspace: Workspace) -> None:
    for _ in range(2):
        send(workspace, "POST", "/events", {"event_name": "ordered"})
    assert len(workspace.events) == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/contacts/search"), ("GET", "/contacts"), ("POST", "/tags"), ("GET", "/"), ("POST", "/contacts/7/tags")],
)
def test_any_other_request_succeeds(workspace: Workspace, method: str, path: str) -> None:
    assert send(workspace, method, path, [1]) == (200, {})
