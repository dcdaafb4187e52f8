"""A quorum queue on three nodes, whose leader is killed while the sink is at work."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import pairwise

import pytest

from intercom_sink.adapters.rabbitmq.source import MIN_PREFETCH
from intercom_sink.testing.intercom import FakeIntercom, after, reply
from testbed import amqp
from testbed.rabbitmq_node import PrivateNode
from testbed.waiting import wait_until
from tests.support.messages import messages, numbers
from tests.support.processes import StartSink
from tests.support.queues import Queue

pytestmark = pytest.mark.real_processes

MESSAGES = 1000


@pytest.fixture
def cluster() -> Iterator[list[PrivateNode]]:
    """Three nodes; the first is the one that the others joined."""
    with ExitStack() as started:
        nodes: list[PrivateNode] = []
        for _ in range(3):
            node = started.enter_context(closing(PrivateNode(cluster=nodes[0] if nodes else None)))
            node.start()
            nodes.append(node)
        yield nodes


def test_killed_leader_of_a_quorum_queue_costs_duplicates_but_no_message(
    cluster: list[PrivateNode], intercom: FakeIntercom, start_sink: StartSink
) -> None:
    """Order is not asserted: the new leader delivers what is ready before it has requeued what the lost node's
    connection held unacked."""
    leader, *others = cluster
    queue = Queue(leader.url)
    queue.declare(arguments={"x-queue-type": "quorum", "x-quorum-initial-group-size": 3})
    queue.publish(*messages(MESSAGES))
    assert leader.name in leader.ctl("list_queues", "name", "leader"), "it is where the queue was declared"
    intercom.default = after(0.002, reply(200))
    urls = ",".join(node.url for node in cluster)
    sink = start_sink(queue, CJW_RABBITMQ_HOST=urls)
    intercom.wait_for(MESSAGES // 4 + 1, explain=sink.explain)
    leader.kill()
    wait_until(lambda: set(numbers(intercom)) == set(range(MESSAGES)), "lost = 0", timeout=90, explain=sink.explain)
    wait_until(lambda: amqp.depth(others[0].url, queue.name) == 0, "an empty queue")
    assert sink.stop() == 0
    sent = numbers(intercom)
    late = sum(earlier > later for earlier, later in pairwise(dict.fromkeys(sent)))
    print(f"sent {len(sent)}, duplicated {len(sent) - MESSAGES}, lost 0, out of order {late} times")
    assert len(sent) - MESSAGES <= MIN_PREFETCH, "no more than were unacked"
    assert len(sink.logs("RabbitMQ unavailable")) >= 1
