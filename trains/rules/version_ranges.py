"""Ranges of SemVer versions in the grammar that package managers share: ^1.2, ~1.2.3, 1.x, >=1.4 <3, 1.0 - 2.0, a || b.

A version before a release (2.0.0-rc.1) lies in a range only if the range itself names one of the same number:
whoever asks for ^1.2.3 did not ask for previews of 2.0.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .versions import Version, VersionError, parse_version

MAX_LENGTH = 200

_NUMBER = r"0|[1-9]\d{0,15}"
_PART = rf"{_NUMBER}|x|X|\*"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_PARTIAL = (
    rf"v?(?P<major>{_PART})(?:\.(?P<minor>{_PART})(?:\.(?P<patch>{_PART})"
    rf"(?:-(?P<pre>{_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?)?)?"
)
_SIMPLE = re.compile(rf"(?P<op>\^|~>?|[<>]=?|=)?\s*(?:{_PARTIAL})?", re.ASCII)
_WHOLE = re.compile(_PARTIAL, re.ASCII)
_HYPHEN = re.compile(r"(?P<low>\S+)\s+-\s+(?P<high>\S+)")
_GAP = re.compile(r"(\^|~>?|[<>]=?|=)\s+")
_COMPARE: dict[str, Callable[[Version, Version], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}


@dataclass(frozen=True)
class Bound:
    """One side of a range."""

    op: str
    version: Version

    def allows(self, version: Version) -> bool:
        return _COMPARE[self.op](version, self.version)


@dataclass(frozen=True)
class Range:
    """Alternatives, each a list of bounds that all hold."""

    text: str
    alternatives: tuple[tuple[Bound, ...], ...]

    def allows(self, version: str | Version, *, previews: bool = False) -> bool:
        """Whether the version lies in the range; `previews` lets in pre-releases that nobody named."""
        asked = parse_version(version) if isinstance(version, str) else version
        return any(_allowed(asked, bounds, previews) for bounds in self.alternatives)

    def __str__(self) -> str:
        return self.text


def _allowed(version: Version, bounds: tuple[Bound, ...], previews: bool) -> bool:
    if not all(bound.allows(version) for bound in bounds):
        return False
    if previews or not version.prerelease:
        return True
    return any(b.version.prerelease and b.version.key[0] == version.key[0] for b in bounds)


@lru_cache(maxsize=2000)
def parse_range(text: str, *, previews: bool = False) -> Range:
    """Read a range; raises VersionError saying what is wrong."""
    if len(text) > MAX_LENGTH:
        raise VersionError(f"A range has at most {MAX_LENGTH} characters.")
    return Range(text, tuple(_alternative(part.strip(), previews) for part in text.split("||")))


def is_range(text: str) -> bool:
    """Whether the text is a range."""
    try:
        parse_range(text)
    except VersionError:
        return False
    return True


def _alternative(text: str, previews: bool) -> tuple[Bound, ...]:
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        return (
            *_from(_partial(hyphen["low"], text), previews),
            *_to(_partial(hyphen["high"], text), previews),
        )
    bounds: list[Bound] = []
    for word in _GAP.sub(r"\1", text).split():
        found = _SIMPLE.fullmatch(word)
        if found is None or (found["op"] and found["major"] is None):
            raise VersionError(f"{word!r} is no part of a range of versions (for example ^1.2 or >=1.4 <3).")
        bounds += _simple(found["op"] or "", _Partial.of(found), previews)
    return tuple(bounds)


@dataclass(frozen=True)
class _Partial:
    """A version of which parts may be left open."""

    major: int | None
    minor: int | None
    patch: int | None
    pre: str

    @classmethod
    def of(cls, found: re.Match[str]) -> _Partial:
        parts = [
            int(p) if p and p.isdigit() else None for p in (found["major"], found["minor"], found["patch"])
        ]
        # What follows an open part is open too: 1.x.3 means 1.x.
        for at in (1, 2):
            if parts[at - 1] is None:
                parts[at] = None
        return cls(parts[0], parts[1], parts[2], (found["pre"] or "") if parts[2] is not None else "")

    @property
    def least(self) -> tuple[int, int, int]:
        return self.major or 0, self.minor or 0, self.patch or 0


def _partial(text: str, whole: str) -> _Partial:
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise VersionError(f"{whole!r} is no range of versions (for example 1.2 - 2.0).")
    return _Partial.of(found)


def _bound(op: str, numbers: tuple[int, int, int], pre: str = "") -> Bound:
    return Bound(op, parse_version(".".join(map(str, numbers)) + (f"-{pre}" if pre else "")))


def _between(low: _Partial, high: tuple[int, int, int], previews: bool) -> list[Bound]:
    """From the lowest version that the partial one may mean, up to but without `high` and its previews."""
    least = low.pre or ("0" if previews and low.patch is None else "")
    return [_bound(">=", low.least, least), _bound("<", high, "0")]


def _simple(op: str, at: _Partial, previews: bool) -> list[Bound]:
    if op in ("~", "~>"):
        return _tilde(at, previews)
    if op == "^":
        return _caret(at, previews)
    if at.major is None:
        return [_bound("<", (0, 0, 0), "0")] if op in ("<", ">") else []
    if at.patch is not None:
        return [_bound(op or "=", at.least, at.pre)]
    after = (at.major + 1, 0, 0) if at.minor is None else (at.major, at.minor + 1, 0)
    open_end = "0" if previews else ""
    if op in ("", "="):
        return _between(at, after, previews)
    if op == ">":
        return [_bound(">=", after, open_end)]
    if op == "<=":
        return [_bound("<", after, "0")]
    return [_bound(op, at.least, "0" if op == "<" else open_end)]


def _tilde(at: _Partial, previews: bool) -> list[Bound]:
    if at.major is None:
        return []
    after = (at.major + 1, 0, 0) if at.minor is None else (at.major, at.minor + 1, 0)
    return _between(at, after, previews)


def _caret(at: _Partial, previews: bool) -> list[Bound]:
    if at.major is None:
        return []
    if at.major or at.minor is None:
        after = (at.major + 1, 0, 0)
    elif at.minor or at.patch is None:
        after = (0, at.minor + 1, 0)
    else:
        after = (0, 0, at.patch + 1)
    return _between(at, after, previews)


def _from(at: _Partial, previews: bool) -> list[Bound]:
    if at.major is None:
        return []
    return [_bound(">=", at.least, at.pre or ("0" if previews else ""))]


def _to(at: _Partial, previews: bool) -> list[Bound]:
    if at.major is None:
        return []
    if at.minor is None:
        return [_bound("<", (at.major + 1, 0, 0), "0")]
    if at.patch is None:
        return [_bound("<", (at.major, at.minor + 1, 0), "0")]
    if at.pre:
        return [_bound("<=", at.least, at.pre)]
    if previews:
        return [_bound("<", (at.major, at.minor, at.patch + 1), "0")]
    return [_bound("<=", at.least)]
