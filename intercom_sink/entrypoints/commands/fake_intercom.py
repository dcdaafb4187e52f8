"""`intercom-sink fake-intercom`: an Intercom on this machine, for trying things out."""

import argparse
import random
import re
import threading
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from intercom_sink.adapters.intercom.response import sanitize
from intercom_sink.domain.errors import OperatorError
from intercom_sink.entrypoints.commands import Commands, positive_int
from intercom_sink.entrypoints.output import print_line
from intercom_sink.entrypoints.signals import stopping_on_signals
from intercom_sink.testing.intercom import (
    Behaviour,
    Exchange,
    FakeIntercom,
    ReceivedRequest,
    error,
    hang,
    reset,
    truncated,
)

FAULTS: Mapping[str, Behaviour] = {"reset": reset, "truncated": truncated, "hang": hang}
"""What `--fail` may name in place of a status."""

MAX_LATENCY = 600.0
"""Seconds."""

_MAX_METHOD, _MAX_PATH = 20, 200
"""Characters of a method, and of a path, that are printed."""


@dataclass(frozen=True)
class Failure:
    """A part of the requests that fails.

    Args:
        rate: how large a part; 0 to 1.
        behaviour: how it fails.
    """

    rate: float
    behaviour: Behaviour


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "fake-intercom",
        description="Behaves like Intercom towards a sink: rate windows, error lists, contacts that conflict, events "
        "that are kept once. Checks neither paths nor data: any other request gets a 200, unless its body is not JSON "
        "(400). Prints its URL, then a line for each request, and at the end how many there were. Knows no contact at "
        "the start, and forgets all at the end.",
        examples="intercom-sink fake-intercom --limit 100 --fail 0.1:503 --fail 0.01:reset",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="the port to listen at (default: any free one)")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="requests in each rate window of 10 s")
    parser.add_argument("--latency", type=_latency, default=0.0, metavar="SECONDS", help="what each response takes")
    parser.add_argument("--token", help="the only token that is accepted; the others get a 401 (default: all are)")
    parser.add_argument(
        "--fail",
        type=failure,
        action="append",
        default=[],
        metavar="RATE:STATUS",
        help=f"a part of the requests that fails: 0.1:503; may be repeated; in place of a status: {', '.join(FAULTS)}",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Runs it until the first SIGINT or SIGTERM."""
    stopped = threading.Event()
    log = RequestLog()

    def note(request: ReceivedRequest) -> None:
        log.record(request)
        fake.requests.clear()  # it may run for weeks; only contacts, events and counts must stay

    fake = FakeIntercom(
        host=arguments.host,
        port=arguments.port,
        token=arguments.token,
        limit=arguments.limit,
        latency=arguments.latency,
        on_end=note,
    )
    fake.default = failing(arguments.fail, fake.default)
    try:
        fake.start()
    except (OSError, UnicodeError) as problem:
        # create_server adds " (while attempting to bind on address ...)".
        reason = str(getattr(problem, "strerror", None) or problem).partition(" (")[0]
        raise OperatorError(f"can't listen on {arguments.host}:{arguments.port}: {reason}") from problem
    try:
        with stopping_on_signals(stopped.set):
            print_line(f"Intercom is at {fake.url}\nexport CJW_INTERCOM_API_URL={fake.url}")
            stopped.wait()
    finally:
        fake.close()
    print_line(log.summary())
    return True


def failing(failures: list[Failure], otherwise: Behaviour) -> Behaviour:
    """A behaviour that is one of the failures as often as they say, and another one otherwise.

    Rates of over 1 in all leave less to the last ones.
    """

    def behave(exchange: Exchange) -> None:
        drawn = random.random()  # once: a draw for each would make the later ones rarer
        for one in failures:
            if drawn < one.rate:
                return one.behaviour(exchange)
            drawn -= one.rate
        return otherwise(exchange)

    return behave


def failure(text: str) -> Failure:
    """The type of `--fail`; anything else is an error of the command line."""
    match = re.fullmatch(r"(0?\.[0-9]{1,9}|[01](?:\.0{1,9})?):(?:([45][0-9]{2})|([a-z]+))", text)
    if match is None or (match[3] is not None and match[3] not in FAULTS):
        wanted = f"RATE:STATUS, as 0.1:503, with 0 to 1 and 400 to 599 or {', '.join(FAULTS)}"
        raise argparse.ArgumentTypeError(f"{ascii(text)[:40]} is not {wanted}")
    return Failure(float(match[1]), error(int(match[2])) if match[2] else FAULTS[match[3]])


class RequestLog:
    """Prints a line for each request, and counts them; called from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def record(self, request: ReceivedRequest) -> None:
        """Takes note of one."""
        result = "no response" if request.status is None else str(request.status)
        with self._lock:
            self._counts[result] += 1
            print_line(f"{sanitize(request.method, _MAX_METHOD)} {sanitize(request.path, _MAX_PATH)} {result}")

    def summary(self) -> str:
        """How many there were, in one line."""
        with self._lock:
            parts = [f"{count} x {result}" for result, count in sorted(self._counts.items())]
            return f"requests: {self._counts.total()}{' (' if parts else ''}{', '.join(parts)}{')' if parts else ''}"


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{ascii(text)[:40]} is not a port")
    return int(text)


def _latency(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,3}|[0-9]{0,3}\.[0-9]{1,9}", text) or float(text) > MAX_LATENCY:
        raise argparse.ArgumentTypeError(f"{ascii(text)[:40]} is not a number of seconds up to {MAX_LATENCY:g}")
    return float(text)
