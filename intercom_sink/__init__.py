"""Streams messages from a RabbitMQ queue to Intercom's REST API, at least once and in order.

A service that runs the sink in its own process needs two calls, and one to end it:

    sink = build_sink(Settings.from_environment(os.environ))
    summary = sink.run()    # until sink.stop() is called from another thread

A service that publishes messages for it needs one:

    with Publisher("amqp://user:password@rabbitmq/", "intercom") as publisher:
        publisher.publish(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}))

With a source or a gateway of its own a sink needs fewer settings: see `build_sink`.

Public are the names of this module, of `intercom_sink.aio` (the publisher for asyncio), of `intercom_sink.events` (all
that a `Monitor` receives), of `intercom_sink.testing` (fakes, for tests) and of `intercom_sink.testing.intercom` (what
scripts of the fake over HTTP are made of). So are the fixtures for pytest, the command line, the environment variables,
the wire format, the headers of dead letters, log lines and metrics (docs/reference). All follow Semantic Versioning.
Every other name in the package is private by convention, and may change in any release.
"""

from typing import TYPE_CHECKING

from intercom_sink.lazy_names import lazy_names

if TYPE_CHECKING:
    from intercom_sink.adapters.clock import SystemClock
    from intercom_sink.adapters.messages.codec import decode, encode
    from intercom_sink.adapters.monitors.logs.lines import LogMonitor
    from intercom_sink.adapters.rabbitmq.publisher import Publisher
    from intercom_sink.domain.backoff import Delay
    from intercom_sink.domain.confirms import PublishResult, PublishStatus
    from intercom_sink.domain.dead_letter import DeadLetter, Reason
    from intercom_sink.domain.envelope import Envelope, TraceContext
    from intercom_sink.domain.errors import (
        BrokerUnavailable,
        ConfigurationError,
        IntercomSinkError,
        InvalidRequest,
        MalformedMessage,
        OperatorError,
        Unroutable,
    )
    from intercom_sink.domain.events import Event
    from intercom_sink.domain.message import Message
    from intercom_sink.domain.monitors import Monitors
    from intercom_sink.domain.policy import Disposition, PolicyOptions
    from intercom_sink.domain.ports import (
        AsyncMessagePublisher,
        Clock,
        Condition,
        Decoder,
        Delivery,
        IntercomGateway,
        MessagePublisher,
        MessageSource,
        Monitor,
    )
    from intercom_sink.domain.rate_limit import RateLimit
    from intercom_sink.domain.request import IntercomRequest
    from intercom_sink.domain.response import AttemptResult, NoResponse, Response
    from intercom_sink.domain.sink import Sink, Summary
    from intercom_sink.entrypoints.bootstrap import build_publisher, build_sink
    from intercom_sink.entrypoints.settings import IntercomSettings, RabbitMQSettings, Settings, SinkSettings

__all__ = [
    "AsyncMessagePublisher",
    "AttemptResult",
    "BrokerUnavailable",
    "Clock",
    "Condition",
    "ConfigurationError",
    "DeadLetter",
    "Decoder",
    "Delay",
    "Delivery",
    "Disposition",
    "Envelope",
    "Event",
    "IntercomGateway",
    "IntercomRequest",
    "IntercomSettings",
    "IntercomSinkError",
    "InvalidRequest",
    "LogMonitor",
    "MalformedMessage",
    "Message",
    "MessagePublisher",
    "MessageSource",
    "Monitor",
    "Monitors",
    "NoResponse",
    "OperatorError",
    "PolicyOptions",
    "PublishResult",
    "PublishStatus",
    "Publisher",
    "RabbitMQSettings",
    "RateLimit",
    "Reason",
    "Response",
    "Settings",
    "Sink",
    "SinkSettings",
    "Summary",
    "SystemClock",
    "TraceContext",
    "Unroutable",
    "build_publisher",
    "build_sink",
    "decode",
    "encode",
]

_MODULES = {
    "AsyncMessagePublisher": "domain.ports",
    "AttemptResult": "domain.response",
    "BrokerUnavailable": "domain.errors",
    "Clock": "domain.ports",
    "Condition": "domain.ports",
    "ConfigurationError": "domain.errors",
    "DeadLetter": "domain.dead_letter",
    "Decoder": "domain.ports",
    "Delay": "domain.backoff",
    "Delivery": "domain.ports",
    "Disposition": "domain.policy",
    "Envelope": "domain.envelope",
    "Event": "domain.events",
    "IntercomGateway": "domain.ports",
    "IntercomRequest": "domain.request",
    "IntercomSettings": "entrypoints.settings",
    "IntercomSinkError": "domain.errors",
    "InvalidRequest": "domain.errors",
    "LogMonitor": "adapters.monitors.logs.lines",
    "MalformedMessage": "domain.errors",
    "Message": "domain.message",
    "MessagePublisher": "domain.ports",
    "MessageSource": "domain.ports",
    "Monitor": "domain.ports",
    "Monitors": "domain.monitors",
    "NoResponse": "domain.response",
    "OperatorError": "domain.errors",
    "PolicyOptions": "domain.policy",
    "PublishResult": "domain.confirms",
    "PublishStatus": "domain.confirms",
    "Publisher": "adapters.rabbitmq.publisher",
    "RabbitMQSettings": "entrypoints.settings",
    "RateLimit": "domain.rate_limit",
    "Reason": "domain.dead_letter",
    "Response": "domain.response",
    "Settings": "entrypoints.settings",
    "Sink": "domain.sink",
    "SinkSettings": "entrypoints.settings",
    "Summary": "domain.sink",
    "SystemClock": "adapters.clock",
    "TraceContext": "domain.envelope",
    "Unroutable": "domain.errors",
    "build_publisher": "entrypoints.bootstrap",
    "build_sink": "entrypoints.bootstrap",
    "decode": "adapters.messages.codec",
    "encode": "adapters.messages.codec",
}
"""Where each public name is defined. It is imported on first use: `intercom-sink healthy` needs none of them."""

if not TYPE_CHECKING:  # a type checker would take every name for one of this module
    __getattr__ = lazy_names(__name__, _MODULES)
