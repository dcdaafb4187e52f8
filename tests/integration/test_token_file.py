"""A token in a file that is replaced while the gateway runs: nothing is refused that the new token would not be."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from intercom_sink import IntercomRequest, NoResponse, Response
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.secrets import FileSecret
from intercom_sink.testing.intercom import Exchange, FakeIntercom, after, after_event, error, reply, truncated
from tests.support.messages import messages
from tests.support.processes import StartSink
from tests.support.queues import DeadLetterQueue, Queue

OLD = "dG9rOjEyMzQ1Njc4OTA="
NEW = "dG9rOjk4NzY1NDMyMTA="
REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
UNAUTHORIZED = error(401, "unauthorized")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(OLD + "\n")
    return path


@pytest.fixture
def make_gateway(intercom: FakeIntercom, file: Path) -> Iterator[Callable[..., HTTPGateway]]:
    with ExitStack() as stack:

        def make(timeout: float = 5, connections: int = 1) -> HTTPGateway:
            gateway = HTTPGateway(
                intercom.url, FileSecret(file), user_agent="test/1", timeout=timeout, connections=connections
            )
            stack.callback(gateway.close)
            return gateway

        yield make


@pytest.fixture
def gateway(make_gateway: Callable[..., HTTPGateway]) -> HTTPGateway:
    return make_gateway()


def status_of(result: Response | NoResponse) -> int | None:
    return result.status if isinstance(result, Response) else None


def tokens(intercom: FakeIntercom) -> list[str]:
    return [request.headers["Authorization"].removeprefix("Bearer ") for request in intercom.requests]


@pytest.mark.parametrize("status", [401, 403])
def test_request_is_sent_again_at_once_with_the_new_token(
    intercom: FakeIntercom, gateway: HTTPGateway, file: Path, status: int
) -> None:
    intercom.script.append(error(status, "unauthorized"))
    file.write_text(NEW)
    assert status_of(gateway.send(REQUEST)) == 200
    assert tokens(intercom) == [OLD, NEW]
    assert [(request.method, request.path, request.data) for request in intercom.requests] == [
        (REQUEST.method, REQUEST.path, REQUEST.data)
    ] * 2
    assert status_of(gateway.send(REQUEST)) == 200
    assert tokens(intercom) == [OLD, NEW, NEW]


@pytest.mark.parametrize("content", [OLD, "", None])
def test_refusal_counts_where_there_is_no_new_token(
    intercom: FakeIntercom, gateway: HTTPGateway, file: Path, content: str | None
) -> None:
    intercom.script.append(UNAUTHORIZED)
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    result = gateway.send(REQUEST)
    assert isinstance(result, Response)
    assert (result.status, tokens(intercom)) == (401, [OLD])
    assert status_of(gateway.send(REQUEST)) == 200, "the last valid token is kept"


def test_refusal_of_the_new_token_counts(intercom: FakeIntercom, gateway: HTTPGateway, file: Path) -> None:
    intercom.script += [UNAUTHORIZED, error(403, "forbidden")]
    file.write_text(NEW)
    result = gateway.send(REQUEST)
    assert isinstance(result, Response)
    assert (result.status, result.error_codes, tokens(intercom)) == (403, ("forbidden",), [OLD, NEW])


def test_token_that_is_replaced_twice_is_followed(intercom: FakeIntercom, gateway: HTTPGateway, file: Path) -> None:
    newest = "dG9rOjU1NTU1NTU1NTU="

    def refuse_and_replace(exchange: Exchange) -> None:
        file.write_text(newest)
        UNAUTHORIZED(exchange)

    intercom.script += [UNAUTHORIZED, refuse_and_replace]
    file.write_text(NEW)
    assert status_of(gateway.send(REQUEST)) == 200
    assert tokens(intercom) == [OLD, NEW, newest]


def test_no_response_to_the_new_token_is_none(intercom: FakeIntercom, gateway: HTTPGateway, file: Path) -> None:
    """The message is retried: the refusal was about the old token."""
    intercom.script += [UNAUTHORIZED, truncated]
    file.write_text(NEW)
    assert isinstance(gateway.send(REQUEST), NoResponse)


def test_other_responses_do_not_read_the_file(intercom: FakeIntercom, gateway: HTTPGateway, file: Path) -> None:
    intercom.script += [error(status, "some_code") for status in (400, 404, 422, 429, 500)]
    file.write_text(NEW)
    for _ in range(6):
        gateway.send(REQUEST)
    assert tokens(intercom) == [OLD] * 6


def test_new_token_has_an_attempt_of_its_own(
    intercom: FakeIntercom, make_gateway: Callable[..., HTTPGateway], file: Path
) -> None:
    gateway = make_gateway(timeout=3)
    intercom.script += [after(1.6, UNAUTHORIZED), after(1.6, reply(200))]
    file.write_text(NEW)
    assert status_of(gateway.send(REQUEST)) == 200


def test_all_that_were_refused_together_are_sent_again(
    intercom: FakeIntercom, make_gateway: Callable[..., HTTPGateway], file: Path
) -> None:
    """One of the threads finds the change; for the others the file is the same as it was at the last reload."""
    gateway = make_gateway(connections=8)
    refuse = threading.Event()
    intercom.script += [after_event(refuse, UNAUTHORIZED)] * 8
    with ThreadPoolExecutor(8) as threads:
        results = [threads.submit(gateway.send, REQUEST) for _ in range(8)]
        intercom.wait_for(8)
        file.write_text(NEW)
        refuse.set()
        assert [status_of(result.result()) for result in results] == [200] * 8
    assert sorted(tokens(intercom)) == sorted([OLD, NEW] * 8)


def test_nothing_is_refused_while_the_token_is_rotated_under_load(
    intercom: FakeIntercom, make_gateway: Callable[..., HTTPGateway], file: Path
) -> None:
    """The old token is valid until the new one is in the file."""
    gateway = make_gateway(connections=8)
    valid = {OLD}

    def authorize(exchange: Exchange) -> None:
        accepted = exchange.request.headers["Authorization"].removeprefix("Bearer ") in valid
        (reply(200) if accepted else UNAUTHORIZED)(exchange)

    intercom.default = authorize
    with ThreadPoolExecutor(8) as threads:
        results = []
        for rotation in range(10):
            results += [threads.submit(gateway.send, REQUEST) for _ in range(30)]
            intercom.wait_for(rotation * 30 + 10)
            token = f"token-{rotation}"
            valid |= {token}
            replacement = file.with_name("replacement")
            replacement.write_text(token)
            replacement.replace(file)
            valid = {token}
        results.append(threads.submit(gateway.send, REQUEST))  # the others may all have been sent before
        assert {status_of(result.result()) for result in results} == {200}
    assert set(tokens(intercom)) >= {OLD, "token-9"}


def test_old_and_new_token_are_redacted(intercom: FakeIntercom, gateway: HTTPGateway, file: Path) -> None:
    echo = f"{OLD} was replaced by {NEW}"
    errors = [{"code": echo, "message": echo}, {"code": "x" * 90 + NEW, "message": "x" * 190 + OLD}]
    body = json.dumps({"request_id": echo, "errors": errors}).encode()
    intercom.script += [UNAUTHORIZED, reply(422, body=body)]
    file.write_text(NEW)
    result = gateway.send(REQUEST)
    shown = "*** was replaced by ***"
    assert isinstance(result, Response)
    assert result.request_id == shown
    assert result.error_codes == (shown, "x" * 90 + "***")
    assert result.error_messages == (shown, "x" * 190 + "***")


@pytest.mark.parametrize("hold", ["off", "on"])
def test_sink_whose_token_is_rotated_under_load_loses_nothing(
    queue: Queue, dead_letters: DeadLetterQueue, intercom: FakeIntercom, start_sink: StartSink, file: Path, hold: str
) -> None:
    """Nor is anything given up, and no restart is needed. With `hold`, the old token is refused before the file has the
    new one: every message waits for it."""
    valid, accepted = {OLD}, []

    def authorize(exchange: Exchange) -> None:
        if exchange.request.headers["Authorization"].removeprefix("Bearer ") not in valid:
            return UNAUTHORIZED(exchange)
        accepted.append(exchange.request.path)
        return reply(200)(exchange)

    intercom.default = after(0.005, authorize)
    queue.publish(*messages(300))
    variables = {"CJW_INTERCOM_API_TOKEN": None, "CJW_INTERCOM_API_TOKEN_FILE": str(file), "CJW_INTERCOM_HOLD": hold}
    sink = start_sink(queue, **variables, **dead_letters.variables)
    for rotation in (1, 2):
        intercom.wait_for(100 * rotation)
        if hold == "on":
            valid.clear()
            sink.wait_for("hold began", rotation)
        valid |= {f"token-{rotation}"}
        file.write_text(f"token-{rotation}")
        valid &= {f"token-{rotation}"}
        if hold == "on":
            sink.wait_for("hold ended", rotation)
    sink.wait_for("delivered", 300)
    assert sink.stop() == 0
    assert [path for path in accepted if path != "/me"] == [f"/contacts/{number}" for number in range(300)]
    assert (sink.logs("given up"), queue.take_bodies()) == ([], [])
    assert "token-2" not in sink.stderr
