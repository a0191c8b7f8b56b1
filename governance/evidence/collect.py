"""What goes into an evidence package: the registry by which every app adds its own records.

    @collector("incidents", for_kinds=("release", "problem"))
    def incidents(subject):
        yield from subject.records(Incident.objects.filter(deployments__in=subject.deployments))

A collector yields (kind, id, label, data). `subject.records` makes these from model rows, with their history. Reports
and other files are added by `@attachments`, the way a kind is shown to people by `shown`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet

from governance.models import StoredFile

from .describing import Describer

# Kind (the model's name), id, label, data: plain values ready for canonical JSON.
Entry = tuple[str, str, str, dict[str, Any]]
Ids = frozenset[uuid.UUID]


@dataclass(frozen=True)
class Subject:
    """What a package is about, and the rows that everything else is found by."""

    kind: str
    title: str
    label: str
    object: Model | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    releases: Ids = frozenset()
    changes: Ids = frozenset()
    deployments: Ids = frozenset()
    artifacts: Ids = frozenset()
    describer: Describer = field(default_factory=Describer, compare=False)

    def records(
        self, rows: QuerySet, extra: Callable[[Any], dict[str, Any]] | None = None
    ) -> Iterator[Entry]:
        """Each row with all its fields and its history; `extra` adds what the fields do not say."""
        return self.describer.entries(rows, extra)

    @property
    def named(self) -> dict[str, Any]:
        """The subject as the manifest names it."""
        about: dict[str, Any] = {"kind": self.kind, "label": self.label}
        if self.object is not None:
            about["id"] = str(self.object.pk)
        if self.starts and self.ends:
            about |= {"from": self.starts, "until": self.ends}
        return about


Collect = Callable[[Subject], Iterable[Entry]]
Attach = Callable[[Subject], Iterable[StoredFile]]


@dataclass(frozen=True)
class Collector:
    name: str
    for_kinds: tuple[str, ...]
    collect: Collect


@dataclass(frozen=True)
class SubjectKind:
    """A kind of thing that packages can be about; `reach` finds the rows a subject leads to."""

    name: str
    title: str
    model: type[Model]
    reach: Callable[..., Subject]
    within_periods: bool = False

    def subject(self, obj: Any, starts: datetime | None, ends: datetime | None) -> Subject:
        """The subject, within a period where there is one."""
        return self.reach(obj, starts, ends) if self.within_periods else self.reach(obj)


@dataclass(frozen=True)
class Shown:
    """How people see the records of a kind: a heading, columns (heading, path into the data), and what to look at.

    absent     what to say when there is no such record; empty: the section is left out
    gap        whether it is a gap in the evidence when there is none
    lines      (data) -> several rows of cells for one record; else one row, made from the columns' paths
    attention  (data) -> a sentence when an auditor should look at this record, else an empty text
    """

    kind: str
    title: str
    columns: tuple[tuple[str, str], ...] = ()
    order: int = 500
    note: str = ""
    absent: str = ""
    gap: bool = False
    lines: Callable[[dict[str, Any]], list[list[str]]] | None = None
    sort: str = ""
    attention: Callable[[dict[str, Any]], str] | None = None


_collectors: dict[str, Collector] = {}
_attachments: list[tuple[tuple[str, ...], Attach]] = []
_subjects: dict[str, SubjectKind] = {}
_shown: dict[str, Shown] = {}

EVERY_KIND = ("*",)


def collector(name: str, *, for_kinds: tuple[str, ...] = EVERY_KIND) -> Callable[[Collect], Collect]:
    """Register a source of records for packages about these kinds of subject."""

    def register(function: Collect) -> Collect:
        if name in _collectors:
            raise ValueError(f"the evidence collector {name} is declared twice")
        _collectors[name] = Collector(name, for_kinds, function)
        return function

    return register


def attachments(*, for_kinds: tuple[str, ...] = EVERY_KIND) -> Callable[[Attach], Attach]:
    """Register a source of files that are packed as they were received."""

    def register(function: Attach) -> Attach:
        _attachments.append((for_kinds, function))
        return function

    return register


def subject_kind(
    name: str, title: str, model: type[Model], *, within_periods: bool = False
) -> Callable[[Callable[..., Subject]], Callable[..., Subject]]:
    """Register a kind of subject: fn(object) -> Subject; with periods fn(object, starts, ends), both None for all time."""

    def register(reach: Callable[..., Subject]) -> Callable[..., Subject]:
        if name in _subjects:
            raise ValueError(f"the evidence subject {name} is declared twice")
        _subjects[name] = SubjectKind(name, title, model, reach, within_periods)
        return reach

    return register


def shown(kind: str, title: str, **how: Any) -> None:
    """Say how records of a kind are shown."""
    _shown[kind] = Shown(kind, title, **how)


def collectors_for(kind: str) -> list[Collector]:
    return [c for c in _collectors.values() if c.for_kinds == EVERY_KIND or kind in c.for_kinds]


def files_of(subject: Subject) -> Iterator[StoredFile]:
    """Every file of the subject, each once."""
    seen: set[str] = set()
    for kinds, attach in _attachments:
        if kinds != EVERY_KIND and subject.kind not in kinds:
            continue
        for stored in attach(subject):
            if stored.digest not in seen:
                seen.add(stored.digest)
                yield stored


def subject_kinds() -> dict[str, SubjectKind]:
    return dict(_subjects)


def kind_of(model: type[Model]) -> SubjectKind | None:
    """The kind of subject that rows of a model are, or None."""
    return next((k for k in _subjects.values() if k.model is model), None)


def shown_as(kind: str) -> Shown:
    """How records of a kind are shown: as declared, or under the words of their model."""
    if kind not in _shown:
        model = next((m for m in apps.get_models() if m._meta.model_name == kind), None)
        title = str(model._meta.verbose_name_plural) if model else kind
        return Shown(kind, title[:1].upper() + title[1:])
    return _shown[kind]


def shown_kinds() -> dict[str, Shown]:
    return dict(_shown)
