"""Measures end-to-end latency, and what a steady flow costs: messages published one by one, at a steady rate."""

import time
from collections.abc import Iterable

from benchmarks.backlog import NUMBERED_PATH, deleting, make_template
from benchmarks.backlogged import ACK_GRACE, TIMEOUT
from benchmarks.cases import WINDOW, Case
from benchmarks.catalogue import BY_NAME
from benchmarks.jobs import make_job
from benchmarks.messages import KEYS
from benchmarks.processes import running_contender, running_server
from benchmarks.results import Measure, percentile
from testbed.amqp import connect, consumers, depth
from testbed.waiting import wait_until

WARM_UP_SECONDS = 1


def measure_paced(broker_url: str, case: Case) -> dict[Measure, float]:
    """Publishes the messages of the case at its rate, after a second of warm-up at the same rate."""
    contender = BY_NAME[case.contender]
    warm_up = WARM_UP_SECONDS * case.per_second
    total = warm_up + case.messages
    with running_server(case.latency_ms, checkpoints=[total], limit=WINDOW) as server:
        job = make_job(broker_url, server.url, case)
        with deleting(job):
            template = make_template(contender, job, NUMBERED_PATH)
            with running_contender(contender, job) as process, connect(broker_url) as connection:
                wait_until(lambda: consumers(broker_url, job.queue) > 0, "the consumer", explain=process.output)
                channel = connection.channel()
                channel.confirm_delivery()
                confirmed: list[float] = []
                begin = time.monotonic()
                first = process.usage()
                for number in range(total):
                    time.sleep(max(begin + number / case.per_second - time.monotonic(), 0))
                    if number == warm_up:
                        first = process.usage()
                    key = KEYS[number % len(KEYS)]
                    # RabbitMQ confirms a persistent message once it is on the disk; a consumer may be faster than that.
                    template.numbered(number).publish(channel, job.queue, key, persistent=False)
                    confirmed.append(time.monotonic())
                last = process.usage()
                server.wait_for_checkpoint(process, TIMEOUT)
                time.sleep(ACK_GRACE)
            unacked = depth(broker_url, job.queue)
            assert unacked == 0, f"{unacked} messages were not acked"
        statistics = server.stop()
    arrivals = {int(number): at for number, at in statistics["arrivals"].items()}
    latencies = latencies_ms(confirmed[warm_up:], (arrivals[number] for number in range(warm_up, total)))
    return {
        Measure.LATENCY_MEDIAN: percentile(latencies, 0.5),
        Measure.LATENCY_P99: percentile(latencies, 0.99),
        Measure.CPU_SHARE: first.cpu_share(last),
        Measure.WAKEUPS: first.wakeups(last),
        Measure.REFUSED: statistics["refused"],
    }


def latencies_ms(confirmed: Iterable[float], arrived: Iterable[float]) -> list[float]:
    """Milliseconds from each message's confirm to its request's arrival; negative if the publisher was slower."""
    return [(at - since) * 1000 for since, at in zip(confirmed, arrived, strict=True)]
