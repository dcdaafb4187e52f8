"""Finds environment variables that look like a setting but are none: most likely typos."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

_PREFIX = "CJW_"
"""How the variables of this program begin, and those of its operator's other services."""

_OWN_PREFIXES = ("CJW_INTERCOM_", "CJW_RABBITMQ_", "CJW_METRICS_", "CJW_LOG_")
"""How the variables of this program begin."""

_MIN_SIMILARITY = 0.6
"""Least similarity to a setting, for a variable with one of those prefixes; the prefix is not compared."""

_MIN_SIMILARITY_OF_OTHERS = 0.85
"""The same for other variables, which most likely belong to another service; all that follows `CJW_` is compared."""


@dataclass(frozen=True, slots=True)
class UnknownVariable:
    """A variable that is set and has no effect.

    Args:
        name: its name.
        similar: the setting that it most likely should be; None: there is none like it.
    """

    name: str
    similar: str | None

    def __str__(self) -> str:
        """One line for an operator."""
        question = f"; did you mean {self.similar}?" if self.similar else ""
        return f"{self.name} is not a setting{question}"


def unknown_variables(environ: Mapping[str, str], settings: Collection[str]) -> Iterator[UnknownVariable]:
    """The variables that are set, are not among the settings, and look as if they should be; by name."""
    for name in sorted(environ):
        if name in settings or not environ[name].strip() or not name.upper().startswith(_PREFIX):
            continue
        is_own = name.upper().startswith(_OWN_PREFIXES)
        similar = _most_similar(name.upper(), settings, by_rest=is_own)
        if is_own or similar:
            yield UnknownVariable(ascii(name)[1:-1], similar)


def _most_similar(name: str, settings: Collection[str], *, by_rest: bool) -> str | None:
    min_similarity = _MIN_SIMILARITY if by_rest else _MIN_SIMILARITY_OF_OTHERS

    def rank(setting: str) -> tuple[float, bool, str]:
        (prefix, rest), (other_prefix, other_rest) = _split(name), _split(setting)
        texts = (rest, other_rest) if by_rest else (name.removeprefix(_PREFIX), setting.removeprefix(_PREFIX))
        return SequenceMatcher(None, *texts).ratio(), prefix == other_prefix, setting

    similarity, _, setting = max(map(rank, settings))
    return setting if similarity >= min_similarity else None


def _split(name: str) -> tuple[str, str]:
    """A variable's prefix, and the rest of its name."""
    prefix = next((prefix for prefix in _OWN_PREFIXES if name.startswith(prefix)), _PREFIX)
    return prefix, name.removeprefix(prefix)
