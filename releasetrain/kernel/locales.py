"""Languages and region formats: which there are, which is meant, and how days, times and numbers look in it.

Texts come from gettext; the shapes of dates, times and numbers from the Unicode CLDR (Babel). What machines read
(API, files, ledger, evidence, attributes of a page) never passes through here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

# The languages of the texts: how each calls itself, Django's code of its catalogue, and its formats when no region is chosen.
LANGUAGES = {"en": ("English", "en-gb", "GB"), "de": ("Deutsch", "de", "DE")}


@dataclass(frozen=True)
class Choice:
    """A language and a region; as a language tag (BCP 47) it reads ``de-CH``."""

    language: str
    region: str

    def __str__(self) -> str:
        return f"{self.language}-{self.region}"

    @property
    def catalogue(self) -> str:
        """Django's code of the language, which is also what `<html lang>` says."""
        return LANGUAGES[self.language][1]


HOUSE = Choice("en", "GB")
_NO_COUNTRY = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
_BARE = re.compile(r"[dMy .,/-]+")
_current: ContextVar[Choice] = ContextVar("locale", default=HOUSE)


def current() -> Choice:
    """What the answer under way is written in."""
    return _current.get()


@contextmanager
def written_in(choice: Choice) -> Iterator[None]:
    """Texts and formats of this choice, until the block ends."""
    token = _current.set(choice)
    try:
        with translation.override(choice.catalogue):
            yield
    finally:
        _current.reset(token)


def meant(*wishes: tuple[str, str], accepts: str = "") -> Choice:
    """The first language somebody asked for, with the first region asked for by whoever asked for that language or none.

    `wishes` are (language, region) in order of weight, e.g. the person's and the organization's; `accepts` is the
    browser's header.
    """
    asked = [*wishes, *_accepted(accepts)]
    language = next((wish for wish, _ in asked if wish in LANGUAGES), HOUSE.language)
    region = next((region for wish, region in asked if region and wish in ("", language)), "")
    return Choice(language, region or LANGUAGES[language][2])


def _accepted(header: str) -> Iterable[tuple[str, str]]:
    for tag, _ in parse_accept_lang_header(header):
        language, region = split(tag)
        if language in LANGUAGES:
            yield language, region


def split(tag: str) -> tuple[str, str]:
    """Language and region of a tag such as de-CH, de_CH or zh-Hant-TW; what is not known here is empty."""
    first, *rest = tag.replace("_", "-").split("-")
    region = next((part.upper() for part in rest if len(part) == 2), "")
    return first.lower() if first.lower() in LANGUAGES else "", region if region in _territories() else ""


def languages() -> list[tuple[str, str]]:
    """The languages to choose from, each by its own name."""
    return [(code, name) for code, (name, _, _) in LANGUAGES.items()]


def regions() -> list[tuple[str, str]]:
    """The regions to choose from, named in the language of the page."""
    return list(_named_regions(current().language))


@lru_cache(maxsize=8)
def _named_regions(language: str) -> tuple[tuple[str, str], ...]:
    names = Locale.parse(language).territories
    return tuple(sorted(((code, names[code]) for code in _territories()), key=lambda pair: pair[1]))


@lru_cache(maxsize=1)
def _territories() -> frozenset[str]:
    """Countries by their two letters (ISO 3166), as far as they have a name in every language here."""
    named = [set(Locale.parse(language).territories) for language in LANGUAGES]
    return frozenset(code for code in set.intersection(*named) if len(code) == 2 and code not in _NO_COUNTRY)


@lru_cache(maxsize=256)
def _words(choice: Choice) -> Locale:
    """Whose names of months and days are written."""
    try:
        return Locale(choice.language, choice.region)
    except UnknownLocaleError:
        return Locale.parse(choice.language)


@lru_cache(maxsize=256)
def _shapes(choice: Choice) -> Locale:
    """Whose order and marks are written: in the United States a German text too has the month before the day.

    Shapes that bring words of their own language (2026年11月21日) do not go with words of another.
    """
    try:
        return Locale(choice.language, choice.region)
    except UnknownLocaleError:
        try:
            found = Locale.parse(f"und_{choice.region}", resolve_likely_subtags=True)
        except UnknownLocaleError:
            return Locale.parse(choice.language)
        plain = all(_BARE.fullmatch(found.datetime_skeletons[each].pattern) for each in ("MMMd", "yMMMd"))
        return found if plain else Locale.parse(choice.language)


@lru_cache(maxsize=8192)
def _day(choice: Choice, value: date, skeleton: str) -> str:
    return str(_shapes(choice).datetime_skeletons[skeleton].apply(value, _words(choice)))


@lru_cache(maxsize=4096)
def _weekday(choice: Choice, number: int, width: str) -> str:
    return str(_words(choice).days["stand-alone"][width][number])


@lru_cache(maxsize=4096)
def _clock(choice: Choice, hour: int, minute: int) -> str:
    return str(_shapes(choice).time_formats["short"].apply(time(hour, minute), _words(choice)))


def day(value: date, skeleton: str) -> str:
    """A day by a CLDR skeleton: MMMd is 21 Nov, yMMMd is 21 Nov 2026, yMMM is Nov 2026."""
    return _day(current(), date(value.year, value.month, value.day), skeleton)


def weekday(value: date, width: str = "abbreviated") -> str:
    """The name of the day of the week: Sat, or with width "wide" Saturday."""
    return _weekday(current(), value.weekday(), width)


def clock(value: time) -> str:
    """The time of day: 14:05, or 2:05 PM where people say so."""
    return _clock(current(), value.hour, value.minute)


def decimal_mark() -> str:
    """The mark between the whole and its parts."""
    return _decimal_mark(current())


@lru_cache(maxsize=256)
def _decimal_mark(choice: Choice) -> str:
    symbols = _shapes(choice).number_symbols
    return str(symbols.get("latn", symbols).get("decimal", "."))


def first_weekday() -> int:
    """The day that weeks begin with: 0 is Monday."""
    return int(_shapes(current()).first_week_day)
