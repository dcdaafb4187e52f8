"""The ports, implemented: RabbitMQ (pika), Intercom (urllib3), messages (msgpack), log lines, metrics and spans."""
