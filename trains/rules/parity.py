"""Parity of two environments: what was seen of each, where they differ, and which differences somebody tolerates for a while."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from releasetrain.kernel.canonical import digest

from .configuration import words

MISSING, VERSION, SIZE, FLAG, DIGEST, IAC = KINDS = ("missing", "version", "size", "flag", "digest", "iac")
# The kinds of facts, by the name of their group in a posted set.
GROUPS = {"versions": VERSION, "sizes": SIZE, "flags": FLAG, "digests": DIGEST}
MOST_FACTS, LONGEST_NAME, LONGEST_VALUE = 5_000, 200, 200
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{32,128}")
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-zµ]{0,3})")
_UNITS = {"": 1, "m": Decimal("0.001"), "B": 1, "k": 10**3, "kB": 10**3, "M": 10**6, "MB": 10**6} | {
    f"{prefix}{byte}": 2 ** (10 * power)
    for power, prefix in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)
    for byte in ("", "B")
}
_UNITS |= {"G": 10**9, "GB": 10**9, "T": 10**12, "TB": 10**12}

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was seen. `ages`: it has to be seen again and again; a flag is reported when it changes."""

    kind: str
    name: str
    value: Value
    source: str
    seen_at: datetime
    ages: bool = True


@dataclass(frozen=True, slots=True)
class Iac:
    """Where an environment's infrastructure is described, and what of that was applied."""

    repository: str = ""
    path: str = ""
    revision: str = ""
    digest: str = ""

    @property
    def known(self) -> bool:
        return bool(self.repository and (self.revision or self.digest))


@dataclass(frozen=True)
class Sight:
    """Everything known of one environment: the newest sight of each fact."""

    id: str
    name: str
    facts: Mapping[tuple[str, str], Fact] = field(default_factory=dict)
    iac: Iac = Iac()

    @property
    def observed(self) -> bool:
        """Whether anybody looked who has to look again."""
        return any(fact.ages for fact in self.facts.values())

    @property
    def oldest(self) -> datetime | None:
        """The moment of the oldest sight that has to be repeated."""
        return min((fact.seen_at for fact in self.facts.values() if fact.ages), default=None)


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between two environments. Its fingerprint is the same from either side; another value is another one."""

    kind: str
    fact: str
    name: str
    left: Value | None
    right: Value | None
    left_name: str
    right_name: str
    fingerprint: str

    @property
    def sentence(self) -> str:
        what = f"{self.name} ({self.fact})" if self.kind == MISSING else self.name
        return f"{what}: {_said(self.left)} in {self.left_name}, {_said(self.right)} in {self.right_name}."


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Somebody accepts one exact difference until a moment, unless it was ended before."""

    fingerprint: str
    expires_at: datetime
    ended_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        return self.expires_at > at and (self.ended_at is None or self.ended_at > at)


def facts_fault(facts: Any) -> str:
    """Why this cannot be a set of facts; empty when it can."""
    if not isinstance(facts, dict):
        return "Facts are an object with versions, sizes, flags and digests."
    unknown = sorted(map(str, set(facts) - set(GROUPS)))
    if unknown:
        return f"There are no facts called {unknown[0][:40]}; there are {', '.join(GROUPS)}."
    total = 0
    for group, rows in facts.items():
        if not isinstance(rows, dict):
            return f"{group} is an object of names and values."
        total += len(rows)
        for name, value in rows.items():
            if not name.strip() or len(name) > LONGEST_NAME or "\0" in name:
                return f"A name in {group} has 1 to {LONGEST_NAME} characters; {name[:40]!r} has not."
            if fault := _value_fault(GROUPS[group], value):
                return f"{group}, {name}: {fault}"
    if not 1 <= total <= MOST_FACTS:
        return f"A set has 1 to {MOST_FACTS} facts; this one has {total}."
    return ""


def _value_fault(kind: str, value: Any) -> str:
    if isinstance(value, str) and (not value.strip() or len(value) > LONGEST_VALUE or "\0" in value):
        return f"a value has 1 to {LONGEST_VALUE} characters."
    if kind == FLAG:
        return "" if isinstance(value, bool | str) else "a flag is true, false, or a text such as a variant."
    if kind == SIZE:
        sized = not isinstance(value, bool) and isinstance(value, int | float | str)
        return (
            "" if sized and quantity(value) is not None else "a size is a number, or a quantity such as 16Gi."
        )
    if not isinstance(value, str):
        return f"a {kind} is a text."
    if kind == DIGEST and not _DIGEST.fullmatch(value.strip().lower()):
        return "a digest is an algorithm and hexadecimal digits, such as sha256:4f53…"
    return ""


def facts_of(facts: Mapping[str, Mapping[str, Value]], source: str, seen_at: datetime) -> list[Fact]:
    """The facts of a posted set."""
    return [
        Fact(GROUPS[group], name, value, source, seen_at)
        for group, rows in facts.items()
        for name, value in rows.items()
    ]


def kind_of(name: str, value: Any) -> str | None:
    """What kind of fact an attribute of a configuration item is; None where it cannot be compared."""
    if isinstance(value, bool):
        return FLAG
    if name == "version":
        return VERSION
    if isinstance(value, int | float):
        return SIZE
    if not isinstance(value, str) or not value.strip():
        return None
    if _DIGEST.fullmatch(value.strip().lower()):
        return DIGEST
    return SIZE if quantity(value) is not None and not re.fullmatch(r"[\d.]+", value) else VERSION


def newest(facts: Iterable[Fact]) -> dict[tuple[str, str], Fact]:
    """Each fact as it was seen last, whoever saw it."""
    found: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        known = found.get((fact.kind, fact.name))
        if known is None or (fact.seen_at, fact.source) > (known.seen_at, known.source):
            found[fact.kind, fact.name] = fact
    return found


def quantity(value: Value) -> Decimal | None:
    """A size as a number: 1024Mi is 1Gi. None where it is none."""
    if isinstance(value, str):
        found = _QUANTITY.fullmatch(value.strip())
        if not found or found[2] not in _UNITS:
            return None
        return Decimal(found[1]) * _UNITS[found[2]]
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def same(kind: str, left: Value, right: Value) -> bool:
    """Whether two values say the same: sizes by their amount, digests in either case, yes is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if kind == SIZE:
        return quantity(left) == quantity(right)
    one, other = str(left).strip(), str(right).strip()
    return one.lower() == other.lower() if kind == DIGEST else one == other


def differences(left: Sight, right: Sight, kinds: Iterable[str] = KINDS) -> list[Difference]:
    """Where two environments differ, in the order of kinds and names."""
    wanted = set(kinds)

    def one(kind: str, fact: str, name: str, here: Value | None, there: Value | None) -> Difference:
        sides = sorted([[left.id, here], [right.id, there]], key=lambda side: str(side[0]))
        print_ = digest(["parity", kind, fact, name, sides])
        return Difference(kind, fact, name, here, there, left.name, right.name, print_)

    found = []
    for kind, name in sorted(left.facts.keys() | right.facts.keys()):
        here, there = left.facts.get((kind, name)), right.facts.get((kind, name))
        if here is None or there is None:
            found.append(
                one(MISSING, kind, name, here.value if here else None, there.value if there else None)
            )
        elif not same(kind, here.value, there.value):
            found.append(one(kind, kind, name, here.value, there.value))
    found += [one(IAC, IAC, *each) for each in _iac(left.iac, right.iac)]
    return sorted((d for d in found if d.kind in wanted), key=lambda d: (KINDS.index(d.kind), d.name, d.fact))


def _iac(left: Iac, right: Iac) -> list[tuple[str, str | None, str | None]]:
    """Two environments are described alike when the same revision of the same repository was applied to both.

    Paths may differ, as each environment may have a directory of its own; digests count for the same path, and where a
    revision is not known.
    """
    rows = [("repository", left.repository, right.repository)]
    if left.revision or right.revision:
        rows.append(("revision", left.revision, right.revision))
    if (left.path == right.path and left.digest and right.digest) or not (left.revision and right.revision):
        rows.append(("digest", left.digest.lower(), right.digest.lower()))
    return [(name, here or None, there or None) for name, here, there in rows if here != there]


def apart_from(
    found: Iterable[Difference], carried: Mapping[str, tuple[str, str]]
) -> tuple[list[Difference], list[Difference]]:
    """The differences that stay, and those that a release makes by bringing these services: name → (version, digest)."""
    stay, brought = [], []
    for each in found:
        version, build = carried.get(each.name, ("", ""))
        expected = {VERSION: version, DIGEST: build}.get(each.fact, "")
        by_release = bool(expected) and expected in (each.left, each.right)
        (brought if by_release else stay).append(each)
    return stay, brought


def tolerated(
    found: Iterable[Difference], tolerances: Iterable[Tolerance], at: datetime
) -> dict[str, Tolerance]:
    """What somebody tolerates of these at that moment, by fingerprint; the tolerance that lasts longest counts."""
    prints = {each.fingerprint for each in found}
    counting = [t for t in tolerances if t.fingerprint in prints and t.in_force(at)]
    return {t.fingerprint: t for t in sorted(counting, key=lambda t: t.expires_at)}


def stale(sight: Sight, before: datetime) -> list[Fact]:
    """The oldest fact of each source that was last seen before that moment."""
    old: dict[str, Fact] = {}
    for fact in sorted(sight.facts.values(), key=lambda f: (f.seen_at, f.kind, f.name)):
        if fact.ages and fact.seen_at < before:
            old.setdefault(fact.source, fact)
    return list(old.values())


def _said(value: Value | None) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "on" if value else "off"
    return words(value)
