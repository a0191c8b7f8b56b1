"""Is a version of a package affected? Ranges as OSV and vers write them, compared as each ecosystem does.

The comparison is the library ``univers``: Debian, RPM, Maven and PyPI versions have orders of their own. What cannot be
compared is taken for affected: nobody has shown that it is not.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

MOST_RANGES = 500


@lru_cache(maxsize=50)
def _scheme(kind: str) -> Any:
    from univers.version_range import RANGE_CLASS_BY_SCHEMES

    return RANGE_CLASS_BY_SCHEMES.get(kind) or RANGE_CLASS_BY_SCHEMES["generic"]


@lru_cache(maxsize=50_000)
def _version(kind: str, text: str) -> Any:
    """A version that can be compared; None for what is none in this ecosystem."""
    try:
        return _scheme(kind).version_class(text.strip())
    except Exception:
        # Every ecosystem has its own errors for what is no version of it.
        return None


def comparable(kind: str, text: str) -> bool:
    """Whether the text is a version of the ecosystem."""
    return _version(kind, text) is not None


def is_affected(entry: dict[str, Any], version: str) -> bool:
    """Whether an entry of an advisory covers a version of its package."""
    versions, ranges, expression = entry.get("versions", []), entry.get("ranges", []), entry.get("vers", "")
    if not versions and not ranges and not expression:
        return True
    if not version:
        return True
    if version in versions:
        return True
    kind = entry.get("type", "")
    asked = _version(kind, version)
    if asked is None:
        return bool(ranges or expression)
    if expression and in_range(expression, version):
        return True
    return any(_in_events(kind, asked, events) for events in ranges[:MOST_RANGES])


def _in_events(kind: str, asked: Any, events: list[dict[str, str]]) -> bool:
    """OSV's events: the last one that is not beyond the version decides."""
    placed: list[tuple[Any, str]] = []
    affected = False
    for event in events:
        for word, text in event.items():
            if word == "introduced" and text == "0":
                affected = True
                continue
            at = _version(kind, text)
            if at is None:
                return True
            placed.append((at, word))
    try:
        placed.sort(key=lambda pair: pair[0])
        for at, word in placed:
            if word == "introduced" and not asked < at:
                affected = True
            elif (word == "fixed" and not asked < at) or (word == "last_affected" and at < asked):
                affected = False
    except TypeError:
        return True
    return affected


@lru_cache(maxsize=10_000)
def _range(expression: str) -> Any:
    from univers.version_range import VersionRange

    try:
        return VersionRange.from_string(expression)  # type: ignore[no-untyped-call]
    except Exception:
        return None


def in_range(expression: str, version: str) -> bool:
    """Whether a version lies in a vers range such as vers:npm/>=1.0|<1.2.6; one that cannot be read covers everything."""
    wanted = _range(expression)
    if wanted is None:
        return True
    asked = _version(expression[5:].partition("/")[0], version)
    if asked is None:
        return True
    try:
        return bool(wanted.contains(asked))
    except Exception:
        return True


def readable_range(expression: str) -> bool:
    """Whether a vers range can be read."""
    return expression.startswith("vers:") and len(expression) <= 500 and _range(expression) is not None


def as_vers(kind: str, text: str) -> str:
    """A range as people write it (>=1.0, <1.2.6) as a vers range; "" where it is none."""
    words = [word.strip().replace(" ", "") for word in text.replace("|", ",").split(",") if word.strip()]
    if not words:
        return ""
    if text.startswith("vers:"):
        return text if readable_range(text) else ""
    parts = [word if word[0] in "<>=!" else f"={word}" for word in words]
    bare = "|".join(
        part.removeprefix("=")
        if part.startswith("=") and not part.startswith("==")
        else part.replace("==", "")
        for part in parts
    )
    expression = f"vers:{kind or 'generic'}/{bare}"
    return expression if readable_range(expression) else ""
