"""Definition of Done: the lines of a train and what its teams add, and which of them a feature has met."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MOST_LINES = 40
LONGEST = 200


def same(text: str) -> str:
    """Two lines are the same when only case and spaces differ."""
    return re.sub(r"\s+", " ", text).strip().casefold()


def cleaned(lines: Iterable[str]) -> list[str]:
    """Lines as they are kept: trimmed, blanks left out."""
    return [re.sub(r"\s+", " ", line).strip() for line in lines if line.strip()]


def faults(lines: Sequence[str], above: Sequence[str] = ()) -> list[str]:
    """What is wrong with the lines of a new version; `above` are the train's, which a team only adds to."""
    found = []
    if not lines and not above:
        found.append("A Definition of Done has at least one line.")
    if len(lines) > MOST_LINES:
        found.append(f"{len(lines)} lines are too many; {MOST_LINES} are the most.")
    theirs, seen = {same(line) for line in above}, set()
    for line in lines:
        if len(line) > LONGEST:
            found.append(f"“{line[:40]}…” is longer than {LONGEST} characters.")
        if same(line) in theirs:
            found.append(f"“{line}” is in the train's definition already.")
        if same(line) in seen:
            found.append(f"“{line}” stands there twice.")
        seen.add(same(line))
    return found


def unmet(lines: Iterable[str], met: Iterable[str]) -> list[str]:
    """The lines that nobody has marked, in their order."""
    done = {same(text) for text in met}
    return [line for line in lines if same(line) not in done]
