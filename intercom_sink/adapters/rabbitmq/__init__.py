"""RabbitMQ, on pika.

- Consuming: `source` implements MessageSource; `consumer_thread` is its I/O thread, which reconnects (`reconnect`).
  `consumer` is one connection, `ack_batch`, `unacked_tags` and `drain` are three of its jobs, `delivery` is a message
  that it received.
- Dead letters: `dead_letter_publisher` writes them, `dead_letter_browser` reads and removes them, `dead_letter_headers`
  says what their headers hold.
- Blocking connections, for dead letters and the command line: `session`, `publisher`; `inspection` looks at a broker
  and its queues, and `streams` refuses RabbitMQ streams.
- Reading and translating: `delivery_frames` reads a delivery whole, `properties` and `amqp_table` AMQP properties and
  headers; `brokers` holds the URLs, which `urls` reads; `errors` translates what pika raises.
- `pika_internals` holds the few uses of pika that are not public API.
"""

ORDERING_KEY_HEADER = "x-ordering-key"
"""The header with a message's ordering key: messages with the same one are sent to Intercom in order."""

MAX_QUEUE_NAME = 255
"""The maximum length of a queue's name in bytes: AMQP has no room for a longer one."""
