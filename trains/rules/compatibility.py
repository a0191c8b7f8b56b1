"""Do these versions go together? Requirements between services, and how far environments are apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .version_ranges import parse_range
from .versions import Version, VersionError, parse_version

OK, VIOLATED, UNKNOWN, IDLE = "ok", "violated", "unknown", "idle"


@dataclass(frozen=True)
class Need:
    """Versions of a service (a range) need versions of another (a range); names are for sentences."""

    service: str
    versions: str
    requires: str
    range: str


@dataclass(frozen=True)
class Judgement:
    """ok, violated, unknown (nothing comparable runs) or idle (the rule does not apply), and why."""

    verdict: str
    sentence: str

    @property
    def blocks(self) -> bool:
        return self.verdict in (VIOLATED, UNKNOWN)


def judge(need: Need, running: str | None, required: str | None) -> Judgement:
    """What the need says of the version of its service and of the required service; None: it does not run there."""
    if running is None:
        return Judgement(IDLE, f"{need.service} does not run here.")
    version = _read(running)
    if need.versions.strip() not in ("", "*"):
        if version is None:
            return Judgement(
                UNKNOWN, f"{need.service} {running} is no SemVer version; {need.versions} cannot be compared."
            )
        if not parse_range(need.versions).allows(version):
            return Judgement(IDLE, f"{need.service} {running} needs no particular {need.requires}.")
    if required is None:
        return Judgement(
            VIOLATED, f"{need.service} {running} needs {need.requires} {need.range}, which does not run here."
        )
    other = _read(required)
    if other is None:
        return Judgement(
            UNKNOWN,
            f"{need.service} {running} needs {need.requires} {need.range}; {required} is no SemVer version to compare.",
        )
    if parse_range(need.range).allows(other):
        return Judgement(OK, f"{need.service} {running} has {need.requires} {required} ({need.range}).")
    return Judgement(
        VIOLATED, f"{need.service} {running} needs {need.requires} {need.range}, but {required} runs here."
    )


@dataclass(frozen=True)
class Skew:
    """How far one version is ahead of another: in the first number that differs."""

    part: str
    steps: int

    def __str__(self) -> str:
        if not self.part:
            return "same"
        side = "ahead" if self.steps > 0 else "behind"
        if self.part == "preview":
            return f"preview {side}"
        return f"{abs(self.steps)} {self.part} {side}"


_PARTS = ("major", "minor", "patch")


def skew(version: str, other: str) -> Skew | None:
    """How far `version` is ahead of `other` (negative: behind); None when they cannot be compared."""
    mine, theirs = _read(version), _read(other)
    if mine is None or theirs is None:
        return Skew("", 0) if version == other else None
    for part, own, their in zip(_PARTS, _numbers(mine), _numbers(theirs), strict=True):
        if own != their:
            return Skew(part, own - their)
    if mine == theirs:
        return Skew("", 0)
    return Skew("preview", 1 if mine > theirs else -1)


def within(found: Skew, part: str, at_most: int) -> bool:
    """Whether a skew stays within a limit counted in major or minor versions. Being behind is no excess."""
    if found.steps <= 0 or found.part not in ("major", "minor"):
        return True
    if found.part == "major":
        # A whole major version ahead is beyond any number of minor ones.
        return part == "major" and found.steps <= at_most
    return part == "major" or found.steps <= at_most


def overlay(running: Mapping[str, str], planned: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What will run once the planned versions have arrived."""
    return {**running, **dict(planned)}


def _read(text: str) -> Version | None:
    try:
        return parse_version(text.removeprefix("v"))
    except VersionError:
        return None


def _numbers(version: Version) -> tuple[int, ...]:
    return tuple(number for _, number, _ in version.key[0])
