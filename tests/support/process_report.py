"""A program that prints its arguments, environment, descriptors and the like as JSON, then executes its argument."""

import gc
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

MODULE = "tests.support.process_report"
DESCRIPTORS = Path("/proc/self/fd")


def seen() -> dict[str, object]:
    """What may differ between two ways to start a process."""
    return {
        "argv": sys.argv,
        "name": __name__,
        "flags": str(sys.flags),
        "path": sys.path,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "handlers": {number: str(signal.getsignal(number)) for number in signal.valid_signals()},
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "descriptors": {link.name: str(link.readlink()) for link in DESCRIPTORS.iterdir() if link.is_symlink()},
        "streams": [
            (stream.name, stream.encoding, stream.errors, stream.line_buffering)
            for stream in (sys.stdin, sys.stdout, sys.stderr)
            if stream is not None
        ],
        "threads": [thread.name for thread in threading.enumerate()],
        "group": os.getpgid(0),
        "garbage": gc.isenabled(),
        "log handlers": logging.getLogger().handlers,
    }


if __name__ == "__main__":
    print(json.dumps(seen(), default=str))
    exec(sys.argv[1])
