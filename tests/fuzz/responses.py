"""`make fuzz`: looks for bytes of a server that the sink reads otherwise than h11 does, without a reason.

    python -m tests.fuzz.responses SECONDS

A finding is printed, made as small as it can be, and ends the run: mend the code, or explain the difference in
`tests.support.http1_oracle`, and make it a test.
"""

import sys
import time
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.http1_oracle import METHODS, in_pieces, oracle_verdict, own_verdict, responses, unexplained

_seen: Counter[str] = Counter()


@settings(max_examples=2000, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(METHODS), in_pieces(responses() | responses() | st.binary()))
def check(method: str, pieces: list[bytes]) -> None:
    """Both come to the same verdict, or the difference is meant; and pieces make no difference."""
    received = b"".join(pieces)
    own, oracle = own_verdict(method, pieces), oracle_verdict(method, pieces)
    _seen["same" if own == oracle else "explained"] += 1
    _seen["read by both"] += own is not None and oracle is not None
    assert not unexplained(method, received, own, oracle), (received, own, oracle)
    assert own_verdict(method, [received]) == own, received


def main() -> None:
    """Checks other bytes each time, for so many seconds."""
    until = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < until:
        check()
    print(", ".join(f"{count} {what}" for what, count in _seen.items()))


if __name__ == "__main__":
    main()
