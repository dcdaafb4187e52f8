"""Fixtures: a queue on a real RabbitMQ, an Intercom on loopback, and sinks as processes between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from intercom_sink.testing.intercom import FakeIntercom, reply
from testbed.amqp import answers
from testbed.rabbitmq import Node, any_rabbitmq, own_node
from tests.support.processes import StartSink, fork_server, sinks
from tests.support.queues import DeadLetterQueue, Queue, temporary_queue


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[str]:
    """The URL of a broker; an error, never a skip, if none can be had."""
    with any_rabbitmq() as url:
        yield url


@pytest.fixture(scope="session")
def node_certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key and certificate of `session_node`; a test may replace it for a while."""
    path = tmp_path_factory.mktemp("node") / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def session_node(node_certificate: Path) -> Iterator[Node]:
    """A broker of this test process, for all that some test needs. To start one takes 7 s of CPU."""
    with own_node(node_certificate, ["rabbitmq_consistent_hash_exchange"]) as started:
        yield started


@pytest.fixture
def node(session_node: Node) -> Node:
    """A broker that the test may stop, kill and start; it must leave the settings as they were."""
    if not answers(session_node.url):
        session_node.start()
    return session_node


@pytest.fixture
def intercom() -> Iterator[FakeIntercom]:
    """An Intercom that responds to everything with 200, until the test says otherwise."""
    with FakeIntercom() as server:
        server.default = reply(200)
        yield server


@pytest.fixture
def queue(rabbitmq: str) -> Iterator[Queue]:
    """A durable queue."""
    with temporary_queue(rabbitmq) as declared:
        yield declared


@pytest.fixture
def dead_letters(queue: Queue) -> Iterator[DeadLetterQueue]:
    """The queue's dead-letter queue, not declared yet."""
    undeclared = DeadLetterQueue(queue)
    yield undeclared
    undeclared.delete()


@pytest.fixture
def start_sink(request: pytest.FixtureRequest, intercom: FakeIntercom) -> Iterator[StartSink]:
    """Starts sinks: `start_sink(queue, "run", "--drain", CJW_INTERCOM_TIMEOUT="1")`.

    They are forked from a process that has imported all they need, unless the test is marked by `real_processes`.
    """
    real = request.node.get_closest_marker("real_processes") is not None
    with sinks(intercom, None if real else fork_server()) as start:
        yield start


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority. No process trusts it unless a test sets SSL_CERT_FILE."""
    return trustme.CA()


@pytest.fixture
def authority_file(authority: trustme.CA, tmp_path: Path) -> str:
    """The path of the authority's own certificate, for `SSL_CERT_FILE`."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
