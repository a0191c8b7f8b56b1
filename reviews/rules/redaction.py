"""Taking people, teams and customers out of a text, so that a person can look at every place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PERSON, TEAM, CUSTOMER, CONTACT, SYSTEM = "person", "team", "customer", "contact", "system"
KINDS = (PERSON, TEAM, CUSTOMER, CONTACT, SYSTEM)
WORDS = {PERSON: "Person", TEAM: "Team", CUSTOMER: "Customer", CONTACT: "contact", SYSTEM: "Service"}
# Addresses, telephone numbers, hosts, keys of records that lead back to the case.
_CONTACTS = (
    re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    re.compile(r"\bhttps?://[^\s<>()]+"),
    re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    re.compile(r"(?<![\w.])\+?\d[\d ()/-]{7,}\d\b"),
    re.compile(r"\b[A-Z]{2,6}-\d{1,9}\b"),
)


@dataclass(frozen=True)
class Redaction:
    """One text that is taken out wherever it stands; `made` is false where somebody decided to keep it."""

    text: str
    kind: str
    replacement: str
    made: bool = True

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "kind": self.kind, "replacement": self.replacement, "made": self.made}


def stored(row: Mapping[str, Any]) -> Redaction:
    return Redaction(row["text"], row["kind"], row["replacement"], row["made"])


def proposed(text: str, known: Iterable[tuple[str, str]]) -> list[Redaction]:
    """What to take out: known names (text, kind) that occur, parts of persons' names, and anything that leads back.

    The same name has the same replacement everywhere, so that the story stays readable; longer names come first.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, kind in known:
        clean = " ".join(name.split())
        for part, shown in _parts(clean, kind):
            if _occurs(text, part):
                found.setdefault(part.casefold(), (part, f"{kind}:{shown}"))
    for pattern in _CONTACTS:
        for match in pattern.findall(text):
            found.setdefault(match.casefold(), (match, f"{CONTACT}:{match.casefold()}"))
    labels: dict[str, str] = {}
    counts: dict[str, int] = {}
    redactions = []
    for part, identity in sorted(found.values(), key=lambda each: (-len(each[0]), each[0])):
        kind = identity.partition(":")[0]
        if identity not in labels:
            counts[kind] = counts.get(kind, 0) + 1
            labels[identity] = (
                f"[{WORDS[kind]}]" if kind == CONTACT else f"[{WORDS[kind]} {_letter(counts[kind])}]"
            )
        redactions.append(Redaction(part, kind, labels[identity]))
    return redactions


def _parts(name: str, kind: str) -> list[tuple[str, str]]:
    """The name, and of a person the first and the last name as well: (text, whose it is)."""
    if len(name) < 2:
        return []
    whole = [(name, name.casefold())]
    if kind == PERSON and " " in name:
        ends = (name.split(maxsplit=1)[0], name.rsplit(maxsplit=1)[-1])
        whole += [(part, name.casefold()) for part in ends if len(part) > 2]
    return whole


def _letter(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _occurs(text: str, part: str) -> bool:
    return _pattern(part).search(text) is not None


def _pattern(part: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in part.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def redacted(text: str, redactions: Sequence[Redaction]) -> str:
    """The text with everything taken out that is to be, in one pass, longer texts before shorter ones.

    What somebody decided to keep stays, even where a shorter text inside it is taken out elsewhere.
    """
    ordered = sorted(redactions, key=lambda r: (-len(r.text), r.text))
    if not ordered:
        return text
    known = {" ".join(r.text.split()).casefold(): r for r in reversed(ordered)}
    together = re.compile("|".join(f"(?:{_pattern(r.text).pattern})" for r in ordered), re.IGNORECASE)

    def swap(match: re.Match[str]) -> str:
        found = known.get(" ".join(match.group().split()).casefold())
        return found.replacement if found is not None and found.made else match.group()

    return together.sub(swap, text)


def leaks(body: str, redactions: Iterable[Redaction]) -> list[str]:
    """What still stands in the text although it was to be taken out."""
    return [r.text for r in redactions if r.made and _occurs(body, r.text)]
