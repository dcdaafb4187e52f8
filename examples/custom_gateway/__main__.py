"""Streams the queue to the CRM: python -m examples.custom_gateway

The environment variables are those of intercom-sink; `CJW_INTERCOM_API_URL` and `CJW_INTERCOM_API_TOKEN` are the URL
and the key of the CRM. Leave `CJW_INTERCOM_HOLD` off: it judges the token by `GET /me`, which only Intercom has. After
10 minutes without a valid response the sink sends `GET /me` all the same; any response, a 404 too, ends that hold.
"""

import logging
import os
import signal
import threading

from examples.custom_gateway.gateway import CRMGateway
from intercom_sink import Settings, build_sink


def main() -> None:
    """Runs until a signal comes."""
    logging.basicConfig(level="INFO")
    settings = Settings.from_environment(os.environ)
    gateway = CRMGateway(
        settings.api_url, settings.token.value, timeout=settings.timeout, connections=settings.concurrency
    )
    sink = build_sink(settings, gateway=gateway)

    def stop(signum: int, frame: object) -> None:
        # A thread of its own: a handler may interrupt a thread that holds a lock which `stop` takes.
        threading.Thread(target=sink.stop).start()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, stop)
    print(", ".join(f"{disposition} {count}" for disposition, count in sorted(sink.run().items())))


if __name__ == "__main__":
    main()
