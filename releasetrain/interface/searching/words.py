"""Words of a text as the index holds them; the same for what is written and for what is asked. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from uuid import UUID

LONGEST_WORD = 60
MOST_WORDS = 1_500
MOST_ASKED = 8
# Characters of one text that are read: enough for a page, and no text makes a row of the index that is slow to read.
LONGEST_TEXT = 20_000

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "αβγδεζηθικλμνξοπρστυφχψως",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
)
_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"[0-9a-f]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain(text: str) -> str:
    """Lower case without accents; every character keeps its place, so that what is found can be marked."""
    # Lower case of ASCII is as long as it was; of other characters it may not be.
    return text.lower() if text.isascii() else "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    if character.isascii():
        return character.lower()
    bare = unicodedata.normalize("NFKD", character)[0].lower()
    return bare[0] if bare else character


def words(text: str) -> list[str]:
    """The words in their order; a name like SettlementBatch counts as a whole and by its parts."""
    found: list[str] = []
    for whole in _WORD.findall(text[:LONGEST_TEXT]):
        found.append(plain(whole)[:LONGEST_WORD])
        # A part begins with a capital: most words have none.
        if not (whole.islower() or whole.isdecimal()):
            parts = _HUMP.split(whole)
            if len(parts) > 1:
                found.extend(plain(part)[:LONGEST_WORD] for part in parts)
    return found


def is_learned(word: str) -> bool:
    """Whether it is kept among the known words: no numbers and no digests, of which there are as many as objects."""
    return word.isalpha() or not _DIGITS.fullmatch(word)


def are_all_learned(beginning: str) -> bool:
    """Whether every word that begins so is among the known words."""
    return not _DIGITS.fullmatch(beginning)


def asked(text: str) -> list[str]:
    """The words of a question, each once; the last of them may be unfinished."""
    found = [plain(match.group())[:LONGEST_WORD] for match in _WORD.finditer(text[:400])]
    return list(dict.fromkeys(found))[:MOST_ASKED]


def weighed(heading: Iterable[str], body: Iterable[str]) -> dict[str, str]:
    """Each word of an object with its weight, in their order: those of the heading weigh more."""
    weights: dict[str, str] = {}
    for texts, weight in ((heading, "A"), (body, "B")):
        for text in texts:
            for word in words(text):
                if len(weights) >= MOST_WORDS:
                    break
                weights.setdefault(word, weight)
    return weights


def marker(of: str) -> str:
    """The organization or the kind as a word of each of its documents, which nobody can type."""
    return f"@{of}"


def vector(organization: UUID, kind: str, weights: Mapping[str, str]) -> str:
    """A tsvector in its text form."""
    entries = [f"'{word}':{place}{weight}" for place, (word, weight) in enumerate(weights.items(), 1)]
    return " ".join([*entries, f"'{marker(organization.hex)}'", f"'{marker(kind)}'"])


def query(organization: UUID, beginnings: Iterable[str], choices: Iterable[Sequence[str]] = ()) -> str:
    """A tsquery in its text form: for each beginning some word that begins so, and one word of each choice.

    The organization stands in it for the index's sake; that nothing else is read is the work of row security.
    """
    parts = [f"'{beginning}':*" for beginning in beginnings]
    for choice in choices:
        parts.append("(" + " | ".join(f"'{word}'" for word in choice or [marker("")]) + ")")
    return " & ".join([*parts, f"'{marker(organization.hex)}'"])


def holds(texts: Iterable[str], terms: Iterable[str]) -> bool:
    """Whether every term begins some word of the texts."""
    there = [word for text in texts for word in words(text)]
    return all(any(word.startswith(term) for word in there) for term in terms)


def near_beginnings(word: str) -> list[str]:
    """How known words may begin that were meant by this one: its own beginning, and that with one slip of the hand.

    Whatever else is wrong stands behind the beginning, so a first letter may be wrong, and a long word in two places.
    """
    beginning = word[: min(6, max(4, len(word) // 2 + 1))]
    cuts = [(beginning[:at], beginning[at:]) for at in range(len(beginning) + 1)]
    letters = _letters(beginning)
    near = {
        beginning,
        *(left + right[1:] for left, right in cuts if right),
        *(left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1),
        *(left + letter + right[1:] for left, right in cuts if right for letter in letters),
        *(left + letter + right for left, right in cuts for letter in letters),
    }
    # A longer beginning says nothing that a shorter one has not said.
    return sorted(each for each in near if not any(each[:end] in near for end in range(1, len(each))))


def _letters(word: str) -> str:
    """The letters of every script that the word is written in."""
    alphabets = (each for each in _ALPHABETS if any(letter in each for letter in word))
    return "".join(dict.fromkeys("".join(alphabets) + word))


def closest(word: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """The candidates most like the word, best first; none that is like another word altogether."""
    scored = sorted((-_likeness(word, other), other) for other in candidates if other != word)
    return [other for score, other in scored[:most] if -score >= 0.7]


def _likeness(word: str, other: str) -> float:
    # A word that is still being typed is compared with the beginning of the other.
    beginning = other[: len(word) + 1]
    return max(SequenceMatcher(None, word, each).ratio() for each in (other, beginning))
