"""The benchmark's plan: the cases of a round, whole and quick."""

from collections.abc import Iterator

from benchmarks.cases import SHARED_WINDOW, WINDOW, WINDOW_RATE, WINDOW_SECONDS, Case, Group
from benchmarks.catalogue import (
    AIO_PIKA,
    BARE_URLLIB3,
    BY_NAME,
    CELERY,
    CONTENDERS,
    FASTSTREAM,
    PEERS,
    PLAIN_LOOP,
    SINK,
    Contender,
)

CONCURRENCIES = (1, 8, 64)
MESSAGES_PER_SLOT = {20: 125, 200: 15}
"""By latency in ms: messages for each request that may be in flight, enough for 2.5 to 3 s."""
MAX_MESSAGES = 2_000
"""Of a case with a latency, and of a contender that is not fast."""
FAST_MESSAGES = {1: 4_000, 8: 10_000, 64: 10_000}
"""By concurrency: messages at 0 ms of a fast contender, enough for a second or more."""

SINK_BACKLOGS = (1_000, 10_000, 200_000)
PEER_BACKLOGS = (1_000, 5_000)
"""Smaller than the sink's: the peers would take minutes for the larger ones."""


COMPLETE_WINDOWS = {SINK: 2, AIO_PIKA: 1, FASTSTREAM: 1, CELERY: 1}
"""How many complete windows a run has at least, between the two partial ones at its ends."""

HOT_KEY_MESSAGES = 2_000

LIMITED_MESSAGES = {True: 1_500, False: 400}
"""By whether a contender is fast."""

PUBLISH_RATES = (50, 150, WINDOW_RATE)
"""Messages a second that are published while a contender runs: 150 is 90 % of the window, the last is all of it."""
PACED_SECONDS = 8

SHARED_SINKS = (2, 4, 8)


def plan() -> list[Case]:
    """Every case, in the order of a round: contenders take turns at the same work, so noise falls on all of them."""
    return [
        *_speed(),
        *_tls(),
        *_limited(),
        *_paced(PACED_SECONDS),
        *_idle(60),
        *_system_calls(),
        *_imports(),
        *_window(),
        *(_shared(sinks, 35) for sinks in SHARED_SINKS),
        *_hot_key(),
        *_backlog(),
        *_publishing(10_000),
    ]


def quick_plan() -> list[Case]:
    """The most important cases, and shorter ones: too short for exact numbers."""
    cells = ((1, 0), (8, 0), (64, 0), (64, 20))
    return [
        *(case for case in _speed() if (case.concurrency, case.latency_ms) in cells and _is_quick(case)),
        *_tls(),
        *(case for case in _limited() if BY_NAME[case.contender].fast),
        *(case for case in _paced(5) if BY_NAME[case.contender].fast and case.per_second == PUBLISH_RATES[0]),
        *(case for case in _paced(5) if case.contender == SINK.name and case.per_second > PUBLISH_RATES[0]),
        *_idle(10),
        *(case for case in _system_calls() if case.contender == SINK.name),
        *_imports(),
        *(case for case in _window() if case.contender == SINK.name and case.latency_ms),
        _shared(4, 25),
        *_hot_key(),
        *(case for case in _backlog() if case.contender == SINK.name and case.messages <= 10_000),
        *_publishing(2_000),
    ]


def _is_quick(case: Case) -> bool:
    """Whether the contender is close to the sink; one that is not is measured in a single cell."""
    return BY_NAME[case.contender].fast or case.latency_ms > 0 or case.contender == PLAIN_LOOP.name


def _speed() -> Iterator[Case]:
    for latency_ms in (0, *MESSAGES_PER_SLOT):
        for concurrency in CONCURRENCIES:
            for contender in CONTENDERS:
                if contender != PLAIN_LOOP or concurrency == 1:
                    yield _speed_case(Group.SPEED, contender, concurrency, latency_ms)


def _speed_case(group: Group, contender: Contender, concurrency: int, latency_ms: int) -> Case:
    if latency_ms:
        messages = min(MESSAGES_PER_SLOT[latency_ms] * concurrency, MAX_MESSAGES)
        if contender.fast and concurrency == 64 and latency_ms == 20:
            messages *= 3
    else:
        messages = FAST_MESSAGES[concurrency] if contender.fast else MAX_MESSAGES
    return Case(group, contender.name, concurrency, latency_ms, messages)


def _tls() -> Iterator[Case]:
    for concurrency, latency_ms in ((1, 0), (64, 20)):
        for contender in (BARE_URLLIB3, SINK, AIO_PIKA):
            yield _speed_case(Group.TLS, contender, concurrency, latency_ms)


def _limited() -> Iterator[Case]:
    for contender in CONTENDERS:
        if contender != PLAIN_LOOP:
            yield Case(Group.LIMITED, contender.name, 64, 20, LIMITED_MESSAGES[contender.fast])


def _paced(seconds: int) -> Iterator[Case]:
    for per_second in PUBLISH_RATES:
        for contender in (SINK, *PEERS):
            if contender != PLAIN_LOOP:
                yield Case(Group.PACED, contender.name, 64, 20, per_second * seconds, per_second)


def _idle(seconds: int) -> Iterator[Case]:
    for contender in (SINK, *PEERS):
        yield Case(Group.IDLE, contender.name, 1 if contender == PLAIN_LOOP else 64, 0, seconds=seconds)


def _system_calls() -> Iterator[Case]:
    for concurrency in (1, 64):
        for contender in (BARE_URLLIB3, SINK, AIO_PIKA):
            yield Case(Group.SYSTEM_CALLS, contender.name, concurrency, 0, 2_000)


def _imports() -> Iterator[Case]:
    yield Case(Group.IMPORTS, SINK.name)


def _window() -> Iterator[Case]:
    # Only combinations that would be faster than the window allows.
    combinations = [(SINK, 1, 0), (SINK, 64, 200), (AIO_PIKA, 64, 200), (FASTSTREAM, 64, 200), (CELERY, 64, 200)]
    for contender, concurrency, latency_ms in combinations:
        # One more than the complete windows: the run starts at any time within its first window.
        messages = WINDOW * (COMPLETE_WINDOWS[contender] + 1) + 100
        yield Case(Group.WINDOW, contender.name, concurrency, latency_ms, messages)


def _shared(sinks: int, seconds: int) -> Case:
    # Enough for one sink to use every window alone.
    messages = SHARED_WINDOW * (seconds // WINDOW_SECONDS + 2)
    return Case(Group.SHARED, SINK.name, 16, 50, messages, sinks=sinks, seconds=seconds)


def _hot_key() -> Iterator[Case]:
    yield Case(Group.HOT_KEY, SINK.name, 64, 200, HOT_KEY_MESSAGES)


def _backlog() -> Iterator[Case]:
    for messages in SINK_BACKLOGS:
        yield Case(Group.BACKLOG, SINK.name, 64, 0, messages)
    for messages in PEER_BACKLOGS:
        for contender in PEERS:
            yield Case(Group.BACKLOG, contender.name, 1 if contender == PLAIN_LOOP else 64, 0, messages)


def _publishing(messages: int) -> Iterator[Case]:
    yield Case(Group.PUBLISHING, SINK.name, messages=messages)
