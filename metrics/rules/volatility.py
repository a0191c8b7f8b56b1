"""How much a plan changes after its baseline, and with whom to talk about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metrics.rules.rates import Rate, rate
from metrics.rules.samples import wording

LEAST_RELEASES = 2
MOST_CAUSES = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One change of scope after the baseline."""

    act: str
    cause: str = ""
    id: Any = None


@dataclass(frozen=True, slots=True)
class Scope:
    """A baseline and what changed after it, as far as one group (release, team, domain) is concerned."""

    group: str
    release: str
    baseline: int
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Volatility:
    """Changes after the baseline ÷ items in it, with its exact interval (changes are counts: more than one per item can be)."""

    group: str
    releases: int
    baseline: int
    added: int
    removed: int
    changed: int
    rate: Rate
    sample: str
    causes: tuple[tuple[str, int], ...] = ()
    ids: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def changes(self) -> int:
        return self.added + self.removed + self.changed


@dataclass(frozen=True, slots=True)
class Coaching:
    """Somebody to talk with, why, and about what."""

    group: str
    volatility: Volatility
    reason: str
    talk_about: str


def volatility(scopes: Iterable[Scope]) -> tuple[Volatility, ...]:
    """Each group's figures, the most volatile first."""
    groups: dict[str, list[Scope]] = {}
    for each in scopes:
        groups.setdefault(each.group, []).append(each)
    found = [_of(group, rows) for group, rows in groups.items()]
    return tuple(sorted(found, key=lambda v: (-(v.rate.value or 0.0), v.group)))


def total(scopes: Iterable[Scope], group: str = "All") -> Volatility:
    """Everything together."""
    return _of(group, list(scopes))


def _of(group: str, rows: list[Scope]) -> Volatility:
    changes = [c for row in rows for c in row.changes]
    acts = Counter(c.act for c in changes)
    baseline = sum(row.baseline for row in rows)
    causes = Counter(c.cause.strip() for c in changes if c.cause.strip())
    return Volatility(
        group,
        len({row.release for row in rows}),
        baseline,
        acts["added"],
        acts["removed"],
        acts["changed"],
        rate(len(changes), baseline, what="changes"),
        wording(baseline, "items in the baseline"),
        tuple(causes.most_common(MOST_CAUSES)),
        tuple(c.id for c in changes if c.id is not None),
    )


def coaching(groups: Iterable[Volatility], titles: Mapping[str, str] | None = None) -> tuple[Coaching, ...]:
    """Groups whose changes are more than the others' by more than chance: over two baselines at least, their interval
    lies above what all groups have together."""
    listed = list(groups)
    baseline = sum(v.baseline for v in listed)
    if not baseline:
        return ()
    usual = sum(v.changes for v in listed) / baseline
    found = []
    for each in listed:
        if each.releases < LEAST_RELEASES or each.rate.interval is None or each.rate.interval[0] <= usual:
            continue
        most = max(
            ("added", each.added), ("removed", each.removed), ("changed", each.changed), key=lambda p: p[1]
        )
        why = (
            f"{each.changes} changes to {each.baseline} items after the baseline over {each.releases} releases;"
            f" all together have {usual:.0%}."
        )
        found.append(Coaching((titles or {}).get(each.group, each.group), each, why, _topic(most[0], each)))
    return tuple(found)


def _topic(act: str, each: Volatility) -> str:
    topic = {
        "added": "Work arrives after the baseline: how is it found, and what leaves when it comes in?",
        "removed": "Committed work leaves: were estimates, dependencies or readiness the reason?",
        "changed": "Items change their content: were acceptance criteria agreed before the baseline?",
    }[act]
    return (
        f"{topic} Most named cause: {each.causes[0][0]}."
        if each.causes
        else f"{topic} No cause was written down."
    )
