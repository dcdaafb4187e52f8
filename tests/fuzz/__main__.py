"""`make fuzz`: looks for bytes that break `tests.fuzz.target.check`; what covers new code is added to the corpus.

    python -m tests.fuzz SECONDS

A finding is written to a file named crash-*, and ends the run: give it to `check`, mend the code, and make it a test.
"""

import sys
from pathlib import Path

import atheris

CORPUS = Path(__file__).with_name("corpus")

with atheris.instrument_imports(include=["intercom_sink"]):
    from tests.fuzz.target import check


def main() -> None:
    """Runs the fuzzer for so many seconds."""
    seconds = int(sys.argv[1])
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", "-timeout=5", str(CORPUS)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
