"""A release series with its teams, deliverables, schedule, freezes and versions, as OpenStack publishes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from releasetrain.audit.doorway import action
from releasetrain.audit.history import bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import refuse
from trains.actions.deployment_batch import DeploymentRow, record_many
from trains.actions.freezes import create_freeze
from trains.actions.increments import create_increment
from trains.actions.milestones import create_milestone
from trains.actions.releases import create_release
from trains.actions.services import create_service
from trains.actions.teams import create_team
from trains.models import (
    Environment,
    Freeze,
    ImportRun,
    Milestone,
    ProgramIncrement,
    Release,
    Service,
    Team,
    Train,
)
from trains.rules.readers import openstack

from .gathering import Counts, Faults, ensure_environments, put_on_record, stream

SOURCE = "openstack-releases"
PUBLISHED = "published"


@action(
    "import_run.release_series",
    creates=ImportRun,
    requires="imports.run",
    within="train",
    label="Import a release series",
)
def import_release_series(
    actor: Actor,
    *,
    train: Train,
    schedule: Annotated[Upload, Field("Schedule", help="schedule.json of the series")],
    deliverables: Annotated[Upload, Field("Deliverables", help="deliverables.json")],
    teams: Annotated[Upload, Field("Teams", help="teams.json")],
    releases: Annotated[
        Upload, Field("Versions", help="releases.csv: one row per deliverable, version and repository")
    ],
) -> ImportRun:
    """Import a release series: teams, deliverables as services, the schedule with its freezes, and every version published."""
    started = now()
    faults = Faults()
    plan = openstack.read_schedule(stream(schedule), faults)
    delivered = openstack.read_deliverables(stream(deliverables), faults)
    openstack.read_teams(stream(teams), faults)
    versions = openstack.group_versions(openstack.read_releases(stream(releases), faults))
    faults.refuse()
    if plan is None:
        refuse("import.schedule", "The schedule holds no series.", field="schedule")
    system = Actor.system(actor.organization_id, f"named by the import of {plan.series}", route=actor.route)
    counts = Counts()
    _teams(system, train, delivered, counts)
    _services(system, train, delivered, versions, counts)
    pi = _increment(system, train, plan, counts)
    release = _release(system, train, plan, pi, counts)
    ensure_environments(actor, {PUBLISHED: Environment.Kind.PRODUCTION}, train)
    counts.add(record_many(actor, [_published(row, release) for row in versions], source_name=releases.name))
    return put_on_record("release series", [schedule, deliverables, teams, releases], counts, started)


def team_code(name: str, taken: set[str]) -> str:
    """A short code for a team from its name; a number keeps two of one code apart."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    code = ("".join(words) if len(words) == 1 else "".join(w[:4] for w in words))[:16].upper() or "TEAM"
    found, number = code, 1
    while found in taken:
        number += 1
        found = f"{code}{number}"
    return found


def _count(counts: Counts, wanted: int, made: int) -> None:
    counts.rows += wanted
    counts.created += made
    counts.unchanged += wanted - made


def _teams(
    actor: Actor, train: Train, delivered: tuple[openstack.DeliverableRow, ...], counts: Counts
) -> None:
    names = list(dict.fromkeys(row.team for row in delivered if row.team))
    known = set(Team.objects.filter(train=train).values_list("name", flat=True))
    taken = set(Team.objects.values_list("code", flat=True))
    missing = [name for name in names if name not in known]
    for name in missing:
        code = team_code(name, taken)
        taken.add(code)
        create_team(actor, train=train, code=code, name=name)
    _count(counts, len(names), len(missing))


def _services(
    actor: Actor,
    train: Train,
    delivered: tuple[openstack.DeliverableRow, ...],
    versions: tuple[openstack.VersionRow, ...],
    counts: Counts,
) -> None:
    teams = {t.name: t for t in Team.objects.filter(train=train)}
    owners = {row.name: row for row in delivered}
    names = list(dict.fromkeys([*owners, *(v.deliverable for v in versions)]))
    known = set(Service.objects.filter(name__in=names).values_list("name", flat=True))
    missing = [name for name in names if name not in known]
    for name in missing:
        row = owners.get(name)
        create_service(
            actor,
            name=name,
            train=train,
            team=teams.get(row.team) if row else None,
            repository=row.repositories[0] if row and row.repositories else "",
            description=f"{row.type}, {row.release_model}".strip(", ") if row else "",
        )
    _count(counts, len(names), len(missing))


def _increment(actor: Actor, train: Train, plan: openstack.ScheduleRow, counts: Counts) -> ProgramIncrement:
    """The series as one Program Increment, with the schedule's events as milestones and its freezes as freezes."""
    pi = ProgramIncrement.objects.filter(train=train, name=plan.series).first()
    made = pi is None
    if pi is None:
        monday = plan.start_week - timedelta(days=plan.start_week.weekday())
        after = plan.release_week - timedelta(days=plan.release_week.weekday()) + timedelta(weeks=1)
        pi = create_increment(actor, train=train, name=plan.series, starts=monday, ends=after)
        _name_by_weeks(pi, plan)
    _count(counts, 1, int(made))
    events = {(e.title[:120], e.week_start) for e in plan.events}
    known = set(Milestone.objects.filter(pi=pi).values_list("name", "on"))
    for title, day in sorted(events - known, key=lambda e: (e[1], e[0])):
        create_milestone(actor, train=train, pi=pi, name=title, on=day, kind=Milestone.Kind.EVENT)
    _count(counts, len(events), len(events - known))
    freezes = {
        (f"{plan.series}: {f.title}"[:120], f.starts_on, f.ends_on, f.text[:500]) for f in plan.freezes()
    }
    present = set(Freeze.objects.filter(train=train).values_list("name", flat=True))
    wanted = {name: (starts, ends, text) for name, starts, ends, text in sorted(freezes, key=lambda f: f[1])}
    for name, (starts, ends, text) in wanted.items():
        if name not in present:
            create_freeze(
                actor,
                name=name,
                train=train,
                starts=datetime.combine(starts, time(), UTC),
                ends=datetime.combine(ends, time(), UTC),
                reason=text or "Published in the schedule of the series.",
            )
    _count(counts, len(wanted), len(set(wanted) - present))
    return pi


def _name_by_weeks(pi: ProgramIncrement, plan: openstack.ScheduleRow) -> None:
    """Iterations by the weeks they cover, counted down to the release (R-5 to R-4); none is kept for planning alone."""
    iterations = list(pi.iterations.order_by("starts"))
    for each in iterations:
        weeks = [w.name for w in plan.weeks if w.name and each.starts <= w.start < each.ends]
        if weeks:
            each.name = weeks[0] if len(weeks) == 1 else f"{weeks[0]} to {weeks[-1]}"
        each.innovation = False
    bulk_update_tracked(iterations, ["name", "innovation"])


def _release(
    actor: Actor, train: Train, plan: openstack.ScheduleRow, pi: ProgramIncrement, counts: Counts
) -> Release:
    """The coordinated release of the series."""
    release = Release.objects.filter(train=train, pi=pi).order_by("created_at").first()
    _count(counts, 1, int(release is None))
    if release is not None:
        return release
    return create_release(
        actor,
        train=train,
        version=f"{plan.series}.0" if plan.series.count(".") == 1 else plan.series,
        name=plan.name[:120],
        pi=pi,
        target_at=datetime.combine(plan.release_week, time(12), UTC),
    )


def _published(row: openstack.VersionRow, release: Release) -> DeploymentRow:
    """Publishing a version, from its proposal to its approval, as a deployment to where everybody gets it."""
    return DeploymentRow(
        service=row.deliverable,
        environment=PUBLISHED,
        status="succeeded",
        version=row.version,
        commit=row.repositories[0][1] if row.repositories else "",
        started_at=min(row.proposed_at, row.merged_at),
        finished_at=row.merged_at,
        release=release.key,
        source=SOURCE,
        external_id=f"{row.series}/{row.deliverable}/{row.version}",
    )
