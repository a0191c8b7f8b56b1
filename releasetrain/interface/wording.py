"""What Python says (labels, helps, choices, verbs, sentences) in the language of the page.

Declarations stay plain English: the API, the schema, the ledger and files read them as they are. Pages translate them
where they draw them, with our own catalogue alone: the libraries' catalogues know some of the words in other senses.
A sentence made of the facts of a case is found again by the message it was made of (`composing`).
"""

from __future__ import annotations

import gettext as catalogues
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, to_locale

from releasetrain.kernel import locales

from . import composing, formats

_END = re.compile(r"(?<=[a-z0-9)”\"’][.!?:;]) +(?=[A-Z“\"‘0-9])")
_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2} [A-Z][a-z]{2,8} \d{4}")
# Where a chart puts texts together: after a comma or colon, and on both sides of a number.
_PIECES = re.compile(r"(, |: | · | (?=[−+\d])|(?<=[\d%]) |(?<= )[\d.\u202f−]+(?= |\Z))")
_SHORT_DAY = re.compile(r"\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)")
_NUMBER = re.compile(r"[−\d\u202f]+\.\d+")
_TIME = re.compile(r"(.+?),? (?:at )?(\d\d:\d\d)( UTC)?")
# Places that hold a word of ours; elsewhere a single word with a capital is somebody's name for something.
_WORDS = {"state", "status", "kind", "role", "word", "what", "unit", "severity", "level", "verdict", "label", "outcome",
          "category", "impact", "risk", "type", "display", "phase", "stage", "mode", "method", "reason", "roles"}  # fmt: skip


def said(text: Any) -> str:
    """The text in the language of the page; as Python says it where nobody has translated it."""
    plain = str(text or "")
    if not plain:
        return ""
    words = _catalogue(get_language() or settings.LANGUAGE_CODE)
    found = words.gettext(plain)
    if found != plain or not words.composes:
        return found
    return _composed(words, str(locales.current()), plain)


def told(text: Any) -> str:
    """What a chart writes: a text of ours, or one put together of names, words of ours and numbers."""
    plain = str(text or "")
    found = said(plain)
    if found != plain or not _catalogue(get_language() or settings.LANGUAGE_CODE).composes:
        return found
    end = "." if plain.endswith(".") else ""
    found = "; ".join(_pieces(each) for each in plain.removesuffix(".").split("; "))
    return found + end


def _pieces(text: str) -> str:
    found = said(text)
    if found != text:
        return found
    if _SHORT_DAY.fullmatch(text):
        return formats.short_day(datetime.strptime(f"{text} 2024", "%d %b %Y").date())
    pieces = _PIECES.split(text)
    return "".join(
        _pieces(each) if len(pieces) > 1 and each[:1].isalnum() else _number(each) for each in pieces
    )


def _number(piece: str) -> str:
    return piece.replace(".", locales.decimal_mark()) if _NUMBER.fullmatch(piece) else piece


class Words:
    """A catalogue of one language, with its messages that have places."""

    def __init__(self, told: Mapping[str, str]):
        self.told = told
        self.templates = composing.Templates(told)
        self.composes = bool(told)

    def gettext(self, message: str) -> str:
        return self.told.get(message) or message


@lru_cache(maxsize=8)
def _catalogue(language: str) -> Words:
    found = catalogues.translation(
        "django", settings.LOCALE_PATHS[0], languages=[to_locale(language)], fallback=True
    )
    told = getattr(found, "_catalog", {})
    return Words({key: text for key, text in told.items() if isinstance(key, str) and key and text})


@lru_cache(maxsize=16_384)
def _composed(words: Words, choice: str, text: str) -> str:
    """A text that is no message as it stands: made of one, or of several sentences. The choice is part of what is known."""
    fits = [
        fit for fit in words.templates.fits(text) if not fit.weak or _ends_in_our_words(words, choice, fit)
    ]
    whole = next((fit for fit in fits if not any(_END.search(part) for part in fit.parts.values())), None)
    if whole is None and _END.search(text):
        sentences = _END.split(text)
        told = [_known(words, choice, each) for each in sentences]
        if told != sentences:
            return " ".join(told)
    whole = whole or next(iter(fits), None)
    if whole is None:
        return text
    parts = {name: _part(words, choice, name, part) for name, part in whole.parts.items()}
    return composing.filled(words.gettext(whole.message), parts)


def _ends_in_our_words(words: Words, choice: str, fit: composing.Fit) -> bool:
    """Whether what stands last is a word of ours, as in "REL-1 is frozen." but not in "The dam is full."."""
    last = [*fit.parts.values()][-1]
    return _known(words, choice, last) != last


def _known(words: Words, choice: str, text: str) -> str:
    found = words.gettext(text)
    return found if found != text else _composed(words, choice, text)


def _part(words: Words, choice: str, name: str, text: str) -> str:
    """What stands at a place: a day by region, a sentence or a word of ours translated, anything else as it is."""
    moment = _moment(text)
    if moment:
        return moment
    listed = text.split(", ")
    if len(listed) > 1:
        told = [_known(words, choice, each) for each in listed]
        if all(one != other for one, other in zip(told, listed, strict=True)):
            return ", ".join(told)
    if " " in text or text[:1].islower() or name.rstrip("0123456789").rpartition("_")[2] in _WORDS:
        return _known(words, choice, text)
    return text


def _moment(text: str) -> str:
    """A day or moment that Python wrote in English, as the region writes it; empty for anything else."""
    timed = _TIME.fullmatch(text)
    day = _day(timed[1] if timed else text)
    if day is None:
        return ""
    written = formats.full_day(day)
    if timed is None:
        return written
    return f"{written} {formats.clock(datetime.strptime(timed[2], '%H:%M'))}{timed[3] or ''}"


def _day(text: str) -> date | None:
    if not _DAY.fullmatch(text):
        return None
    for form in ("%Y-%m-%d", "%d %b %Y", "%d %B %Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None
