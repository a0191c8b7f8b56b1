"""Moments of features, releases and approvals on their way to production (M3)."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet

from governance.models import ChangeRequest
from metrics.queries import state_entries
from metrics.queries.dora import Wanted
from metrics.queries.outcomes import harmed
from metrics.rules.cycle import Approval, Travel, hours_between
from metrics.rules.periods import Period
from planning.models import Feature
from planning.states import FeatureState
from trains.models import Deployment, Environment, Release, ScopeItem

STATES = {
    "planning": "Planning",
    "scoped": "Scope agreed, until the freeze",
    "frozen": "From freeze to ready",
    "ready": "Waiting for approval",
    "approved": "Approved, waiting to be deployed",
    "deploying": "Being rolled out",
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A release that went live in the period: its stays in states, and whether it was late or failed."""

    release: Release
    moments: Mapping[str, datetime]
    hours: Mapping[str, float]
    late: bool
    failed: bool

    @property
    def bad(self) -> bool:
        return self.late or self.failed


def releases(period: Period, wanted: Wanted) -> list[Arrived]:
    """Releases that went live in the period, with what their history says; two queries."""
    went_wrong = (
        Deployment.objects.filter(release=OuterRef("pk"), environment__kind=Environment.Kind.PRODUCTION)
        .annotate(harmed=harmed())
        .filter(Q(state__in=[Deployment.State.FAILED, Deployment.State.ROLLED_BACK]) | Q(harmed=True))
    )
    rows = (
        _of(Release.objects.filter(released_at__gte=period.start, released_at__lt=period.end), wanted)
        .annotate(
            went_wrong=Exists(went_wrong),
            approved=Max("changes__approved_at"),
            begun=Min(
                "deployments__started_at",
                filter=Q(deployments__environment__kind=Environment.Kind.PRODUCTION),
            ),
        )
        .select_related("train")
        .order_by("-released_at")
    )
    listed = list(rows)
    entries = _entries(Release, [r.pk for r in listed])
    return [_arrived(r, entries.get(r.pk, [])) for r in listed]


def _of(rows: QuerySet[Release], wanted: Wanted) -> QuerySet[Release]:
    if wanted.train:
        rows = rows.filter(train_id=wanted.train)
    if wanted.team:
        rows = rows.filter(**{"owner_id": wanted.team})
    if wanted.service:
        rows = rows.filter(artifacts__service_id=wanted.service)
    return rows


def _arrived(release: Release, entries: list[tuple[str, datetime]]) -> Arrived:
    """Moments as people and pipelines recorded them; where they did not, when the release came into the state."""
    released = release.released_at
    assert released is not None  # filtered above
    entered: dict[str, datetime] = {}
    for state, since in entries:
        # An approval that fell and came again ends with the last one; readiness begins with the first.
        if since <= released and (state not in entered or state in ("approved", "deploying")):
            entered[state] = since
    recorded = {
        "frozen": release.frozen_at,
        "approved": getattr(release, "approved", None),
        "deploying": getattr(release, "begun", None),
    }
    moments = {
        **entered,
        **{state: at for state, at in recorded.items() if at is not None and at <= released},
    }
    order = [state for state in STATES if state in moments]
    hours: dict[str, float] = {}
    for state, following in pairwise([*order, ""]):
        spent = hours_between(moments[state], moments[following] if following else released)
        if spent is not None:
            hours[state] = spent
    late = release.target_at is not None and released > release.target_at
    failed = release.state == Release.State.ROLLED_BACK or bool(getattr(release, "went_wrong", False))
    return Arrived(release, moments, hours, late, failed)


def _entries(model: Any, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[tuple[str, datetime]]]:
    found: dict[uuid.UUID, list[tuple[str, datetime]]] = defaultdict(list)
    for ident, state, at in state_entries.entries(model.history.filter(id__in=list(ids))):
        found[ident].append((state, at))
    return found


def features(arrived: Iterable[Arrived]) -> tuple[list[Travel], dict[uuid.UUID, Feature]]:
    """The way of every feature that the releases delivered; three queries.

    Committed is the commitment of the Program Increment it was planned in; a feature that came in later counts from when
    it was planned.
    """
    by_release = {a.release.pk: a for a in arrived}
    items = ScopeItem.objects.filter(
        release__in=list(by_release), removed_at__isnull=True, source_kind="feature", source_id__isnull=False
    ).values_list("source_id", "release_id", "created_at")
    carried = [(source, by_release[release], added) for source, release, added in items if source]
    ids = [source for source, _, _ in carried]
    known = {f.pk: f for f in Feature.objects.filter(pk__in=ids).select_related("pi", "team")}
    entries = _entries(Feature, ids)
    travels = []
    for source, release, added in carried:
        feature = known.get(source)
        if feature is None:
            continue
        first: dict[str, datetime] = {}
        for state, at in entries.get(source, []):
            first.setdefault(state, at)
        planned = first.get(FeatureState.PLANNED)
        agreed = feature.pi.committed_at if feature.pi else None
        committed = max(planned, agreed) if planned and agreed else planned or agreed
        started = first.get(FeatureState.IN_PROGRESS)
        moments = {
            "committed": committed,
            "started": started,
            "scoped": added,
            "frozen": release.release.frozen_at,
            "ready": release.moments.get("ready"),
            "approved": release.moments.get("approved"),
            "deploying": release.moments.get("deploying"),
            "released": release.release.released_at,
        }
        travels.append(Travel(source, moments, release.bad))
    return travels, known


def approvals(period: Period, wanted: Wanted) -> list[Approval]:
    """Change requests submitted in the period with the moments of their approval; one query."""
    rows = ChangeRequest.objects.filter(submitted_at__gte=period.start, submitted_at__lt=period.end)
    if wanted.train:
        rows = rows.filter(Q(release__train_id=wanted.train) | Q(service__train_id=wanted.train))
    if wanted.team:
        rows = rows.filter(Q(release__owner_id=wanted.team) | Q(service__team_id=wanted.team))
    if wanted.service:
        rows = rows.filter(
            Q(service_id=wanted.service) | Q(release__artifacts__service_id=wanted.service)
        ).distinct()
    listed = (
        rows.annotate(first_vote=Min("votes__cast_at"))
        .order_by()
        .values_list(
            "pk",
            "board__name",
            "submitted_at",
            "first_vote",
            "approved_at",
            "window_starts",
            "revision",
            "state",
        )
    )
    return [
        Approval(
            pk,
            board,
            # A vote of an earlier round lies before the present submission: then the round began with it.
            {
                "submitted": min(submitted, first or submitted),
                "first_vote": first,
                "approved": approved,
                "window": window,
            },
            revision,
            state,
        )
        for pk, board, submitted, first, approved, window, revision, state in listed
        if submitted is not None
    ]
