"""The numbers that the documents promise are those of the code."""

import re

import pytest

from intercom_sink.adapters.intercom.connection_pool import MAX_IDLE
from intercom_sink.adapters.messages.bounds import MAX_BYTES, MAX_VALUES
from intercom_sink.adapters.monitors.health.rules import Limits
from intercom_sink.adapters.monitors.health.socket import TIMEOUT
from intercom_sink.adapters.monitors.logs.lines import MAX_BEGINNING
from intercom_sink.adapters.monitors.logs.repeats import MAX_IDENTICAL
from intercom_sink.adapters.monitors.state.failures import MAX_FAILURES
from intercom_sink.adapters.monitors.state.minutes import MAX_MINUTES
from intercom_sink.adapters.monitors.state.snapshot import IDLE_AFTER
from intercom_sink.adapters.monitors.web.server import MAX_CONNECTIONS
from intercom_sink.adapters.rabbitmq.reconnect import MAX_RECONNECT_DELAY
from intercom_sink.adapters.rabbitmq.source import MIN_PREFETCH, PREFETCH_PER_REQUEST
from intercom_sink.domain.backoff import exponential
from intercom_sink.domain.hold import MAX_HOLD_DELAY, MAX_OUTAGE
from intercom_sink.domain.json_value import MAX_DEPTH
from intercom_sink.domain.policy import MAX_BACKOFF, MAX_MESSAGE_FAILURES
from intercom_sink.domain.rate_limit import MAX_RATE_LIMIT_DELAY, RATE_LIMIT_JITTER
from intercom_sink.entrypoints.settings import MAX_CONCURRENCY
from tests.simulation.mutants import MUTANTS
from tests.support.documents import DOCUMENTS, ROOT

TEXT = " ".join(" ".join(page.read_text() for page in DOCUMENTS).split())

WORDS = {2: "two", 3: "three", 5: "five", 6: "six", 16: "sixteen"}

ATTEMPT = Limits(timeout=0, reconnect_timeout=0)

MAKEFILE = (ROOT / "Makefile").read_text()


def made(name: str) -> int:
    """The value of a variable of the Makefile."""
    (value,) = re.findall(rf"^{name} \?= (\d+)$", MAKEFILE, re.MULTILINE)
    return int(value)


@pytest.mark.parametrize(
    "promise",
    [
        f"over {MAX_BYTES >> 20} MiB, over a million values or over {MAX_DEPTH} levels deep",
        f"`max_message_size` to {MAX_BYTES >> 20} MiB (`{MAX_BYTES}`)",
        f"idle for over {MAX_IDLE:.0f} s are not used again",
        f"{exponential(1, MAX_BACKOFF).min} to {exponential(1, MAX_BACKOFF).max:.0f} s at first, "
        f"{exponential(99, MAX_BACKOFF).min:.0f} to {exponential(99, MAX_BACKOFF).max:.0f} s in the end",
        f"always 1 to {MAX_RATE_LIMIT_DELAY:.0f} s, plus up to a second of jitter",
        f"for longer than {MAX_RATE_LIMIT_DELAY + RATE_LIMIT_JITTER:.0f} s",
        f"given up after {MAX_MESSAGE_FAILURES} attempts",
        f"after {MAX_OUTAGE / 60:.0f} minutes without any valid response",
        f"backoff (1 to {MAX_HOLD_DELAY:.0f} s)",
        f"up to {PREFETCH_PER_REQUEST} messages for each request that may be in flight, and at least {MIN_PREFETCH}",
        f"{PREFETCH_PER_REQUEST} messages for each request that may be in flight, and at least {MIN_PREFETCH}",
        f"requests in flight at most, up to {MAX_CONCURRENCY}",
        f"with delays of up to {MAX_RECONNECT_DELAY:.0f} s",
        f"after {WORDS[MAX_IDENTICAL]} lines in a row",
        f"shows its first {MAX_BEGINNING} bytes",
        f"the last {MAX_FAILURES} failures and the figures of {MAX_MINUTES} minutes",
        f"{MAX_CONNECTIONS} connections at most are open",
        f"none has come for {IDLE_AFTER:.0f} s",
        f"does not respond within {TIMEOUT:.0f} s",
        f"six times `CJW_INTERCOM_TIMEOUT` and {WORDS[round(ATTEMPT.attempt / 60)]} minutes more",
        f"{WORDS[round(ATTEMPT.settlement / 60)]} minutes more than `CJW_RABBITMQ_RECONNECT_TIMEOUT`",
        f"as long as an attempt may take, and {WORDS[round((ATTEMPT.hold - ATTEMPT.attempt) / 60)]} minutes more",
        f"{made('SOAK_SEEDS'):,} in `make soak`",
        f"for `FUZZ_SECONDS` ({made('FUZZ_SECONDS')})",
        f"each of {len(MUTANTS)} planted bugs is found",
    ],
)
def test_number_in_the_documents_is_that_of_the_code(promise: str) -> None:
    """Each promise stands in one of the documents, word for word. If the sentence was changed, change it here too."""
    assert promise in TEXT


def test_a_million_values_are_a_million() -> None:
    assert MAX_VALUES == 1_000_000


def test_the_coverage_that_contributors_are_told_is_what_is_asked_for() -> None:
    asked = re.findall(r"coverage report --(include|omit).* --fail-under (\d+)", MAKEFILE)
    assert asked == [("include", "100"), ("omit", "95")]
    assert "the domain's coverage must stay at 100 %, the rest above 95 %" in TEXT
