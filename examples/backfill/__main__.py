"""Publishes a CSV file: python -m examples.backfill contacts.csv

Needs CJW_RABBITMQ_HOST and CJW_INTERCOM_QUEUE_NAME, as the sink does.
"""

import os
import sys
from pathlib import Path

from examples.backfill.backfill import InvalidRow, backfill
from intercom_sink import IntercomSinkError, build_publisher


def main() -> int:
    """Publishes the file; returns the exit code."""
    if len(sys.argv) != 2:
        print("usage: python -m examples.backfill contacts.csv", file=sys.stderr)
        return 2
    try:
        with build_publisher(os.environ) as publisher:
            print(f"{backfill(Path(sys.argv[1]), publisher)} rows are published")
    except InvalidRow as error:
        print(f"{error}; correct it, and run it again to go on", file=sys.stderr)
        return 1
    except (IntercomSinkError, OSError) as error:
        print(f"{error}; run it again to go on", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
