"""RabbitMQ, on pika.

- Consuming: `source` implements MessageSource; `consumer_thread` is its I/O thread, which reconnects (`reconnect`).
  `consumer` is one connection, `ack_batch`, `unacked_tags` and `drain` are three of its jobs, `delivery` is a message
  that it received.
- Dead letters: `dead_letter_publisher` writes them, `dead_letter_browser` reads and removes them, `dead_letter_headers`
  says what their headers hold.
- Publishing: `publisher` is for services and the command line, `async_publisher` for asyncio, on the connections of
  aio-pika that `async_connection` opens; `async_calls` are its calls under way, `aio_pika_errors` translates errors.
  `encoded_messages` encodes messages and groups them in windows; `confirmed_publisher` sends them, those of dead
  letters too, and awaits their confirms on a `confirm_channel`; `publish_failures` makes the errors where some are
  missing.
- Blocking connections: `session`; `inspection` looks at a broker and its queues, `streams` refuses RabbitMQ streams.
- Reading and translating: `content_frames` reads the frames of a delivery at once, `properties` and `amqp_table` AMQP
  properties and headers; `brokers` holds the URLs, which `urls` reads; `errors` translates what pika raises.
- `pika_internals` holds the few uses of pika that are not public API.
"""

ORDERING_KEY_HEADER = "x-ordering-key"
"""The header with a message's ordering key: messages with the same one are sent to Intercom in order."""

MAX_QUEUE_NAME = 255
"""The maximum length of a queue's name in bytes: AMQP has no room for a longer one."""

CLOSE_TIMEOUT = 5.0
"""Seconds to wait for the broker's reply when a connection is closed."""


def checked_queue_name(queue: str) -> str:
    """The same name. Raises ValueError if no queue can have it."""
    size = len(queue.encode())
    if not 1 <= size <= MAX_QUEUE_NAME:
        raise ValueError(f"the name of a queue has 1 to {MAX_QUEUE_NAME} bytes, and not {size}")
    return queue
