"""Canonical JSON: one byte form, and nothing that has none."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.audit.verifier import verify as alone
from releasetrain.kernel.canonical import NotCanonical, canonical, digest


class Colour(StrEnum):
    RED = "red"


def test_values_json_does_not_know_are_written_in_its_terms() -> None:
    value = {
        "b": UUID(int=1),
        "a": datetime(2025, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))),
        "d": date(2025, 3, 1),
        "e": (Decimal("1.50"), Decimal("-0.0"), Decimal("1E+2"), Colour.RED),
    }
    assert canonical(value) == (
        b'{"a":"2025-03-01T10:00:00Z","b":"00000000-0000-0000-0000-000000000001",'
        b'"d":"2025-03-01","e":["1.5","0","100","red"]}'
    )


def test_microseconds_are_kept() -> None:
    assert canonical(datetime(2025, 3, 1, 0, 0, 0, 5, UTC)) == b'"2025-03-01T00:00:00.000005Z"'


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**53,
        Decimal("NaN"),
        {1: 2},
        {"a", "b"},
        b"x",
        "\ud800",
        datetime(2025, 1, 1),
        object(),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical({"value": value})


def test_two_keys_written_alike_are_refused() -> None:
    with pytest.raises(NotCanonical, match="alike"):
        canonical({UUID(int=1): 1, str(UUID(int=1)): 2})


def test_a_digest_names_its_algorithm() -> None:
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(json_values)
def test_writing_is_stable_and_the_verifier_writes_the_same(value: object) -> None:
    text = canonical(value)
    assert alone.canonical(value) == text
    assert alone.canonical(json.loads(text)) == text


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_the_fast_writer_writes_what_the_standard_says(value: object) -> None:
    try:
        expected: bytes | None = rfc8785.dumps(value)  # type: ignore[arg-type]
    except rfc8785.CanonicalizationError:
        expected = None
    try:
        written: bytes | None = canonical(value)
    except NotCanonical:
        written = None
    assert written == expected
