"""Ranges of versions: the published cases of node-semver, and what holds for every range."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trains.rules.compatibility import Need, judge, skew, within
from trains.rules.version_ranges import is_range, parse_range
from trains.rules.versions import VersionError, is_version

VECTORS = Path(os.environ.get("RELEASETRAIN_VECTORS", "")) / "08_misc" / "semver"
numbers = st.integers(0, 40)
versions = st.builds(lambda a, b, c: f"{a}.{b}.{c}", numbers, numbers, numbers)


def _cases() -> list[list[Any]]:
    file = VECTORS / "node_semver_range-exclude.json"
    return json.loads(file.read_text()) if os.environ.get("RELEASETRAIN_VECTORS") and file.exists() else []


@pytest.mark.skipif(not _cases(), reason="RELEASETRAIN_VECTORS names no folder with 08_misc/semver")
def test_published_cases_of_what_lies_outside_a_range() -> None:
    judged = 0
    for wanted, version, *options in _cases():
        if not isinstance(version, str) or not is_version(version) or not is_range(wanted):
            continue  # what strict SemVer does not read is refused
        previews = (
            isinstance(options[0], dict) and bool(options[0].get("includePrerelease")) if options else False
        )
        assert not parse_range(wanted, previews=previews).allows(version, previews=previews), (
            wanted,
            version,
        )
        judged += 1
    assert judged > 60


@pytest.mark.parametrize(
    ("wanted", "inside", "outside"),
    [
        ("^1.2.3", "1.9.0", "2.0.0"),
        ("^0.2.3", "0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("~1.2", "1.2.9", "1.3.0"),
        (">=1.4 <3", "2.9.9", "3.0.0"),
        ("1.0.0 - 2.0", "2.0.7", "2.1.0"),
        ("1.x || >=2.5.0", "2.6.0", "2.4.0"),
        ("^2.0.0-rc.1", "2.0.0-rc.2", "2.1.0-rc.1"),
        ("*", "7.0.0", "7.0.0-beta"),
        ("", "0.0.1", "1.0.0-alpha"),
    ],
)
def test_the_grammar(wanted: str, inside: str, outside: str) -> None:
    assert parse_range(wanted).allows(inside)
    assert not parse_range(wanted).allows(outside)


@pytest.mark.parametrize("text", ["latest", ">=", "1.2.3.4", "^^1", "1 - ", "a || b", "x" * 300, "=>1"])
def test_what_is_no_range_is_refused(text: str) -> None:
    assert not is_range(text)
    with pytest.raises(VersionError):
        parse_range(text)


@given(versions, versions)
def test_caret_and_tilde_contain_their_own_version_and_tilde_is_narrower(own: str, other: str) -> None:
    caret, tilde = parse_range(f"^{own}"), parse_range(f"~{own}")
    assert caret.allows(own) and tilde.allows(own)
    if tilde.allows(other) and not own.startswith("0."):
        assert caret.allows(other)


@given(versions, versions, versions)
def test_a_hyphen_range_is_the_order_itself(low: str, high: str, asked: str) -> None:
    def key(text: str) -> list[int]:
        return [int(part) for part in text.split(".")]

    assert parse_range(f"{low} - {high}").allows(asked) == (key(low) <= key(asked) <= key(high))


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    is_range(text)


@given(versions, versions)
def test_skew_is_antisymmetric(one: str, other: str) -> None:
    there, back = skew(one, other), skew(other, one)
    assert there and back
    assert (there.part, there.steps) == (back.part, -back.steps)


def test_skew_and_its_limit() -> None:
    assert str(skew("8.14.0", "8.11.3")) == "3 minor ahead"
    assert str(skew("2.0.0-rc.1", "2.0.0")) == "preview behind"
    assert skew("abc123", "1.0.0") is None
    assert within(skew("8.14.0", "8.11.3"), "minor", 3)  # type: ignore[arg-type]
    assert not within(skew("8.15.0", "8.11.3"), "minor", 3)  # type: ignore[arg-type]
    assert not within(skew("9.0.0", "8.11.3"), "minor", 50)  # type: ignore[arg-type]
    assert within(skew("9.9.0", "8.0.0"), "major", 1)  # type: ignore[arg-type]
    assert within(skew("1.0.0", "8.0.0"), "minor", 0)  # type: ignore[arg-type]


def test_what_cannot_be_compared_is_never_good() -> None:
    need = Need("web", "*", "ledger", "^2")
    assert judge(need, "1.0.0", "2.3.0").verdict == "ok"
    assert judge(need, "1.0.0", "3.0.0").verdict == "violated"
    assert judge(need, "1.0.0", None).verdict == "violated"
    assert judge(need, "1.0.0", "deadbeef").verdict == "unknown"
    assert judge(need, None, "3.0.0").verdict == "idle"
    later = Need("web", ">=5", "ledger", "^2")
    assert judge(later, "4.9.9", "3.0.0").verdict == "idle"
    assert judge(later, "build-7", "2.0.0").verdict == "unknown"
