"""CVSS scores from vectors (2.0, 3.x, 4.0), by the library ``cvss``."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

_VECTOR = re.compile(
    r"\(?(CVSS:(3\.[01]|4\.0)/)?[A-Za-z]{1,3}:[A-Za-z]{1,7}(/[A-Za-z]{1,3}:[A-Za-z]{1,7}){2,40}\)?\Z"
)


@lru_cache(maxsize=20_000)
def score_of(vector: str) -> Decimal | None:
    """The base score of a vector; None for what is no vector."""
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    text = vector.strip().strip("()")
    if not _VECTOR.match(text):
        return None
    kind = CVSS4 if text.startswith("CVSS:4") else CVSS3 if text.startswith("CVSS:3") else CVSS2
    try:
        score = kind(text).base_score
    except (CVSSError, ArithmeticError, LookupError, ValueError):
        return None
    return None if score is None else Decimal(str(score)).quantize(Decimal("0.1"))


def best_vector(vectors: list[str]) -> tuple[str, Decimal | None]:
    """Of several vectors the newest version's worst: CVSS 4 before 3 before 2."""
    found = [
        (v[5:6] if v.startswith("CVSS:") else "2", score, v)
        for v in vectors
        if (score := score_of(v)) is not None
    ]
    if not found:
        return "", None
    newest = max(version for version, _, _ in found)
    _, score, vector = max(each for each in found if each[0] == newest)
    return vector, score
