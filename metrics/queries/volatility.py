"""Changes of scope after the baseline, of releases and of Program Increments (M12)."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from metrics.queries.dora import Wanted
from metrics.rules.periods import Period
from metrics.rules.volatility import Change, Scope
from planning.models import Feature, PlanBaseline, PlanChange, PlanChangeItem
from trains.models import Release, ScopeChange, ScopeItem, Team

NOBODY, NO_DOMAIN = "No team", "No theme"
_ACTS = {"added": "added", "removed": "removed", "add": "added", "remove": "removed", "move": "changed"}


@dataclass(slots=True)
class Scopes:
    """The same changes seen by release (or plan), by team and by domain; `rows` are the changes themselves."""

    by_release: list[Scope] = field(default_factory=list)
    by_team: list[Scope] = field(default_factory=list)
    by_domain: list[Scope] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    objects: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Owner:
    team: str
    domain: str


def scopes_of(period: Period, wanted: Wanted) -> Scopes:
    """Releases frozen in the period and plans committed in it; a handful of queries, however many."""
    found = Scopes()
    team = Team.objects.filter(pk=wanted.team).first() if wanted.team else None
    _releases(found, period, wanted, team.name if team else "")
    _plans(found, period, wanted, team.name if team else "")
    found.rows.sort(key=lambda row: row[0], reverse=True)
    return found


def _releases(found: Scopes, period: Period, wanted: Wanted, only: str) -> None:
    rows = Release.objects.filter(frozen_at__gte=period.start, frozen_at__lt=period.end)
    rows = rows.filter(train_id=wanted.train) if wanted.train else rows
    rows = rows.filter(artifacts__service_id=wanted.service) if wanted.service else rows
    releases = {r.pk: r for r in rows.select_related("train", "owner")}
    items = list(
        ScopeItem.objects.filter(release__in=list(releases)).values_list(
            "pk", "release_id", "source_kind", "source_id", "removed_at"
        )
    )
    owners = _owners(source for _, _, kind, source, _ in items if kind == "feature" and source)
    changes: dict[uuid.UUID, list[Any]] = defaultdict(list)
    listed = ScopeChange.objects.filter(release__in=list(releases), after_baseline=True).select_related(
        "item"
    )
    for change in listed.order_by("-at"):
        changes[change.item_id].append(change)
    # Every item that the baseline held: those that came later, or had left before it, are not in it.
    groups: dict[tuple[str, str, str], tuple[int, list[Change]]] = {}
    for pk, release_id, kind, source, removed in items:
        release = releases[release_id]
        owner = owners.get(source) if kind == "feature" and source else None
        team = owner.team if owner else (release.owner.name if release.owner else NOBODY)
        if only and team != only:
            continue
        key = str(release), team, owner.domain if owner else NO_DOMAIN
        late = changes.get(pk, [])
        came_late = any(c.act == ScopeChange.Act.ADDED for c in late)
        left_before = removed is not None and not any(c.act == ScopeChange.Act.REMOVED for c in late)
        baseline, known = groups.get(key, (0, []))
        known += [Change(_ACTS[c.act], _brief(c.cause), c.pk) for c in late]
        groups[key] = baseline + (not came_late and not left_before), known
        for c in late:
            found.rows.append((c.at, release, str(c.item), c.get_act_display(), team, c.cause, c.by))
    found.objects.update({str(r): r for r in releases.values()})
    _spread(found, groups)


def _plans(found: Scopes, period: Period, wanted: Wanted, only: str) -> None:
    baselines = PlanBaseline.objects.filter(committed_at__gte=period.start, committed_at__lt=period.end)
    baselines = baselines.filter(pi__train_id=wanted.train) if wanted.train else baselines
    latest: dict[uuid.UUID, PlanBaseline] = {}
    for each in baselines.select_related("pi__train").order_by("committed_at"):
        latest[each.pi_id] = each
    teams = {t.code: t.name for t in Team.objects.all()}
    ids = [f["id"] for b in latest.values() for f in b.content.get("features", [])]
    themes = dict(Feature.objects.filter(pk__in=ids).values_list("pk", "theme__name"))
    groups: dict[tuple[str, str, str], tuple[int, list[Change]]] = {}
    for each in latest.values():
        counted: Counter[tuple[str, str]] = Counter()
        for f in each.content.get("features", []):
            theme = themes.get(uuid.UUID(str(f["id"]))) or NO_DOMAIN
            counted[teams.get(f.get("team", ""), NOBODY), theme] += 1
        for (team, theme), count in counted.items():
            if not only or team == only:
                groups[_plan(each), team, theme] = count, []
    changes = PlanChangeItem.objects.filter(
        change__pi__in=list(latest), change__state=PlanChange.State.ACCEPTED
    ).exclude(change__decided_at__isnull=True)
    for item in changes.select_related(
        "change__pi__train", "feature__team", "feature__theme", "team"
    ).order_by("-created_at"):
        base = latest[item.change.pi_id]
        if item.change.decided_at is None or item.change.decided_at < base.committed_at:
            continue
        owner = item.feature.team or item.team
        team = owner.name if owner else NOBODY
        if only and team != only:
            continue
        theme = item.feature.theme.name if item.feature.theme else NO_DOMAIN
        count, known = groups.get((_plan(base), team, theme), (0, []))
        known.append(Change(_ACTS[item.act], item.change.get_cause_display(), item.pk))
        groups[_plan(base), team, theme] = count, known
        found.rows.append(
            (
                item.change.decided_at,
                item.change,
                str(item.feature),
                item.get_act_display(),
                team,
                item.change.cause_label,
                "",
            )
        )
    found.objects.update({_plan(b): b.pi for b in latest.values()})
    _spread(found, groups)


def _plan(baseline: PlanBaseline) -> str:
    return f"{baseline.pi.train.key} {baseline.pi.name}"


def _spread(found: Scopes, groups: dict[tuple[str, str, str], tuple[int, list[Change]]]) -> None:
    for (release, team, domain), (baseline, changes) in groups.items():
        for by, name in ((found.by_release, release), (found.by_team, team), (found.by_domain, domain)):
            by.append(Scope(name, release, baseline, tuple(changes)))


def _owners(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, _Owner]:
    rows = Feature.objects.filter(pk__in=list(ids)).values_list("pk", "team__name", "theme__name")
    return {pk: _Owner(team or NOBODY, theme or NO_DOMAIN) for pk, team, theme in rows}


def _brief(cause: str) -> str:
    return cause.strip().split("\n")[0][:80]
