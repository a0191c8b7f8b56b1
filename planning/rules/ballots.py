"""The fist of five: what fingers add up to, and how ballots are told apart from voters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

CONFIDENT = 3.0
LOW = 2
# Fewer ballots than this would say who gave which.
FEWEST_ANONYMOUS = 3
COMMENT_BYTES = 1200


@dataclass(frozen=True, slots=True)
class Tally:
    """How many gave how many fingers, from five to one, and the average."""

    cast: int
    average: float | None
    counts: tuple[tuple[int, int], ...]
    low: int

    @property
    def confident(self) -> bool:
        return self.average is not None and self.average >= CONFIDENT


def tally(fingers: Sequence[int]) -> Tally:
    """Count fingers; each is one to five."""
    if any(not 1 <= each <= 5 for each in fingers):
        raise ValueError("Fingers are one to five.")
    average = float(Fraction(sum(fingers), len(fingers))) if fingers else None
    counts = tuple((n, fingers.count(n)) for n in range(5, 0, -1))
    return Tally(len(fingers), average, counts, sum(each <= LOW for each in fingers))


def packed(fingers: int, comment: str) -> bytes:
    """A ballot as bytes that are always as long as any other: a sealed one betrays nothing by its length."""
    text = comment.encode()[:COMMENT_BYTES]
    return bytes([fingers]) + len(text).to_bytes(2, "big") + text.ljust(COMMENT_BYTES, b"\0")


def unpacked(content: bytes) -> tuple[int, str]:
    """The fingers and the comment of a ballot."""
    length = int.from_bytes(content[1:3], "big")
    return content[0], content[3 : 3 + length].decode(errors="ignore")
