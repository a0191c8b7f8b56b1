"""Composed sentences: f-strings as messages with named places, found again in the text that they made.

Python makes sentences of the facts of a case: `f"{change} waits for {len(votes)} votes."`. Extraction reads such an
f-string as the message ``{change} waits for {votes_count} votes.``; a catalogue translates it like any other. When a page
draws the text that the f-string made, `Templates` finds which message it came from and what stands at its places.
Nothing is known of Django or of languages here.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_MOST_FORMS = 4
_FEW = 4
_LONGEST = 2000  # characters of a text that is still looked at


# -- from the source --


def messages_of(node: ast.JoinedStr) -> list[str]:
    """The messages of an f-string: several where it chooses between fixed words, such as a singular and a plural."""
    choices: dict[str, tuple[str, str]] = {}
    for part in node.values:
        if isinstance(part, ast.FormattedValue) and (fixed := _fixed(part.value)):
            choices.setdefault(ast.dump(part.value.test), fixed)  # type: ignore[attr-defined]
    # The same condition twice chooses the same way twice.
    forms = islice(product(*[(0, 1)] * len(choices)), _MOST_FORMS)
    return [_form(node, dict(zip(choices, form, strict=True))) for form in forms]


def _form(node: ast.JoinedStr, chosen: Mapping[str, int]) -> str:
    text, used = "", Counter[str]()
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            fixed = _fixed(part.value)
            if fixed is not None:
                text += fixed[chosen[ast.dump(part.value.test)]]  # type: ignore[attr-defined]
                continue
            name = _name(part.value)[:40].strip("_") or "value"
            used[name] += 1
            text += f"{{{name}{used[name] if used[name] > 1 else ''}}}"
    return text


def _fixed(value: ast.expr) -> tuple[str, str] | None:
    """The two fixed texts that an expression chooses between, if it does just that."""
    if not isinstance(value, ast.IfExp):
        return None
    fixed = [v.value for v in (value.body, value.orelse) if isinstance(v, ast.Constant)]
    ends = [end for end in fixed if isinstance(end, str)]
    return (ends[0], ends[1]) if len(ends) == 2 else None


def _name(value: ast.expr) -> str:
    """What a place is called: after what stands in it."""
    if isinstance(value, ast.Name):
        return value.id.strip("_").lower()
    if isinstance(value, ast.Attribute):
        before = "" if isinstance(value.value, ast.Name) and value.value.id == "self" else _name(value.value)
        return f"{before.rpartition('_')[2]}_{value.attr.strip('_')}".strip("_").lower()
    if isinstance(value, ast.Call):
        return _name_of_call(value)
    for kind, inner in _INSIDE.items():
        if isinstance(value, kind):
            return _name(inner(value))
    return "value"


_INSIDE: dict[type[ast.expr], Callable[[Any], ast.expr]] = {
    ast.Subscript: lambda value: value.value,
    ast.Starred: lambda value: value.value,
    ast.BoolOp: lambda value: value.values[0],
    ast.BinOp: lambda value: value.left,
    ast.IfExp: lambda value: value.body,
    ast.GeneratorExp: lambda value: value.elt,
    ast.ListComp: lambda value: value.elt,
    ast.SetComp: lambda value: value.elt,
}


def _name_of_call(value: ast.Call) -> str:
    called = getattr(value.func, "id", getattr(value.func, "attr", ""))
    if called == "len" and value.args:
        return f"{_name(value.args[0])}_count"
    if called.startswith("get_") and called.endswith("_display"):
        return str(called[4:-8])
    if isinstance(value.func, ast.Attribute) and not value.args:
        return _name(value.func.value)
    return _name(value.args[0]) if value.args else str(called).strip("_").lower()


# -- found again --


@dataclass(frozen=True)
class Template:
    """A message with places, and how a text looks that it made."""

    message: str
    shape: re.Pattern[str]
    names: tuple[str, ...]
    letters: int


@dataclass(frozen=True)
class Fit:
    """Which message a text came from, and what stands at its places."""

    message: str
    parts: dict[str, str]
    # So few words of its own that anybody's sentence may look like it.
    weak: bool = False


class Templates:
    """The messages with places of a catalogue, each under its rarest word: a text asks few of them."""

    def __init__(self, messages: Iterable[str]):
        templates = [made for message in set(messages) if (made := _template(message))]
        words = {each.message: set(_WORD.findall(PLACE.sub(" ", each.message))) for each in templates}
        spread = Counter(word for own in words.values() for word in own)
        self._under: dict[str, list[Template]] = defaultdict(list)
        for each in sorted(templates, key=lambda t: (-t.letters, t.message)):
            rarest = min(words[each.message], key=lambda word: (spread[word], -len(word), word))
            self._under[rarest].append(each)

    def asked(self, text: str) -> list[Template]:
        """The messages that may have made the text, those with the most words of their own first."""
        found = [each for word in set(_WORD.findall(text)) for each in self._under.get(word, ())]
        return sorted(found, key=lambda t: (-t.letters, t.message))

    def fits(self, text: str) -> Iterator[Fit]:
        if len(text) > _LONGEST:
            return
        for each in self.asked(text):
            match = each.shape.fullmatch(text)
            if match:
                yield Fit(
                    each.message, dict(zip(each.names, match.groups(), strict=True)), each.letters < _FEW
                )


def is_template(message: str) -> bool:
    """Whether a message has places, and words enough of its own to be found again."""
    return _template(message) is not None


def _template(message: str) -> Template | None:
    if not PLACE.search(message):
        return None
    pieces = PLACE.split(message)
    bare = "".join(pieces[::2])
    letters = sum(map(str.isalpha, bare))
    if letters < 2 or not _WORD.search(bare):
        return None
    shape = "".join("(.+?)" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))
    return Template(message, re.compile(shape, re.DOTALL), tuple(pieces[1::2]), letters)


def filled(template: str, parts: Mapping[str, str]) -> str:
    """A translated template with its parts; what it has no part for stays as it is written."""
    return PLACE.sub(lambda place: parts.get(place[1], place[0]), template)
