"""Check of Intercom and of the token."""

import json
from collections.abc import Mapping

import pytest

from intercom_sink import AttemptResult, IntercomRequest, NoResponse, Response, Settings
from intercom_sink.entrypoints.checks import intercom
from intercom_sink.entrypoints.checks.finding import Finding, Result
from intercom_sink.entrypoints.checks.intercom import check_intercom

TOKEN = "dG9rOmFiYw=="


class FakeGateway:
    """Returns scripted responses and records the requests."""

    def __init__(self, result: AttemptResult, body: bytes) -> None:
        self._result = result, body
        self.requests: list[IntercomRequest] = []
        self.is_closed = False

    def send_and_read(self, request: IntercomRequest) -> tuple[AttemptResult, bytes]:
        self.requests.append(request)
        return self._result

    def close(self) -> None:
        self.is_closed = True


def findings(
    monkeypatch: pytest.MonkeyPatch, result: AttemptResult, document: object = None, **variables: str
) -> list[Finding]:
    gateway = FakeGateway(result, document if isinstance(document, bytes) else json.dumps(document).encode())
    monkeypatch.setattr(intercom, "build_http_gateway", lambda _: gateway)
    given: Mapping[str, str] = {
        "CJW_RABBITMQ_HOST": "rabbit",
        "CJW_INTERCOM_API_TOKEN": TOKEN,
        "CJW_INTERCOM_QUEUE_NAME": "intercom",
    }
    found = list(check_intercom(Settings.from_environment({**given, **variables})))
    assert gateway.is_closed
    assert gateway.requests == [IntercomRequest("GET", "/me")]
    return found


def test_workspace_and_region_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    app = {"type": "app", "id_code": "abc123", "name": "Ada & Söhne", "region": "US"}
    found = findings(monkeypatch, Response(200), {"type": "admin", "email": "ada@example.com", "app": app})
    assert found == [
        Finding.ok("GET /me: 200 from api.intercom.io"),
        Finding.ok("workspace Ada & Söhne (abc123), region US"),
    ]


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ({"name": "Ada"}, "workspace Ada"),
        ({"id_code": "abc"}, "workspace abc"),
        ({"region": "EU"}, "region EU"),
        ({"name": 1, "id_code": None, "region": "XX"}, "region XX"),
        ({"name": "a\x1b[31m\u202e\nb"}, "workspace a\ufffd[31m\ufffd b"),
        ({"name": "x" * 1000}, f"workspace {'x' * 80}"),
        ({"name": f"echo {TOKEN}"}, "workspace echo ***"),
    ],
)
def test_what_intercom_says_is_shown_as_far_as_it_can_be_read(
    app: object, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = findings(monkeypatch, Response(200), {"app": app}, CJW_INTERCOM_API_URL="https://proxy.example.com/x")
    assert found == [Finding.ok("GET /me: 200 from proxy.example.com"), Finding.ok(text)]


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"[" * 100_000, None, [], {}, {"app": None}, {"app": []}, {"app": {}}]
)
def test_workspace_that_can_not_be_read_is_left_out(document: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(monkeypatch, Response(200), document) == [Finding.ok("GET /me: 200 from api.intercom.io")]


def test_host_of_another_region_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    *_, warning = findings(monkeypatch, Response(200), {"app": {"region": "EU"}})
    assert warning == Finding.warning(
        "the workspace's region is EU: set CJW_INTERCOM_API_URL=https://api.eu.intercom.io"
    )
    found = findings(
        monkeypatch, Response(200), {"app": {"region": "EU"}}, CJW_INTERCOM_API_URL="https://api.eu.intercom.io/"
    )
    assert [finding.result for finding in found] == [Result.OK, Result.OK]


@pytest.mark.parametrize("token", ['"dG9rOmFiYw=="', "'dG9rOmFiYw=='", "`x`", '"x', "x'"])
def test_quotes_round_a_refused_token_are_named(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = findings(monkeypatch, Response(401, error_codes=("unauthorized",)), CJW_INTERCOM_API_TOKEN=token)
    assert finding.result is Result.FAILED
    assert finding.text.startswith("GET /me: 401 unauthorized from api.intercom.io; the token has quotes round it")


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "is it complete, not revoked, and of this region (EU: https://api.eu.intercom.io"),
        (403, "lacks a permission"),
        (404, "does CJW_INTERCOM_API_URL name Intercom"),
    ],
)
def test_refusal_comes_with_what_to_look_at(status: int, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = findings(monkeypatch, Response(status))
    assert finding.result is Result.FAILED
    assert finding.text.startswith(f"GET /me: {status} from api.intercom.io; ")
    assert hint in finding.text


@pytest.mark.parametrize("status", [201, 301, 429, 500])
def test_any_other_response_is_a_failure(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(monkeypatch, Response(status)) == [Finding.failed(f"GET /me: {status} from api.intercom.io")]


def test_no_response_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    found = findings(monkeypatch, NoResponse("refused"), CJW_INTERCOM_API_URL="http://127.0.0.1:80")
    assert found == [Finding.failed("GET /me: no response: refused (from 127.0.0.1:80)")]


def test_nothing_is_sent_with_the_token_mock() -> None:
    settings = Settings.from_environment(
        {"CJW_RABBITMQ_HOST": "rabbit", "CJW_INTERCOM_API_TOKEN": "mock", "CJW_INTERCOM_QUEUE_NAME": "intercom"}
    )
    assert list(check_intercom(settings)) == [Finding.ok("mock: messages are logged, nothing is sent")]
