"""Drawing a sample: which rows are drawn follows from the population, the seed and the size alone, for ever.

Each row is ranked by ``SHA-256(seed ":" id)``, so that anybody draws the same with ``sha256sum``. Strata share the size
in proportion to their rows (largest remainder), and every stratum gets one row before any gets two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

METHOD = "sha256-rank/1"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row of the sample: its place, its stratum, and its id."""

    position: int
    stratum: str
    id: str


def rank(seed: str, ident: str) -> str:
    """What a row is ordered by: as ``printf '%s:%s' SEED ID | sha256sum`` prints it."""
    return hashlib.sha256(f"{seed}:{ident}".encode()).hexdigest()


def allocate(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """How many rows each stratum gives; together `size`, or all rows when there are fewer."""
    strata = sorted(name for name, count in counts.items() if count)
    total = sum(counts[name] for name in strata)
    size = min(size, total)
    if size <= 0:
        return dict.fromkeys(strata, 0)
    # The largest strata come first when not every one can have a row.
    first = sorted(strata, key=lambda name: (-counts[name], name))[:size]
    given = {name: int(name in first) for name in strata}
    left = size - sum(given.values())
    rest = {name: counts[name] - given[name] for name in strata}
    pool = sum(rest.values())
    if left and pool:
        # Whole numbers only: no rounding that could differ elsewhere.
        whole = {name: left * rest[name] // pool for name in strata}
        by_remainder = sorted(strata, key=lambda name: (-(left * rest[name] % pool), name))
        for name in strata:
            given[name] += whole[name]
        for name in by_remainder[: left - sum(whole.values())]:
            given[name] += 1
    return given


def draw(rows: Iterable[tuple[str, str]], seed: str, size: int) -> list[Drawn]:
    """The sample of `size` from rows (id, stratum), whatever order they come in."""
    strata: dict[str, list[str]] = {}
    for ident, stratum in rows:
        strata.setdefault(stratum, []).append(ident)
    given = allocate({name: len(ids) for name, ids in strata.items()}, size)
    found = []
    for name in sorted(strata):
        ranked = sorted(strata[name], key=lambda ident: (rank(seed, ident), ident))
        found += [(name, ident) for ident in ranked[: given[name]]]
    return [Drawn(position, name, ident) for position, (name, ident) in enumerate(found, start=1)]
