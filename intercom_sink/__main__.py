"""`python -m intercom_sink`: the command line."""

import sys

from intercom_sink.entrypoints.cli import main

if __name__ == "__main__":
    sys.exit(main())
