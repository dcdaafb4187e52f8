"""The ports, implemented: RabbitMQ with pika, Intercom with urllib3, messages with msgpack, events as log lines."""
