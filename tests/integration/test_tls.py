"""TLS: the certificates of Intercom and of RabbitMQ are verified."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from intercom_sink import BrokerUnavailable, IntercomRequest
from intercom_sink.testing.intercom import FakeIntercom
from testbed.rabbitmq import Node
from tests.support.messages import message, numbers
from tests.support.processes import StartSink
from tests.support.publishers import PUBLISHERS
from tests.support.queues import Queue
from tests.support.tls import server_context


def test_intercom_needs_a_certificate_of_a_known_authority(
    queue: Queue, start_sink: StartSink, authority: trustme.CA, authority_file: str
) -> None:
    with FakeIntercom(tls=server_context(authority, "127.0.0.1")) as intercom:
        queue.publish(message(1))
        distrustful = start_sink(queue, CJW_INTERCOM_API_URL=intercom.url)
        assert "CERTIFICATE_VERIFY_FAILED" in distrustful.wait_for("retry scheduled")["reason"]
        assert distrustful.stop() == 0
        assert intercom.requests == []
        trusting = start_sink(queue, "run", "--drain", CJW_INTERCOM_API_URL=intercom.url, SSL_CERT_FILE=authority_file)
        assert trusting.wait() == 0, trusting.stderr
        assert numbers(intercom) == [1]


def test_intercom_needs_a_certificate_for_its_host_name(
    queue: Queue, start_sink: StartSink, authority: trustme.CA, authority_file: str
) -> None:
    with FakeIntercom(tls=server_context(authority, "api.example.com")) as intercom:
        queue.publish(message(1))
        sink = start_sink(queue, CJW_INTERCOM_API_URL=intercom.url, SSL_CERT_FILE=authority_file)
        assert "not valid for '127.0.0.1'" in sink.wait_for("retry scheduled")["reason"]
        assert sink.stop() == 0
        assert intercom.requests == []


def test_intercom_needs_a_certificate_that_has_not_expired(
    queue: Queue, start_sink: StartSink, authority: trustme.CA, authority_file: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)).configure_cert(context)
    with FakeIntercom(tls=context) as intercom:
        queue.publish(message(1))
        sink = start_sink(queue, CJW_INTERCOM_API_URL=intercom.url, SSL_CERT_FILE=authority_file)
        assert "expired" in sink.wait_for("retry scheduled")["reason"]
        assert sink.stop() == 0
        assert intercom.requests == []


@contextmanager
def wrong_certificate(node: Node, path: Path, wrong: trustme.LeafCert) -> Iterator[None]:
    """Replaces the node's certificate within the block."""
    right = path.read_bytes()
    wrong.private_key_and_cert_chain_pem.write_to_path(str(path))
    node.eval("ssl:clear_pem_cache().")
    try:
        yield
    finally:
        path.write_bytes(right)
        node.eval("ssl:clear_pem_cache().")


def test_rabbitmq_needs_a_valid_certificate_of_a_known_authority(
    node: Node,
    intercom: FakeIntercom,
    start_sink: StartSink,
    authority: trustme.CA,
    authority_file: str,
    node_certificate: Path,
) -> None:
    """Refused are an unknown authority, another host name, and an expired one. The authority may be in the URL."""
    queue = Queue(node.url)
    queue.declare()
    queue.publish(message(1), message(2))
    distrustful = start_sink(queue, CJW_RABBITMQ_HOST=node.tls_url)
    assert "unable to get local issuer certificate" in distrustful.wait_for("RabbitMQ unavailable")["reason"]
    assert distrustful.stop() == 0

    refusals = {
        "not valid for '127.0.0.1'": authority.issue_cert("rabbit.example.com"),
        "certificate has expired": authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)),
    }
    for reason, wrong in refusals.items():
        with wrong_certificate(node, node_certificate, wrong):
            trusting = start_sink(queue, CJW_RABBITMQ_HOST=node.tls_url, SSL_CERT_FILE=authority_file)
            assert reason in trusting.wait_for("RabbitMQ unavailable")["reason"]
            assert trusting.stop() == 0
    assert intercom.requests == []
    assert queue.depth == 2

    by_url = f"{node.tls_url}?ssl_options={{'cafile': '{authority_file}'}}"
    for number, variables in enumerate(
        [{"CJW_RABBITMQ_HOST": node.tls_url, "SSL_CERT_FILE": authority_file}, {"CJW_RABBITMQ_HOST": by_url}], 3
    ):
        trusting = start_sink(queue, "run", "--drain", **variables)
        assert trusting.wait() == 0, trusting.stderr
        queue.publish(message(number))
    assert numbers(intercom) == [1, 2, 3]

    for open_publisher in PUBLISHERS.values():
        refused = pytest.raises(BrokerUnavailable, match="CERTIFICATE_VERIFY_FAILED")
        with open_publisher(node.tls_url, queue.name) as publisher, refused:
            publisher.publish(IntercomRequest("GET", "/me"))
        with open_publisher(by_url, queue.name) as publisher:
            publisher.publish(IntercomRequest("GET", "/me"))
    assert queue.depth == 1 + len(PUBLISHERS)


@pytest.mark.parametrize("kind", PUBLISHERS)
def test_name_in_rabbitmq_s_certificate_may_be_in_the_url(
    kind: str, node: Node, authority: trustme.CA, authority_file: str, node_certificate: Path
) -> None:
    queue = Queue(node.url)
    queue.declare()
    options = {"cafile": authority_file, "server_hostname": "rabbit.example.com"}
    by_name = PUBLISHERS[kind](f"{node.tls_url}?ssl_options={options}", queue.name)
    with wrong_certificate(node, node_certificate, authority.issue_cert("rabbit.example.com")), by_name as publisher:
        publisher.publish(IntercomRequest("GET", "/me"))
    assert queue.depth == 1
    queue.delete()
