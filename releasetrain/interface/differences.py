"""Differences between two values, for the page: field by field for mappings, line by line for texts."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """One field: its dotted path, the old and the new value as text, None where absent."""

    path: str
    old: str | None
    new: str | None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)


def _flat(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        where = f"{path}.{name}" if path else str(name)
        if isinstance(inner, Mapping) and inner:
            flat.update(_flat(inner, where))
        else:
            flat[where] = inner
    return flat


def _is_pairs(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        (isinstance(pair, (list, tuple)) and len(pair) == 2)
        or (isinstance(pair, Mapping) and set(pair) <= {"before", "after"} and pair)
        for pair in value.values()
    )


def between(before: Any, after: Any = None) -> list[Change]:
    """What differs between two mappings.

    With one argument, a mapping of field to (old, new) or {before, after}.
    """
    if after is None and isinstance(before, Mapping) and before and _is_pairs(before):
        pairs = {
            name: (pair.get("before"), pair.get("after")) if isinstance(pair, Mapping) else tuple(pair)
            for name, pair in before.items()
        }
        return [Change(name, _text(old), _text(new)) for name, (old, new) in pairs.items() if old != new]
    old, new = _flat(before or {}), _flat(after or {})
    return [
        Change(path, _text(old.get(path)), _text(new.get(path)))
        for path in [*old, *(p for p in new if p not in old)]
        if old.get(path) != new.get(path)
    ]


def lines(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Each line of the merged text as ("", line), ("del", line) or ("ins", line)."""
    a, b = before.splitlines(), after.splitlines()
    for op, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op == "equal":
            yield from (("", line) for line in a[a0:a1])
        else:
            yield from (("del", line) for line in a[a0:a1])
            yield from (("ins", line) for line in b[b0:b1])
