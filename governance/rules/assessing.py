"""How many rows of a population an assessment looks at when nobody says."""

from __future__ import annotations


def proposed_size(population: int) -> int:
    """All of few, then growing slowly up to 60."""
    for most, size in ((5, population), (20, 5), (50, 8), (250, 25), (1000, 40)):
        if population <= most:
            return min(population, size)
    return 60
