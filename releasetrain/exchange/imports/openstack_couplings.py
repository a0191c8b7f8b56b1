"""How the deliverables of a release series are coupled, as their changes show."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Annotated

from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from trains.actions.couplings import record_couplings
from trains.actions.services import create_service
from trains.models import ImportRun, Service, Team, Train
from trains.rules.coupling_rows import CouplingRow
from trains.rules.readers import openstack_work as work

from .gathering import Counts, Faults, put_on_record, stream

REQUIREMENTS = "openstack/requirements"


@action(
    "import_run.series_couplings",
    creates=ImportRun,
    requires="imports.run",
    within="train",
    label="Import couplings of a series",
)
def import_series_couplings(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train", help="Repositories that are not known yet join it as services.")],
    dependencies: Annotated[
        Upload, Field("Dependencies", help="CSV: series, from_repo, from_team, relation, to_repo, to_team, …")
    ],
    commits: Annotated[
        Upload | None, Field("Commits", help="CSV, plain or gzip: repo, merged_at, change_id, closes_bug, …")
    ] = None,
    constraints: Annotated[
        Upload | None, Field("Constraints", help="CSV, plain or gzip: merged_at, package, needed_by, …")
    ] = None,
    series: Annotated[str, Field("Series", help="Empty: every series in the file.", max_length=40)] = "",
) -> ImportRun:
    """Import couplings from changes that needed each other, bugs fixed in several places, and requirements: all or none."""
    started = now()
    faults = Faults()
    edges = [
        e
        for e in work.read_edges(stream(dependencies), faults)
        if e.to_repository and e.cross_repository and (not series or e.series == series)
    ]
    changes = list(work.read_commits(stream(commits), faults)) if commits else []
    bounds = list(work.read_constraints(stream(constraints), faults)) if constraints else []
    faults.refuse()
    names = _services(actor, train, edges, changes)
    rows = [*_needs(edges, names), *_together(changes, names), *_required(bounds, names)]
    counts = Counts()
    counts.add(record_couplings(actor, rows, origin=dependencies.name))
    return put_on_record(
        "series couplings", [u for u in (dependencies, commits, constraints) if u], counts, started
    )


def _services(
    actor: Actor, train: Train, edges: Iterable[work.EdgeRow], changes: Iterable[work.CommitRow]
) -> dict[str, str]:
    """Repository → name of its service; a repository that is no deliverable of the series becomes one of its team."""
    teams = {each.from_repository: each.from_team for each in edges}
    teams |= {each.to_repository: each.to_team for each in edges}
    for change in changes:
        teams.setdefault(change.repository, "")
    known = {s.repository: s.name for s in Service.objects.exclude(repository="")}
    taken = set(Service.objects.values_list("name", flat=True))
    owners = {t.name.casefold(): t for t in Team.objects.filter(train=train)}
    system = Actor.system(actor.organization_id, "named by an import of couplings", route=actor.route)
    for repository, team in sorted(teams.items()):
        if repository in known:
            continue
        name = repository.rpartition("/")[2]
        if name not in taken:
            create_service(
                system, name=name, train=train, team=owners.get(team.casefold()), repository=repository
            )
            taken.add(name)
        known[repository] = name
    return known


def _needs(edges: Iterable[work.EdgeRow], names: dict[str, str]) -> Iterable[CouplingRow]:
    """A change that needs another one was made together with it; one that needs a requirement keeps a contract."""
    for edge in edges:
        source, target = names[edge.from_repository], names[edge.to_repository]
        if edge.relation == "needed_by":
            source, target = target, source
        if source != target:
            required = REQUIREMENTS in (edge.from_repository, edge.to_repository)
            yield CouplingRow(source, target, "contract" if required else "co_change")


def _together(changes: Iterable[work.CommitRow], names: dict[str, str]) -> Iterable[CouplingRow]:
    """One bug, or one change with its copies, in several repositories: they changed together, once for each."""
    reasons: dict[str, set[str]] = {}
    for change in changes:
        for reason in (f"change {change.change_id}" if change.change_id else "", *change.bugs):
            if reason:
                reasons.setdefault(reason, set()).add(names[change.repository])
    for _, together in sorted(reasons.items()):
        for one, other in combinations(sorted(together), 2):
            yield CouplingRow(one, other, "co_change")


def _required(bounds: Iterable[work.ConstraintRow], names: dict[str, str]) -> Iterable[CouplingRow]:
    """A change that waited for a new version of a package which is itself a service."""
    services = set(names.values())
    for bound in bounds:
        for project in bound.projects:
            if bound.package in services and names.get(project, bound.package) != bound.package:
                yield CouplingRow(names[project], bound.package, "contract")
