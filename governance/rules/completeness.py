"""Is a population complete? What one source has and another lacks, row by row.

Deployments recorded are held against what runtimes were seen to run, against the changes that authorised them, against
releases, and the other way round. Nothing is matched by guessing: what does not match is a gap that a person explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A deployment as recorded; `place` is service and environment."""

    id: str
    label: str
    place: Place
    names: frozenset[str]
    at: datetime
    in_period: bool
    succeeded: bool
    authorised: bool
    why_not: str
    released: bool
    traced: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """What a runtime was seen to run; `names` are its version and digest."""

    id: str
    label: str
    place: Place
    names: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Promised:
    """A change that was implemented, or a release that was released: something of it must have been deployed."""

    kind: str
    id: str
    label: str
    at: datetime
    deployed: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """One row that does not match."""

    kind: str
    subject_kind: str
    subject_id: str
    label: str
    sentence: str
    at: datetime


def of_deployments(
    recorded: Iterable[Recorded], observed: Iterable[Observed], promised: Iterable[Promised]
) -> Iterator[Gap]:
    """Every gap between deployments recorded, seen at runtime, authorised, released and promised."""
    rows, seen = list(recorded), list(observed)
    yield from _against_runtime(rows, seen)
    for row in rows:
        if not row.in_period:
            continue
        if not row.authorised:
            why = row.why_not or "No change request authorises it."
            yield _gap("no_change", row, why)
        if not row.released:
            yield _gap("no_release", row, "It belongs to no release.")
        if not row.traced:
            yield _gap("untraced", row, "It names neither an artifact nor a commit.")
    for each in promised:
        if not each.deployed:
            done = "released" if each.kind == "release" else "implemented"
            sentence = f"It counts as {done}, but no deployment to production belongs to it."
            yield Gap("not_deployed", each.kind, each.id, each.label, sentence, each.at)


def _against_runtime(rows: list[Recorded], seen: list[Observed]) -> Iterator[Gap]:
    of_place: dict[Place, list[Recorded]] = {}
    for row in rows:
        of_place.setdefault(row.place, []).append(row)
    at_place: dict[Place, list[Observed]] = {}
    for each in seen:
        at_place.setdefault(each.place, []).append(each)
    told: set[tuple[Place, frozenset[str]]] = set()
    for each in sorted(seen, key=lambda o: (o.at, o.id)):
        explained = any(r.names & each.names and r.at <= each.at for r in of_place.get(each.place, ()))
        if not explained and (each.place, each.names) not in told:
            told.add((each.place, each.names))
            yield Gap(
                "unrecorded",
                "runtimeobservation",
                each.id,
                each.label,
                "A runtime was seen to run this, and no deployment of it is recorded before.",
                each.at,
            )
    unwatched: dict[Place, Recorded] = {}
    for row in sorted(rows, key=lambda r: (r.at, r.id)):
        if not (row.in_period and row.succeeded):
            continue
        if row.place not in at_place:
            unwatched.setdefault(row.place, row)
        elif not any(row.names & each.names and each.at >= row.at for each in at_place[row.place]):
            yield _gap("unobserved", row, "No runtime was seen to run this version afterwards.")
    for row in unwatched.values():
        yield _gap(
            "not_watched",
            row,
            "No runtime reports what it runs here, so completeness of this service rests on what was recorded.",
        )


def of_records(
    rows: Iterable[tuple[str, str, datetime]],
    entries: Iterable[tuple[str, str, datetime]],
    kind: str,
) -> Iterator[Gap]:
    """Records held against the ledger's entries of their making: (id, label, moment) both."""
    there = {ident: (label, at) for ident, label, at in rows}
    made = {ident: (label, at) for ident, label, at in entries}
    for ident, (label, at) in there.items():
        if ident not in made:
            yield Gap("no_entry", kind, ident, label, "The ledger has no entry of how it came to be.", at)
    for ident, (label, at) in made.items():
        if ident not in there:
            yield Gap("no_record", kind, ident, label, "The ledger says that it was made; it is gone.", at)


def _gap(kind: str, row: Recorded, sentence: str) -> Gap:
    return Gap(kind, "deployment", row.id, row.label, sentence, row.at)
