"""What the tests, the demo and the benchmarks put around the sink: a private RabbitMQ, an Intercom that misbehaves."""
