"""Version numbers: SemVer 2.0 and calendar versions by a declared scheme, validated and ordered by rule.

SemVer is read by the library ``semver``; a calendar scheme is written in the terms of calver.org, such as
``YYYY.0M.MICRO`` or ``YY.MM``, with an optional modifier after a hyphen (``2025.03.1-rc1``).
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache, total_ordering

import semver

SEMVER = "semver"
MAX_LENGTH = 120

_TOKEN = re.compile(r"YYYY|YY|0Y|MM|0M|WW|0W|DD|0D|MAJOR|MINOR|MICRO")
_NUMBER = r"0|[1-9][0-9]{0,8}"
_PATTERNS = {
    "YYYY": r"[1-9][0-9]{3}",
    # Short years count from 2000: 6, 16, 106; with zero: 06, 16, 106.
    "YY": r"[1-9][0-9]{0,2}|0",
    "0Y": r"[0-9]{2}|[1-9][0-9]{2}",
    "MM": r"1[0-2]|[1-9]",
    "0M": r"0[1-9]|1[0-2]",
    "WW": r"5[0-3]|[1-4][0-9]|[1-9]",
    "0W": r"0[1-9]|[1-4][0-9]|5[0-3]",
    "DD": r"3[01]|[12][0-9]|[1-9]",
    "0D": r"0[1-9]|[12][0-9]|3[01]",
    "MAJOR": _NUMBER,
    "MINOR": _NUMBER,
    "MICRO": _NUMBER,
}
# What a part is of a date; parts not named here are counters.
_PART_OF_DATE = {
    "YYYY": "year",
    "YY": "year",
    "0Y": "year",
    "MM": "month",
    "0M": "month",
    "WW": "week",
    "0W": "week",
    "DD": "day",
    "0D": "day",
}
_DATES = (["year"], ["year", "month"], ["year", "week"], ["year", "month", "day"])
_MODIFIER = r"(?:-(?P<modifier>[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*))?"
_PART = re.compile(r"[0-9]+|[A-Za-z]+")

Key = tuple[tuple[int, int, str], ...]


class VersionError(ValueError):
    """The text is no version of its scheme, or the scheme is none."""


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version with its place in the order of its scheme; build metadata has no place in it."""

    text: str
    scheme: str
    key: tuple[Key, bool, Key]

    @property
    def prerelease(self) -> bool:
        """Whether it comes before the release of the same number."""
        return not self.key[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and (self.scheme, self.key) == (other.scheme, other.key)

    def __hash__(self) -> int:
        return hash((self.scheme, self.key))

    def __lt__(self, other: "Version") -> bool:
        if self.scheme != other.scheme:
            raise VersionError(
                f"{self.text} ({self.scheme}) and {other.text} ({other.scheme}) have no order."
            )
        return self.key < other.key

    def __str__(self) -> str:
        return self.text


def parse_version(text: str, scheme: str = SEMVER) -> Version:
    """Read a version of a scheme: ``semver`` or a calendar scheme."""
    if len(text) > MAX_LENGTH:
        raise VersionError(f"A version has at most {MAX_LENGTH} characters.")
    if scheme == SEMVER:
        return _semantic(text)
    return _calendar(text, scheme)


def is_version(text: str, scheme: str = SEMVER) -> bool:
    """Whether the text is a version of the scheme."""
    try:
        parse_version(text, scheme)
    except VersionError:
        return False
    return True


def check_scheme(scheme: str) -> None:
    """Raise VersionError unless the scheme is one."""
    if scheme != SEMVER:
        _scheme(scheme)


def _semantic(text: str) -> Version:
    try:
        version = semver.Version.parse(text)
    except (ValueError, TypeError) as error:
        raise VersionError(
            f"{text!r} is no version by SemVer 2.0 (for example 1.4.0 or 2.0.0-rc.1)."
        ) from error
    if str(version) != text:
        raise VersionError(f"{text!r} has something behind the version.")
    numbers = tuple((0, number, "") for number in (version.major, version.minor, version.patch))
    before = _modifier((version.prerelease or "").split(".")) if version.prerelease else ()
    return Version(text, SEMVER, (numbers, not before, before))


def _calendar(text: str, scheme: str) -> Version:
    parts, pattern = _scheme(scheme)
    found = pattern.fullmatch(text)
    if found is None:
        raise VersionError(f"{text!r} is no version of the scheme {scheme}.")
    values = [int(found[f"t{at}"]) for at in range(len(parts))]
    _check_day(
        text, {_PART_OF_DATE.get(part, part): value for part, value in zip(parts, values, strict=True)}
    )
    before = _modifier(_PART.findall(found["modifier"] or ""))
    return Version(text, scheme, (tuple((0, value, "") for value in values), not before, before))


def _modifier(parts: list[str]) -> Key:
    """Numbers come before words and go by size; words go by their characters."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def _check_day(text: str, values: dict[str, int]) -> None:
    if "day" not in values:
        return
    year = values["year"] if values["year"] >= 1000 else 2000 + values["year"]
    try:
        date(year, values["month"], values["day"])
    except ValueError as error:
        raise VersionError(f"{text!r} names a day that does not exist.") from error


@cache
def _scheme(scheme: str) -> tuple[tuple[str, ...], re.Pattern[str]]:
    parts = tuple(_TOKEN.findall(scheme))
    between = _TOKEN.split(scheme)
    dates = [_PART_OF_DATE[part] for part in parts if part in _PART_OF_DATE]
    fits = (
        parts[: len(dates)] == tuple(part for part in parts if part in _PART_OF_DATE)
        and dates in _DATES
        and len(set(parts)) == len(parts)
        and between[0] == between[-1] == ""
        and all(separator in (".", "-", "_") for separator in between[1:-1])
    )
    if not fits:
        raise VersionError(
            f"{scheme!r} is no calendar scheme: a date from the year down, then counters (YYYY.0M.MICRO)."
        )
    pattern = ""
    for at, part in enumerate(parts):
        pattern += ("" if at == 0 else re.escape(between[at])) + f"(?P<t{at}>{_PATTERNS[part]})"
    return parts, re.compile(pattern + _MODIFIER, re.ASCII)
