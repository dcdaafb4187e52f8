"""Measures several sinks on one rate window: how much of it they use, how many 429s they get, and how fairly."""

import time
from contextlib import ExitStack
from typing import Any

from benchmarks.backlog import deleting, publish_messages
from benchmarks.cases import SHARED_WINDOW, WINDOW_SECONDS, Case
from benchmarks.catalogue import BY_NAME
from benchmarks.jobs import make_job
from benchmarks.processes import running_contender, running_server
from benchmarks.results import Measure, window_share

START_TIMEOUT = 60.0
"""Seconds to the first response."""


def measure_shared(broker_url: str, case: Case) -> dict[Measure, float]:
    """Runs the sinks for the seconds of the case from the first response on, each on a queue of its own."""
    contender = BY_NAME[case.contender]
    paths = [f"/sink-{number}" for number in range(case.sinks)]
    with ExitStack() as stack:
        server = stack.enter_context(running_server(case.latency_ms, limit=SHARED_WINDOW, checkpoints=[1]))
        jobs = [make_job(broker_url, server.url, case) for _ in paths]
        for job, path in zip(jobs, paths, strict=True):
            stack.enter_context(deleting(job))
            publish_messages(contender, job, path=path)
        with ExitStack() as running:
            sinks = [running.enter_context(running_contender(contender, job)) for job in jobs]
            server.wait_for_checkpoint(sinks[-1], START_TIMEOUT)
            time.sleep(case.seconds)
            for sink in sinks:
                assert not sink.has_ended(), f"a sink has ended:\n{sink.output()}"
        return shares(server.stop(), paths)


def shares(statistics: Any, paths: list[str]) -> dict[Measure, float]:
    """What the server's statistics say of sinks that each sent to a path of their own."""
    windows = {int(begin): admitted for begin, admitted in statistics["windows"].items()}
    counts = [statistics["paths"].get(path, {"count": 0})["count"] for path in paths]
    share = window_share(windows, SHARED_WINDOW, WINDOW_SECONDS)
    assert share is not None, "no complete window"
    return {
        Measure.WINDOW_SHARE: share,
        Measure.REFUSED: statistics["refused"],
        Measure.REFUSED_SHARE: statistics["refused"] / (statistics["refused"] + sum(windows.values())),
        Measure.LEAST_SHARE: min(counts) / (sum(counts) / len(counts)),
    }
