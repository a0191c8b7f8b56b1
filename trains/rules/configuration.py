"""What differs between how items should be and how they are, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_ATTRIBUTES, LONGEST_NAME, LONGEST_VALUE = 200, 120, 2_000


def attributes_fault(attributes: Any) -> str:
    """Why these cannot be the attributes of an item; empty when they can."""
    if not isinstance(attributes, dict):
        return "Attributes are an object of names and values."
    if len(attributes) > MOST_ATTRIBUTES:
        return f"An item has at most {MOST_ATTRIBUTES} attributes; there are {len(attributes)}."
    for name, value in attributes.items():
        if not name.strip() or len(name) > LONGEST_NAME or "\0" in name:
            return f"An attribute's name has 1 to {LONGEST_NAME} characters; {name[:40]!r} has not."
        fault = _value_fault(value)
        if fault:
            return f"{name}: {fault}"
    return ""


def _value_fault(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float):
        return ""
    if isinstance(value, str):
        return (
            "" if len(value) <= LONGEST_VALUE and "\0" not in value else "this text is too long or holds NUL."
        )
    if isinstance(value, list):
        if len(value) > MOST_ATTRIBUTES or any(isinstance(each, list | dict) for each in value):
            return f"a list holds at most {MOST_ATTRIBUTES} plain values."
        return next((fault for each in value if (fault := _value_fault(each))), "")
    return "a value is a text, a number, yes or no, or a list of those."


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One attribute that is not as it should be; `missing` says on which side it is absent."""

    field: str
    expected: Any
    found: Any
    missing: str = ""

    @property
    def sentence(self) -> str:
        if self.missing == "found":
            return f"{self.field} should be {words(self.expected)}; it was not seen."
        if self.missing == "expected":
            return f"{self.field} is {words(self.found)}; nothing says what it should be."
        return f"{self.field} should be {words(self.expected)}, is {words(self.found)}."


def words(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return ", ".join(words(each) for each in value) or "nothing"
    return str(value)


def compare(
    expected: Mapping[str, Any], found: Mapping[str, Any], *, strict: bool = False
) -> list[FieldDifference]:
    """Attributes that differ, by name. What nobody expects counts only when `strict`; 1 and 1.0 are the same, 1 and true are not."""
    differences = []
    for name in sorted(expected):
        if name not in found:
            differences.append(FieldDifference(name, expected[name], None, "found"))
        elif not same(expected[name], found[name]):
            differences.append(FieldDifference(name, expected[name], found[name]))
    if strict:
        differences += [
            FieldDifference(name, None, found[name], "expected")
            for name in sorted(set(found) - set(expected))
        ]
    return differences


def same(one: Any, other: Any) -> bool:
    """Equal in value and in kind of value."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
