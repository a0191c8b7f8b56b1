"""Reading what the teams of an OpenStack series worked on: specifications, commits, dependencies, constraints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from trains.rules.readers import cells
from trains.rules.readers.cells import CellError
from trains.rules.readers.documents import Entry, EntryError, pointer, read_document
from trains.rules.readers.row_error import OnError, RowError
from trains.rules.readers.sources import Source, source_name
from trains.rules.readers.tables import Column, Table

OUTCOMES = ("implemented", "carried_over", "removed", "not_marked")
_PROJECT = re.compile(r"/c/([\w.-]+/[\w.-]+)/\+/")


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One specification of a series, and what became of it."""

    team: str
    series: str
    slug: str
    title: str
    path: str
    blueprint: str
    approved_at: datetime | None
    implemented_at: datetime | None
    removed_at: datetime | None
    outcome: str
    previously_approved: str
    reproposed_in: str
    problem: str
    work_items: str
    dependencies: str

    @property
    def work(self) -> str:
        """The name under which commits say that they belong to it."""
        return self.blueprint.rpartition("/")[2] or self.slug


@dataclass(frozen=True, slots=True)
class CommitRow:
    """A merged change, and which bugs and blueprint it names."""

    repository: str
    merged_at: datetime
    change_id: str
    bugs: tuple[str, ...]
    blueprint: str


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One change says that it needs another one (Depends-On), or is needed by it."""

    series: str
    from_repository: str
    from_team: str
    relation: str
    to_repository: str
    to_team: str
    cross_repository: bool


@dataclass(frozen=True, slots=True)
class ConstraintRow:
    """A changed constraint on a package, and the changes that waited for it."""

    merged_at: datetime
    package: str
    freeze_of: str
    needed_by: tuple[str, ...]

    @property
    def projects(self) -> tuple[str, ...]:
        """The repositories of the waiting changes, where their addresses name them."""
        return tuple(dict.fromkeys(m[1] for url in self.needed_by if (m := _PROJECT.search(url))))


_BUGS = cells.several(";")


def _commit(
    repository: str,
    merged_at: datetime,
    change_id: str,
    closes: tuple[str, ...],
    partial: tuple[str, ...],
    related: tuple[str, ...],
    blueprint: str,
) -> CommitRow:
    return CommitRow(repository, merged_at, change_id, (*closes, *partial, *related), blueprint)


COMMITS = Table(
    _commit,
    (
        Column("repo", cells.name),
        Column("merged_at", cells.instant),
        Column("change_id", cells.text),
        Column("closes_bug", _BUGS),
        Column("partial_bug", _BUGS),
        Column("related_bug", _BUGS),
        Column("blueprint", cells.text),
    ),
)
EDGES = Table(
    EdgeRow,
    (
        Column("series", cells.name),
        Column("from_repo", cells.name),
        Column("from_team", cells.text),
        Column("relation", cells.one_of("depends_on", "needed_by")),
        Column("to_repo", cells.text, "empty where the other change is not public"),
        Column("to_team", cells.text),
        Column("cross_repo", cells.optional(cells.flag)),
    ),
)
CONSTRAINTS = Table(
    ConstraintRow,
    (
        Column("merged_at", cells.instant),
        Column("package", cells.name),
        Column("in_requirements_freeze_of", cells.text),
        Column("needed_by", cells.several(";")),
    ),
)


def read_commits(source: Source, on_error: OnError) -> Iterator[CommitRow]:
    """commits-<series>.csv.gz."""
    return COMMITS.read(source, on_error)


def read_edges(source: Source, on_error: OnError) -> Iterator[EdgeRow]:
    """dependencies.csv, the Depends-On and Needed-By of merged changes."""
    return EDGES.read(source, on_error)


def read_constraints(source: Source, on_error: OnError) -> Iterator[ConstraintRow]:
    """constraint_changes.csv.gz."""
    return CONSTRAINTS.read(source, on_error)


def _feature(entry: Entry) -> FeatureRow:
    outcome = entry.name("outcome")
    if outcome not in OUTCOMES:
        raise CellError(f"{cells.shown(outcome)} is not one of {', '.join(OUTCOMES)}.")
    return FeatureRow(
        team=entry.name("team"),
        series=entry.name("series"),
        slug=entry.name("slug"),
        title=entry.text("title") or entry.name("slug"),
        path=entry.text("path"),
        blueprint=entry.text("blueprint"),
        approved_at=entry.instant_or_none("approved_at"),
        implemented_at=entry.instant_or_none("implemented_at"),
        removed_at=entry.instant_or_none("removed_at"),
        outcome=outcome,
        previously_approved=entry.text("previously_approved"),
        reproposed_in=entry.text("reproposed_in"),
        problem=entry.text("problem"),
        work_items=entry.text("work_items"),
        dependencies=entry.text("dependencies"),
    )


def read_features(source: Source, on_error: OnError) -> tuple[FeatureRow, ...]:
    """features.json, a list of specifications of any series."""
    document = read_document(source, on_error)
    file = source_name(source)
    if document is None:
        return ()
    if not isinstance(document, list):
        on_error(RowError(file, None, "", "A list of specifications is expected."))
        return ()
    rows = []
    for index, value in enumerate(document):
        try:
            rows.append(_feature(Entry(value, pointer(index))))
        except EntryError as refused:
            on_error(RowError(file, None, refused.pointer, str(refused)))
        except CellError as refused:
            on_error(RowError(file, None, pointer(index), str(refused)))
    return tuple(rows)


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def named_needs(rows: tuple[FeatureRow, ...]) -> list[tuple[FeatureRow, FeatureRow]]:
    """(needing, needed) pairs: the dependencies section of a specification names another one by its words.

    Names of fewer than three words say too little to be trusted.
    """
    names = [(other, {_words(other.slug), _words(other.title)}) for other in rows]
    found = []
    for row in rows:
        said = f" {_words(row.dependencies)} "
        for other, known in names:
            if other is not row and any(len(n.split()) >= 3 and f" {n} " in said for n in known):
                found.append((row, other))
    return found
