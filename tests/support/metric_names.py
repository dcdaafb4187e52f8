"""The metrics that alerts and dashboard may use, and how to find those that an expression uses."""

import re
from collections.abc import Iterator, Mapping

TARGET_LABELS = {"job", "instance"}
"""Labels that Prometheus adds to every series of a target."""

METRICS: Mapping[str, set[str]] = {
    "intercom_sink_messages_total": {"outcome"},
    "intercom_sink_attempts_total": {"status_class"},
    "intercom_sink_attempt_duration_seconds_bucket": {"le"},
    "intercom_sink_attempt_duration_seconds_count": set(),
    "intercom_sink_attempt_duration_seconds_sum": set(),
    "intercom_sink_message_age_seconds_bucket": {"le"},
    "intercom_sink_message_age_seconds_count": set(),
    "intercom_sink_message_age_seconds_sum": set(),
    "intercom_sink_in_flight": set(),
    "intercom_sink_waiting": {"reason"},
    "intercom_sink_paused": {"reason"},
    "intercom_sink_holding": {"cause"},
    "intercom_sink_connected": set(),
    "intercom_sink_rate_limit_limit": set(),
    "intercom_sink_rate_limit_remaining": set(),
    "intercom_sink_rate_limit_reset_timestamp_seconds": set(),
    "intercom_sink_reconnects_total": set(),
    "intercom_sink_possible_duplicates_total": set(),
    "intercom_sink_dead_letters_total": {"reason", "code"},
    "intercom_sink_last_success_timestamp_seconds": set(),
    "intercom_sink_oldest_unsettled_seconds": set(),
    "intercom_sink_build_info": {"version"},
}
"""The series of the sink, with their own labels."""

OTHERS: Mapping[str, set[str]] = {
    # RabbitMQ's plugin rabbitmq_prometheus, at /metrics/per-object.
    "rabbitmq_queue_messages_ready": {"vhost", "queue"},
    "rabbitmq_queue_messages_unacked": {"vhost", "queue"},
    # Prometheus itself.
    "up": set(),
    "ALERTS": {"alertname", "alertstate", "severity"},
}
"""Series that others have."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_RANGE = re.compile(r"\[[^]]*\]")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_WORD = re.compile(r"(?<![\w:$.])[a-zA-Z_:][\w:]*")
_OPERATORS = {"and", "or", "unless", "bool"}


def series(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The series that a PromQL expression selects, with the labels that it matches."""
    text = _RANGE.sub("", _STRING.sub('""', expression))
    for name, matchers in _SELECTOR.findall(text):
        yield name, set(re.findall(r"(\w+)\s*[=!]", matchers))
    text = _GROUPING.sub("", _SELECTOR.sub("", text))
    text = re.sub(r"\boffset\s+\S+", "", text)
    for match in _WORD.finditer(text):
        # Without its grouping, `sum by (x) (y)` looks like any other function.
        is_function = text[match.end() :].lstrip().startswith("(")
        if match.group() not in _OPERATORS and not is_function:
            yield match.group(), set()


def grouping_labels(expression: str) -> set[str]:
    """The labels by which an expression groups or matches."""
    return {label.strip() for group in _GROUPING.findall(expression) for label in group.split(",") if label.strip()}
