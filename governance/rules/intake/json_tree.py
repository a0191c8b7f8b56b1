"""JSON to values, safely: one encoding, no NaN, no doubled keys, bounded depth."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from .errors import ReportError

MAX_DEPTH = 100
# Half of a character beyond the basic plane, written as an escape; whole pairs are fine.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(data: bytes) -> Any:
    """The value of a document."""
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise ReportError("encoding", "The report is not in the Unicode encoding it begins with.") from error
    try:
        value = json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise ReportError("not_json", f"The report is no JSON: {error.msg}.", error.lineno) from error
    except ValueError as error:
        raise ReportError("not_a_number", "The report has a number with too many digits.") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check_depth(value)
    if _SURROGATE.search(text):
        _check_text(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        doubled = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ReportError("duplicate_key", f"An object of the report has the key {doubled[:80]!r} twice.")
    return out


def _refuse(text: str) -> NoReturn:
    raise ReportError("not_a_number", f"The report has {text} where a number belongs.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ReportError("not_a_number", "The report has a number beyond all bounds.")
    return number


def _check_depth(value: Any) -> None:
    row, depth = [value] if isinstance(value, dict | list) else [], 0
    while row:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        row = [part for item in row for part in _inside(item) if isinstance(part, dict | list)]


def _inside(item: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return item.values() if isinstance(item, dict) else item


def _check_text(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ReportError("encoding", "A text of the report has half a character.") from error


def _too_deep() -> ReportError:
    return ReportError("too_deep", f"The report is nested more than {MAX_DEPTH} levels deep.")
