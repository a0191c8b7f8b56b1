"""What was asked for, marked in what was found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from .words import plain

_AROUND = 60


def marked(text: str, terms: Sequence[str]) -> SafeString:
    """The text, escaped, with every beginning of a word that was asked for marked."""
    parts: list[str] = []
    at = 0
    for start, end in _places(text, terms):
        parts += [
            conditional_escape(text[at:start]),
            "<mark>",
            conditional_escape(text[start:end]),
            "</mark>",
        ]
        at = end
    parts.append(conditional_escape(text[at:]))
    return mark_safe("".join(parts))  # noqa: S308 - every part of the text was escaped above


def excerpt(texts: Iterable[str], terms: Sequence[str]) -> str:
    """The words around the first find in texts of which none stands in the heading; empty without a find."""
    for text in texts:
        found = _places(text, terms)
        if found:
            start, end = found[0][0] - _AROUND, found[0][1] + 2 * _AROUND
            middle = " ".join(text[max(0, start) : end].split())
            return ("… " if start > 0 else "") + middle + (" …" if end < len(text) else "")
    return ""


def _places(text: str, terms: Sequence[str]) -> list[tuple[int, int]]:
    if not terms:
        return []
    longest_first = sorted(terms, key=len, reverse=True)
    beginning = r"(?:(?<![^\W_])|(?<=[a-z0-9])(?=[A-Z]))"
    folded = plain(text)
    pattern = re.compile("|".join(re.escape(term) for term in longest_first))
    starts = {match.start() for match in re.finditer(beginning, text)}
    return [match.span() for match in pattern.finditer(folded) if match.start() in starts]
