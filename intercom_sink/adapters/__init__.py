"""The ports, fulfilled: RabbitMQ by pika, Intercom by urllib3, messages by msgpack and pydantic; and in memory."""
