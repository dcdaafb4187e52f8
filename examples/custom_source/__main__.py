"""Sends the files of a directory to Intercom: python -m examples.custom_source DIRECTORY [--drain]

The environment variables are those of intercom-sink, without the ones about RabbitMQ.
"""

import argparse
import logging
import os
import signal
import threading
from pathlib import Path

from examples.custom_source.directory import DirectorySource
from intercom_sink import IntercomSettings, build_sink


def main() -> None:
    """Runs until the directory is drained, or a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--drain", action="store_true", help="end once no file is left")
    arguments = parser.parse_args()
    logging.basicConfig(level="INFO")
    settings = IntercomSettings.from_environment(os.environ)
    sink = build_sink(settings, source=DirectorySource(arguments.directory, drain=arguments.drain))

    def stop(signum: int, frame: object) -> None:
        # A thread of its own: a handler may interrupt a thread that holds a lock which `stop` takes.
        threading.Thread(target=sink.stop).start()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, stop)
    print(", ".join(f"{disposition} {count}" for disposition, count in sorted(sink.run().items())))


if __name__ == "__main__":
    main()
