"""Version numbers: validity and order by the rules of their scheme."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trains.rules.versions import VersionError, check_scheme, is_version, parse_version


def test_the_order_of_the_specification() -> None:
    before = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
    texts = [*(f"1.0.0-{part}" for part in before), "1.0.0", "1.0.1", "1.10.0"]
    versions = [parse_version(text) for text in texts]
    assert all(one < other for one, other in itertools.combinations(versions, 2))
    assert versions[0].prerelease
    assert not versions[-1].prerelease


def test_build_metadata_has_no_place_in_the_order() -> None:
    assert parse_version("1.0.0+a") == parse_version("1.0.0+b")
    assert len({parse_version("1.0.0+a"), parse_version("1.0.0+b")}) == 1


@pytest.mark.parametrize(
    ("scheme", "ascending"),
    [
        (
            "YYYY.0M.MICRO",
            ["2024.12.3", "2025.01.0", "2025.02.9", "2025.02.10-rc.2", "2025.02.10-rc.10", "2025.02.10"],
        ),
        ("YY.MM", ["6.4", "24.10", "25.4", "106.1"]),
        ("YYYY.0M.0D-MICRO", ["2024.02.29-1", "2024.02.29-2", "2024.10.01-0"]),
        ("YYYY-0W", ["2025-09", "2025-10", "2026-01"]),
        ("0Y.0M", ["06.04", "24.10", "106.01"]),
    ],
)
def test_calendar_versions_are_ordered_by_their_numbers(scheme: str, ascending: list[str]) -> None:
    versions = [parse_version(text, scheme) for text in reversed(ascending)]
    assert [str(version) for version in sorted(versions)] == ascending


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("2025.13.0", "YYYY.0M.MICRO"),
        ("2025.3.0", "YYYY.0M.MICRO"),
        ("2025.03", "YYYY.0M.MICRO"),
        ("2025.03.01.", "YYYY.0M.0D"),
        ("2025.02.30", "YYYY.0M.0D"),
        ("2025.02.01\n", "YYYY.0M.0D"),
        ("٢٠٢٥.٠٢", "YYYY.0M"),
        ("1.2.3\n", "semver"),
        ("v1.2.3", "semver"),
        ("1.2", "semver"),
        ("1.2.3-" + "a" * 200, "semver"),
    ],
)
def test_what_is_no_version_is_refused(text: str, scheme: str) -> None:
    assert not is_version(text, scheme)


@pytest.mark.parametrize(
    "scheme", ["", "MICRO", "MM.YYYY", "YYYY.YY", "YYYY.DD", "YYYYxMM", "YYYY.MM.", "YYYY.MICRO.MM", "v1"]
)
def test_what_is_no_scheme_is_refused(scheme: str) -> None:
    with pytest.raises(VersionError, match="no calendar scheme"):
        check_scheme(scheme)


def test_versions_of_different_schemes_have_no_order() -> None:
    with pytest.raises(VersionError, match="no order"):
        assert parse_version("1.2.3") < parse_version("2025.03.1", "YYYY.0M.MICRO")


@given(st.text(max_size=30))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    for scheme in ("semver", "YYYY.0M.MICRO", text):
        if is_version(text, scheme):
            assert str(parse_version(text, scheme)) == text
