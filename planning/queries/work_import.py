"""What importing a tracker's work items would do: the plan of an import, made by reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from planning.models import Feature, WorkItem
from planning.rules import work_file
from planning.rules.tracker_csv import LineError
from planning.rules.work_file import WorkFile, WorkRow
from planning.states import WorkState
from releasetrain.kernel.clock import now
from trains.models import Iteration, Team, Train

from .increments import today_of


@dataclass(slots=True)
class Change:
    """One row against what is here: the item, and what would change (field → old, new)."""

    row: WorkRow
    item: WorkItem
    new: bool
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class WorkPlan:
    """Everything an import would do; with errors it does nothing."""

    file: WorkFile
    changes: list[Change] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)

    @property
    def created(self) -> list[Change]:
        return [c for c in self.changes if c.new]

    @property
    def updated(self) -> list[Change]:
        return [c for c in self.changes if not c.new and c.changes]

    @property
    def unchanged(self) -> int:
        return sum(not c.new and not c.changes for c in self.changes)

    def summary(self) -> dict[str, Any]:
        """The plan in plain terms, for the API."""
        return {
            "format": self.file.format,
            "mapping": self.file.mapping,
            "rows": len(self.changes),
            "created": len(self.created),
            "updated": len(self.updated),
            "unchanged": self.unchanged,
            "left_out": [{"line": line, "why": why} for line, why in self.file.left_out],
            "notes": [{"line": line, "note": note} for line, note in self.file.notes],
            "errors": [{"line": e.line, "column": e.column, "sentence": e.sentence} for e in self.errors],
        }


def plan_import(
    train: Train, tracker: str, kept: frozenset[str], content: bytes, mapping: Mapping[str, str] | None = None
) -> WorkPlan:
    """Read the file and compare it with the train's items of that tracker. Fields kept here are never overwritten."""
    file = work_file.read(content, mapping)
    plan = WorkPlan(file, errors=list(file.errors))
    names = _Names(train)
    ids = [row.external_id for row in file.rows]
    known = {
        i.external_id: i
        for i in WorkItem.objects.filter(source=tracker, external_id__in=ids).select_related("team")
    }
    for row in file.rows:
        item = known.get(row.external_id)
        if item is not None and item.team.train_id != train.pk:
            plan.errors.append(
                LineError(row.line, "", f"{row.external_id} belongs to another train, as {item}.")
            )
            continue
        wanted = names.wanted(row, plan, item)
        if wanted is None:
            continue
        new = item is None
        item = item or WorkItem(source=tracker, external_id=row.external_id)
        plan.changes.append(_compare(row, item, wanted, kept, new=new, today=names.today))
    plan.errors.sort(key=lambda e: e.line or 0)
    return plan


class _Names:
    """Teams, iterations and features of the train, by the words that files use for them."""

    def __init__(self, train: Train):
        self.train, self.today = train, today_of(train)
        self.teams = {w.casefold(): t for t in Team.objects.filter(train=train) for w in (t.code, t.name)}
        iterations = Iteration.objects.filter(pi__train=train).select_related("pi").order_by("starts")
        self.iterations = {i.name.casefold(): i for i in iterations}
        features = Feature.objects.filter(train=train).only("key", "external_id", "train_id")
        self.features = {w: f for f in features for w in (f.external_id, f.key) if w}

    def wanted(self, row: WorkRow, plan: WorkPlan, item: WorkItem | None) -> dict[str, Any] | None:
        """The values of the row with names resolved; None when a name means nothing here."""
        values = dict(row.values)
        team = next((self.teams[w.casefold()] for w in row.teams if w.casefold() in self.teams), None)
        if team is None and (row.teams or item is None):
            said = (
                f"{self.train.key} has no team {' or '.join(row.teams)}."
                if row.teams
                else "A new item needs its team."
            )
            plan.errors.append(LineError(row.line, plan.file.mapping.get("team", "team"), said))
            return None
        if team is not None:
            values["team"] = team
        if row.iterations:
            iteration = next(
                (self.iterations[w.casefold()] for w in row.iterations if w.casefold() in self.iterations),
                None,
            )
            if iteration is None:
                plan.file.notes.append(
                    (row.line, f"{row.iterations[0]} is no iteration of {self.train.key}; left without")
                )
            else:
                values["iteration"] = iteration
        if row.feature:
            feature = self.features.get(row.feature)
            if feature is None:
                plan.file.notes.append(
                    (row.line, f"{row.feature} is no feature of {self.train.key}; left without")
                )
            else:
                values["feature"] = feature
        return values


def _compare(
    row: WorkRow, item: WorkItem, wanted: dict[str, Any], kept: frozenset[str], *, new: bool, today: Any
) -> Change:
    """A new item takes all that the file says; later only what the tracker keeps. A feature is linked once."""
    change = Change(row, item, new)
    for name, meant in wanted.items():
        mastered = new or name in kept or (name == "feature" and item.feature_id is None)
        attribute = f"{name}_id" if name in ("team", "iteration", "feature") else name
        value = meant.pk if attribute != name else meant
        old = getattr(item, attribute, None)
        if mastered and value != old:
            change.changes[attribute] = (old, value)
    _settle(change, today)
    return change


def _settle(change: Change, today: Any) -> None:
    """What follows from a state: what is done has an end and nothing left; what is not done has no end."""
    item, changes = change.item, change.changes

    def now_is(name: str) -> Any:
        return changes[name][1] if name in changes else getattr(item, name)

    def put(name: str, value: Any) -> None:
        if getattr(item, name) != value:
            changes[name] = (getattr(item, name), value)
        else:
            changes.pop(name, None)

    if "iteration_id" in changes:
        put("added_on", today)
    state = now_is("state") or WorkState.TODO
    if state == WorkState.DONE:
        put("finished_at", now_is("finished_at") or now())
        if now_is("remaining_hours") is not None:
            put("remaining_hours", Decimal(0))
        if now_is("blocked_reason"):
            put("blocked_reason", "")
            put("blocked_at", None)
        if now_is("started_at") and now_is("started_at") > now_is("finished_at"):
            put("started_at", now_is("finished_at"))
    else:
        put("finished_at", None)
        if state == WorkState.IN_PROGRESS and not now_is("started_at"):
            put("started_at", now())
