"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Result(StrEnum):
    """Whether what was found lets the sink work."""

    OK = "ok"
    WARNING = "warn"
    FAILED = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, in one line of text."""

    result: Result
    text: str

    @classmethod
    def ok(cls, text: str) -> Self:
        """Nothing is wrong."""
        return cls(Result.OK, text)

    @classmethod
    def warning(cls, text: str) -> Self:
        """The sink will work, perhaps not as its operator expects."""
        return cls(Result.WARNING, text)

    @classmethod
    def failed(cls, text: str) -> Self:
        """The sink can't work."""
        return cls(Result.FAILED, text)
