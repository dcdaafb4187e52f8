"""Messages of the queue, with msgpack and pydantic."""
