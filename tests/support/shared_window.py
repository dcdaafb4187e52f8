"""Sinks that share one rate window of FakeIntercom, over real sockets."""

import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

from intercom_sink import IntercomRequest, Sink, SystemClock, decode, encode
from intercom_sink.adapters.intercom.gateway import HTTPGateway
from intercom_sink.adapters.secrets import FixedSecret
from intercom_sink.testing import InMemorySource
from intercom_sink.testing.intercom import Exchange, FakeIntercom
from intercom_sink.testing.intercom.rate_window import RateWindow
from tests.support.window_figures import Figures, measure

LATENCY = 0.05
"""Seconds that each response takes."""

BACKLOG = 3000
"""Messages in each queue: more than a sink can send."""


class SharedIntercom:
    """An Intercom whose rate window several sinks use.

    Args:
        limit: requests in each window.
        seconds: the length of a window; whole seconds.
    """

    def __init__(self, limit: int, seconds: int) -> None:
        self._window = RateWindow(limit, seconds)
        self._lock = threading.Lock()
        self._refused: Counter[float] = Counter()
        self._parts: defaultdict[str, Counter[float]] = defaultdict(Counter)

    def behave(self, exchange: Exchange) -> None:
        """A behaviour of FakeIntercom: 200, or 429 if the window is exhausted."""
        exchange.wait(LATENCY / 2)
        headers, status = self._admit(exchange.request.path)
        exchange.wait(LATENCY / 2)
        exchange.send(status, headers, b"{}")

    def run(self, sinks: int, concurrency: int, windows: int) -> None:
        """Runs so many sinks, from the middle of a window on, for so many windows and a half."""
        with FakeIntercom() as intercom, ThreadPoolExecutor(sinks) as executor:
            intercom.default = self.behave
            running = [self._sink(intercom.url, f"/sink-{number}", concurrency) for number in range(sinks)]
            seconds = self._window.seconds
            time.sleep((1.5 - time.time() / seconds % 1) % 1 * seconds)
            results = [executor.submit(sink.run) for sink in running]
            time.sleep((windows + 0.5) * seconds)
            for sink in running:
                sink.stop()
            for result in results:
                result.result()

    def figures(self, learning: int) -> Figures:
        """What is promised, as it was without the first `learning` complete windows."""
        return measure(self._window, self._refused, list(self._parts.values()), 1 + learning)

    def _admit(self, path: str) -> tuple[dict[str, str], int]:
        with self._lock:
            admission = self._window.admit(time.time())
            self._refused[admission.reset_at] += not admission.admitted
            self._parts[path][admission.reset_at] += admission.admitted
        return admission.headers, 200 if admission.admitted else 429

    def _sink(self, url: str, path: str, concurrency: int) -> Sink:
        body = encode(IntercomRequest("POST", path))
        keys = iter(range(BACKLOG))
        return Sink(
            InMemorySource([body] * BACKLOG, ordering_key=lambda _: str(next(keys)), max_block=600.0),
            HTTPGateway(url, FixedSecret("token"), user_agent="test/1", connections=concurrency),
            SystemClock(),
            decode,
            concurrency=concurrency,
        )
