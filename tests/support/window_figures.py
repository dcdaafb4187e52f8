"""How well sinks share a rate window: the figures of which the documentation promises bounds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from intercom_sink.testing.intercom.rate_window import RateWindow


@dataclass(frozen=True)
class Figures:
    """What is promised about a shared window, as it was in the windows that are measured.

    Args:
        refused: the part of all responses, those to other apps too, that were 429s; from 0 to 1.
        used: the part of the windows that was used; from 0 to 1.
        smallest_part: what the sink that sent least sent, in terms of a fair part: the mean of all sinks.
    """

    refused: float
    used: float
    smallest_part: float


def measure(window: RateWindow, refused: Counter[float], admitted: Sequence[Counter[float]], learning: int) -> Figures:
    """Measures all windows but the last one and the first few, in which the sinks learn of each other.

    Args:
        window: the window that all share.
        refused: how many requests were refused, by the end of their window.
        admitted: for each sink, how many of its requests were admitted, by the end of their window.
        learning: how many windows at the beginning are not measured.
    """
    begins = sorted(window.admitted)[learning:-1]
    ends = [float(begin + window.seconds) for begin in begins]
    used = sum(window.admitted[begin] for begin in begins)
    parts = [sum(sent[end] for end in ends) for sent in admitted]
    all_refused = sum(refused[end] for end in ends)
    return Figures(
        refused=all_refused / (all_refused + used),
        used=used / (len(begins) * window.limit),
        smallest_part=min(parts) * len(parts) / sum(parts),
    )
