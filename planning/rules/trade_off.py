"""Options of a trade-off: read from plain values, and laid out by criteria."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_OPTIONS = 8
MOST_CRITERIA = 8
# What every option says: how far it serves the one and the other.
ALWAYS = ("stability", "velocity")


class BadOptions(ValueError):
    """Options that cannot be decided between; `field` is the input to change."""

    def __init__(self, sentence: str, field: str = "options"):
        self.field = field
        super().__init__(sentence)


def read(options: Sequence[Any], criteria: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Options and criteria as they are kept."""
    names = [name.strip() for name in criteria if name.strip()]
    if len(names) > MOST_CRITERIA:
        raise BadOptions(f"At most {MOST_CRITERIA} criteria.", "criteria")
    folded = [name.casefold() for name in names]
    for name in names:
        if folded.count(name.casefold()) > 1 or name.casefold() in ALWAYS:
            raise BadOptions(f"The criterion {name[:60]} stands there already.", "criteria")
        if len(name) > 80:
            raise BadOptions("A criterion has at most 80 characters.", "criteria")
    if not 2 <= len(options) <= MOST_OPTIONS:
        raise BadOptions(f"A trade-off has 2 to {MOST_OPTIONS} options, not {len(options)}.")
    found: list[dict[str, Any]] = []
    for place, option in enumerate(options, 1):
        read_one = _one(place, option, names)
        if read_one["name"] in {each["name"] for each in found}:
            raise BadOptions(f"The option {read_one['name']} stands there twice.")
        found.append(read_one)
    return found, names


def _one(place: int, option: Any, criteria: list[str]) -> dict[str, Any]:
    if not isinstance(option, dict) or not isinstance(option.get("name"), str) or not option["name"].strip():
        raise BadOptions(f"Option {place} needs a name.")
    name = option["name"].strip()
    if len(name) > 120:
        raise BadOptions(f"Option {place}: the name has at most 120 characters.")
    unknown = sorted(set(option) - {"name", "note", "scores", *ALWAYS})
    if unknown:
        raise BadOptions(f"{name}: there is no property {str(unknown[0])[:40]}.")
    note, scores = option.get("note", ""), option.get("scores", {})
    if not isinstance(note, str) or len(note) > 2000:
        raise BadOptions(f"{name}: the note is a text of at most 2 000 characters.")
    if not isinstance(scores, dict):
        raise BadOptions(f"{name}: the scores are an object of criteria.")
    foreign = sorted(set(map(str, scores)) - set(criteria))
    if foreign:
        raise BadOptions(f"{name}: {foreign[0][:60]} is no criterion of this trade-off.")
    kept = {word: _grade(name, word, option.get(word)) for word in ALWAYS}
    graded = {each: _grade(name, each, scores.get(each)) for each in criteria}
    return {"name": name, "note": note.strip(), **kept, "scores": graded}


def _grade(option: str, criterion: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= 5:
        raise BadOptions(f"{option}: give {criterion} 1 (weak) to 5 (strong).")
    return given
