"""Dead letters, as an operator sees them by the command line, and as they are in their queue."""

import json
from typing import Any

import pika

from testbed import amqp
from tests.support.processes import Completed, run_command
from tests.support.queues import DeadLetterQueue, Queue

PREFIX = "x-intercom-sink-"
"""How the names of the sink's headers begin."""


def run_dead_letters(dead_letters: DeadLetterQueue, *arguments: str, stdin: str = "") -> Completed:
    """Runs `intercom-sink dead-letters ARGUMENTS`."""
    return run_command("dead-letters", *arguments, stdin=stdin, **dead_letters.variables)


def list_json(dead_letters: DeadLetterQueue, *filters: str) -> list[dict[str, Any]]:
    """What `intercom-sink dead-letters list --json` prints."""
    done = run_dead_letters(dead_letters, "list", "--json", *filters)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def get_with_properties(queue: Queue) -> tuple[pika.BasicProperties, bytes]:
    """Removes the first message of a queue; returns its properties and its body."""
    with amqp.connect(queue.url) as connection:
        method, properties, body = connection.channel().basic_get(queue.name, auto_ack=True)
        assert method is not None
        return properties, body
