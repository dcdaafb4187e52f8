"""Messages of the queue, with msgpack."""
