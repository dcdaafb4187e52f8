"""What the tests, the demo and the benchmarks stream between: a private RabbitMQ, and an Intercom that misbehaves."""
