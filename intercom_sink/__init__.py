"""Streams messages from a RabbitMQ queue to Intercom's REST API, at least once and in order.

A service that wants the sink within its own process needs two calls, and one to end it:

    sink = build(Settings.from_environment(os.environ))
    summary = sink.run()    # until sink.stop(), from another thread
"""

from intercom_sink.adapters.codec import decode, encode
from intercom_sink.domain.errors import (
    BrokerLost,
    ConfigurationError,
    IntercomSinkError,
    MalformedMessage,
)
from intercom_sink.domain.outcome import Answer, NoAnswer, Outcome
from intercom_sink.domain.ports import Clock, Delivery, IntercomGateway, MessageSource
from intercom_sink.domain.rate_limit import RateLimit
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.sink import Sink, Summary
from intercom_sink.entrypoints.bootstrap import build
from intercom_sink.entrypoints.settings import Settings

__all__ = [
    "Answer",
    "BrokerLost",
    "Clock",
    "ConfigurationError",
    "Delivery",
    "IntercomGateway",
    "IntercomRequest",
    "IntercomSinkError",
    "MalformedMessage",
    "MessageSource",
    "NoAnswer",
    "Outcome",
    "RateLimit",
    "Settings",
    "Sink",
    "Summary",
    "build",
    "decode",
    "encode",
]
