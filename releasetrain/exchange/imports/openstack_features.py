"""The features of a release series from its specifications, on the board where their work was merged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from planning.models import Feature, FeatureDependency
from planning.states import DependencyState, FeatureState
from releasetrain.audit.doorway import action
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import refuse
from trains.models import ImportRun, Iteration, Milestone, ProgramIncrement, Team, Train
from trains.rules.readers import openstack_work as work
from trains.rules.readers.row_error import RowError

from .gathering import Counts, Faults, put_on_record, stream

FREEZE = "Feature freeze"
KINDS = {"implemented": FeatureState.DONE, "removed": FeatureState.CANCELLED}
_SAID = (
    "title", "team", "description", "acceptance", "state", "pi", "iteration", "blocked_reason", "blocked_at",
    "refined_at", "source_kind", "source_label",
)  # fmt: skip


@action(
    "import_run.series_features",
    creates=ImportRun,
    requires="imports.run",
    within="train",
    label="Import features of a series",
)
def import_series_features(
    actor: Actor,
    *,
    train: Train,
    series: Annotated[
        str, Field("Series", help="The name of its Program Increment, e.g. 2024.1.", max_length=40)
    ],
    features: Annotated[Upload, Field("Features", help="JSON: team, slug, title, approved_at, outcome, …")],
    commits: Annotated[
        Upload | None,
        Field("Commits", help="CSV, plain or gzip: repo, merged_at, blueprint, …; they place the features."),
    ] = None,
) -> ImportRun:
    """Import the specifications of a series as features of its Program Increment: all or none."""
    started = now()
    pi = ProgramIncrement.objects.filter(train=train, name=series).first()
    if pi is None:
        refuse(
            "import.series",
            f"{train} has no Program Increment {series}.",
            remedy="Import the release series first.",
            field="series",
        )
    faults = Faults()
    rows = tuple(r for r in work.read_features(stream(features), faults) if r.series == series)
    changes = list(work.read_commits(stream(commits), faults)) if commits else []
    teams = {t.name.casefold(): t for t in Team.objects.filter(train=train)}
    for name in sorted({r.team for r in rows if r.team.casefold() not in teams}):
        faults(RowError(features.name, None, "team", f"{train} has no team {name}."))
    if not rows:
        faults(RowError(features.name, None, "series", f"The file holds no specification of {series}."))
    faults.refuse()
    counts = Counts()
    made = _write(_Places(pi, changes), rows, teams, counts)
    _depend(rows, made, _Places(pi, changes).deadline, counts)
    return put_on_record("series features", [u for u in (features, commits) if u], counts, started)


class _Places:
    """Where a feature stands: where its last change was merged, else where the freeze asks for it."""

    def __init__(self, pi: ProgramIncrement, changes: Iterable[work.CommitRow]):
        self.pi = pi
        self.zone = ZoneInfo(pi.train.time_zone)
        self.iterations = list(pi.iterations.order_by("starts"))
        freeze = Milestone.objects.filter(pi=pi, name=FREEZE).order_by("on").first()
        self.deadline = self._on(freeze.on if freeze else pi.ends - timedelta(days=1))
        self.merged: dict[str, list[datetime]] = {}
        for change in changes:
            if change.blueprint and pi.starts <= self._day(change.merged_at) < pi.ends:
                self.merged.setdefault(change.blueprint, []).append(change.merged_at)

    def _day(self, moment: datetime) -> Any:
        return moment.astimezone(self.zone).date()

    def _on(self, day: Any) -> Iteration:
        return next((i for i in self.iterations if i.starts <= day < i.ends), self.iterations[-1])

    def of(self, row: work.FeatureRow) -> tuple[Iteration, list[datetime]]:
        """The iteration of a feature, and when its changes were merged."""
        merged = sorted(self.merged.get(row.work, []))
        return (self._on(self._day(merged[-1])) if merged else self.deadline), merged


def _write(
    places: _Places, rows: tuple[work.FeatureRow, ...], teams: dict[str, Team], counts: Counts
) -> dict[str, Feature]:
    """One feature for each specification, known by its series, team and slug."""
    train = places.pi.train
    known = {
        f.external_id: f for f in Feature.objects.filter(train=train, external_id__in=[_id(r) for r in rows])
    }
    created, updated = [], []
    for row in rows:
        wanted = _fields(places, row, teams[row.team.casefold()])
        feature = known.get(_id(row))
        if feature is None:
            feature = Feature(train=train, external_id=_id(row), **wanted)
            created.append(feature)
            known[_id(row)] = feature
        elif any(getattr(feature, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(feature, name, value)
            updated.append(feature)
    bulk_create_tracked(created)
    bulk_update_tracked(updated, _SAID)
    counts.rows += len(rows)
    counts.created += len(created)
    counts.updated += len(updated)
    counts.unchanged += len(rows) - len(created) - len(updated)
    return known


def _id(row: work.FeatureRow) -> str:
    return f"{row.series}/{row.team}/{row.slug}"[:120]


def _fields(places: _Places, row: work.FeatureRow, team: Team) -> dict[str, Any]:
    iteration, merged = places.of(row)
    state = KINDS.get(row.outcome) or (FeatureState.IN_PROGRESS if merged else FeatureState.PLANNED)
    gone = state == FeatureState.CANCELLED
    late = row.outcome == "carried_over"
    changes = f"{len(merged)} merged changes name it, the last of {merged[-1]:%-d %B %Y}." if merged else ""
    before = f"Approved before for {row.previously_approved}." if row.previously_approved else ""
    told = (row.problem, changes, before)
    return {
        "title": row.title[:200],
        "team": team,
        "description": "\n\n".join(part for part in told if part),
        "acceptance": row.work_items,
        "state": state,
        "pi": None if gone else places.pi,
        "iteration": None if gone else iteration,
        "blocked_reason": f"Not delivered in {row.series}: carried over to {row.reproposed_in or 'a later series'}."
        if late
        else "",
        "blocked_at": row.removed_at if late else None,
        # An approved specification is what this community calls refined.
        "refined_at": row.approved_at,
        "source_kind": "specification",
        "source_label": row.path[:200],
    }


def _depend(
    rows: tuple[work.FeatureRow, ...], made: dict[str, Feature], deadline: Iteration, counts: Counts
) -> None:
    """Dependencies where one specification names another; blocked when what is needed was not delivered."""
    pairs = [
        (needing, needed)
        for needing, needed in work.named_needs(rows)
        if "removed" not in (needing.outcome, needed.outcome)
    ]
    known = {
        (d.consumer_id, d.provider_id): d
        for d in FeatureDependency.objects.filter(consumer__in=[f.pk for f in made.values()])
    }
    created, updated = [], []
    for needing, needed in pairs:
        consumer, provider = made[_id(needing)], made[_id(needed)]
        late = needed.outcome == "carried_over"
        wanted = {
            "needed_in": deadline,
            "what": needed.title[:200],
            "state": DependencyState.DONE
            if needed.outcome == "implemented"
            else DependencyState.BLOCKED
            if late
            else DependencyState.PROPOSED,
            "reason": f"Carried over to {needed.reproposed_in or 'a later series'}." if late else "",
        }
        dependency = known.get((consumer.pk, provider.pk))
        if dependency is None:
            created.append(FeatureDependency(consumer=consumer, provider=provider, **wanted))
        elif any(getattr(dependency, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(dependency, name, value)
            updated.append(dependency)
    bulk_create_tracked(created)
    bulk_update_tracked(updated, ["needed_in", "what", "state", "reason"])
    counts.rows += len(pairs)
    counts.created += len(created)
    counts.updated += len(updated)
    counts.unchanged += len(pairs) - len(created) - len(updated)
