"""The ports, implemented.

Read in this order: `rabbitmq` (pika, aio-pika), `intercom` (urllib3), `messages` (msgpack), `monitors` (log lines,
state, metrics, health and the status page), `traces` (spans, by OpenTelemetry). `clock` is the system's time; the other
modules beside them are helpers.
"""
