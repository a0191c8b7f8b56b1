"""SemVer patch tags of fixes: the next patch of what is in production, and the problems it names."""

from __future__ import annotations

import re
from collections.abc import Iterable

import semver

_PLAIN = re.compile(r"[^0-9A-Za-z-]+")


def core(version: str) -> semver.Version | None:
    """The version if it is one by SemVer 2.0, with or without a leading v; else None."""
    try:
        return semver.Version.parse(version.strip().removeprefix("v"))
    except (ValueError, TypeError):
        return None


def tag(version: str, problems: Iterable[str]) -> str:
    """The name of the tag: the version with the problems as build metadata, which has no place in the order."""
    named = ".".join(_PLAIN.sub("-", key) for key in sorted(problems, key=_order))
    found = core(version)
    text = str(found.replace(build=None)) if found else version
    return f"v{text}+{named}" if named else f"v{text}"


def _order(key: str) -> tuple[str, int]:
    word, _, number = key.rpartition("-")
    return (word, int(number)) if number.isdecimal() else (key, 0)


def message(problems: Iterable[tuple[str, str]]) -> str:
    """What an annotated tag says: one problem a line."""
    return "\n".join(f"Fixes {key}: {title}" for key, title in problems)


def fault(version: str, before: Iterable[str]) -> str | None:
    """Why the version is no patch of one that is out, or None. Without any earlier version there is nothing to patch."""
    found = core(version)
    if found is None:
        return f"{version} is no version by SemVer 2.0."
    if found.prerelease:
        return f"{version} is a pre-release; a fix goes out under a patch version."
    earlier = [v for v in map(core, before) if v is not None and not v.prerelease and v < found]
    if not earlier:
        return f"No earlier release is on record that {version} could be a patch of."
    last = max(earlier)
    if (last.major, last.minor) == (found.major, found.minor) and found.patch > last.patch:
        return None
    return f"{version} is no patch of {last}; the next patch is {last.bump_patch()}."
