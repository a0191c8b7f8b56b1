"""What a release touches and who has to sign for it; the security tests and threat models that this obliges to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from governance.models import (
    ChangeContributor,
    ChangeRequest,
    CheckpointSignOff,
    ComplianceCheckpoint,
    FlagKind,
    ModelledThreat,
    Result,
    ResultKind,
    ScopeFlag,
    SecurityTest,
    ThreatModel,
)
from governance.models.compliance import REGIMES, Point, SignOffDecision
from governance.queries.results import standing_results
from governance.rules.threats import open_reason
from releasetrain.accounts.models import Grant
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.canonical import digest
from trains.models import Artifact, Release, ScopeItem
from trains.queries.releases import release_content


@dataclass(frozen=True)
class Touched:
    """The flags in force of a release, what they are about, and whether anybody has looked at all."""

    flags: tuple[ScopeFlag, ...]
    assessed: bool

    def of(self, kinds: Iterable[str]) -> list[ScopeFlag]:
        wanted = set(kinds)
        return [flag for flag in self.flags if flag.kind in wanted]

    @property
    def regimes(self) -> list[str]:
        return sorted({flag.kind for flag in self.of(REGIMES)})


def touched_by(release: Release) -> Touched:
    """The flags of the release, of its items, of their backlog items and of the services whose builds it carries.

    It is assessed when anything is flagged, or when somebody said after the last item came in that nothing applies.
    """
    items = list(ScopeItem.objects.filter(release=release, removed_at__isnull=True))
    keys = [item.source_key for item in items if item.source_key]
    services = release.artifacts.values("service")
    rows = ScopeFlag.objects.filter(withdrawn_at__isnull=True).filter(
        Q(release=release) | Q(item__in=items) | Q(source_key__in=keys) | Q(service__in=services)
    )
    flags = list(rows.select_related("service", "release", "item", "raised_by").order_by("raised_at", "id"))
    named = tuple(flag for flag in flags if flag.kind != FlagKind.NONE)
    cleared = [flag for flag in flags if flag.kind == FlagKind.NONE and flag.release_id == release.pk]
    latest = max((item.created_at for item in items), default=None)
    clear = any(latest is None or flag.raised_at >= latest for flag in cleared)
    return Touched(named, bool(named) or clear)


def signed_content(release: Release, point: str, touched: Touched | None = None) -> str:
    """The digest of what a sign-off at this point is about: until the scope freeze the scope, later all content."""
    content: Any = release_content(release)
    if point == Point.SCOPE_FREEZE:
        content = {name: content[name] for name in ("release", "items")}
    flags = sorted([flag.kind, str(flag.pk)] for flag in (touched or touched_by(release)).of(REGIMES))
    return digest([content, flags])


@dataclass(frozen=True)
class Stop:
    """One checkpoint of a release and how it stands; `reason` is empty when it is passed."""

    checkpoint: ComplianceCheckpoint
    sign_off: CheckpointSignOff | None
    reason: str
    because: tuple[ScopeFlag, ...]


def stops_of(
    release: Release, *, points: Iterable[str] | None = None, touched: Touched | None = None
) -> list[Stop]:
    """The checkpoints that the release's flags bring into its way, in the order of the way."""
    touched = touched or touched_by(release)
    if not touched.regimes:
        return []
    rows = ComplianceCheckpoint.objects.filter(
        Q(train__isnull=True) | Q(train=release.train_id),
        retired_at__isnull=True,
        regime__in=touched.regimes,
    )
    if points is not None:
        rows = rows.filter(point__in=list(points))
    checkpoints = list(rows)
    latest: dict[UUID, CheckpointSignOff] = {}
    said = CheckpointSignOff.objects.filter(release=release, checkpoint__in=checkpoints)
    for row in said.select_related("signed_by").order_by("signed_at", "id"):
        latest[row.checkpoint_id] = row
    digests = {point: signed_content(release, point, touched) for point in {c.point for c in checkpoints}}
    order = list(Point.values)
    found = []
    for checkpoint in sorted(checkpoints, key=lambda c: (order.index(c.point), c.regime, c.function)):
        last = latest.get(checkpoint.pk)
        because = tuple(touched.of([checkpoint.regime]))
        found.append(Stop(checkpoint, last, _unsigned(checkpoint, last, digests[checkpoint.point]), because))
    return found


def _unsigned(checkpoint: ComplianceCheckpoint, row: CheckpointSignOff | None, content: str) -> str:
    who = f"{checkpoint.get_function_display()} ({checkpoint.get_regime_display()})"
    if row is None:
        return f"{who} has not signed off."
    if row.decision == SignOffDecision.REFUSED:
        return f"{who} refused: {row.statement}"
    if row.content_digest != content:
        return f"{who} signed on {row.signed_at:%Y-%m-%d}; the content has changed since."
    return ""


def holds_role(user_id: UUID | None, role: str, release: Release, at: datetime) -> bool:
    """Whether somebody holds the role now, in the organization or on the release's train."""
    rows = Grant.objects.filter(user=user_id, role=role, revoked_at__isnull=True, starts_at__lte=at)
    rows = rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
    return rows.filter(
        Q(scope__kind="organization") | Q(scope__kind="train", scope__object_id=release.train_id)
    ).exists()


# Whoever did one of these to a release has shaped what is signed for.
_AUTHORING = (
    "release.create",
    "release.edit",
    "release.add_item",
    "release.remove_item",
    "release.attach_artifact",
)


def authors_of(release: Release) -> set[UUID]:
    """Whoever made or shaped the release, wrote its change request, or contributed to that."""
    acts = LedgerEntry.objects.filter(subject_kind="release", subject_id=str(release.pk), verb__in=_AUTHORING)
    found = set(acts.values_list("actor_id", flat=True))
    changes = ChangeRequest.objects.filter(release=release)
    found |= set(changes.values_list("author_id", flat=True))
    found |= set(ChangeContributor.objects.filter(change__in=changes).values_list("user_id", flat=True))
    return {each for each in found if each is not None}


# -- security tests


@dataclass(frozen=True)
class Tested:
    """How one build was tested by one method; `reason` is empty when it may pass."""

    artifact: Artifact
    method: str
    test: SecurityTest | Result | None
    at: datetime | None
    verdict: str
    reason: str


def security_of(artifacts: Iterable[Artifact], methods: Iterable[str]) -> list[Tested]:
    """The latest test of every build by every method that is asked for. A standing report of static analysis is SAST."""
    listed, wanted = list(artifacts), list(methods)
    latest: dict[tuple[UUID, str], SecurityTest] = {}
    rows = SecurityTest.objects.filter(artifact__in=listed, method__in=wanted)
    for row in rows.order_by("performed_at", "id"):
        latest[row.artifact_id, row.method] = row
    scans = standing_results(listed, ResultKind.STATIC_ANALYSIS) if "sast" in wanted else {}
    return [_tested(a, m, latest.get((a.pk, m)), scans.get(a.pk, [])) for a in listed for m in wanted]


def _tested(artifact: Artifact, method: str, test: SecurityTest | None, scans: list[Result]) -> Tested:
    name = dict(SecurityTest.Method.choices)[method]
    if test is not None:
        bad = not test.complete or test.critical or test.high
        reason = f"{name} of {artifact}: {test.outcome}." if bad else ""
        return Tested(artifact, method, test, test.performed_at, "fail" if bad else "pass", reason)
    if method == "sast" and scans:
        # What a scan found is judged by the check of static analysis; here it counts that it was done.
        oldest = min(scans, key=lambda row: row.as_of)
        return Tested(artifact, method, oldest, oldest.as_of, "pass", "")
    return Tested(artifact, method, None, None, "pending", f"{artifact} has no {name[0].lower()}{name[1:]}.")


# -- threat models


@dataclass(frozen=True)
class Threatened:
    """One flag that asks for a threat model, the model that answers it, and what of it blocks."""

    flag: ScopeFlag
    model: ThreatModel | None
    reasons: tuple[str, ...]
    blocking: tuple[ModelledThreat, ...]
    valid_until: datetime | None


def threats_of(
    release: Release, at: datetime, *, verified: bool = False, touched: Touched | None = None
) -> list[Threatened]:
    """For everything complex in the release: its threat model and the threats that are open."""
    flags = (touched or touched_by(release)).of([FlagKind.COMPLEX])
    if not flags:
        return []
    models = list(
        ThreatModel.objects.exclude(state=ThreatModel.State.RETIRED)
        .filter(
            Q(release=release)
            | Q(service__in=[f.service_id for f in flags if f.service_id])
            | Q(source_key__in=[key for f in flags if (key := _key(f))])
        )
        .order_by("-created_at", "-id")
    )
    threats: dict[UUID, list[ModelledThreat]] = {}
    for threat in ModelledThreat.objects.filter(model__in=models).order_by("severity", "created_at", "id"):
        threats.setdefault(threat.model_id, []).append(threat)
    return [_threatened(flag, models, threats, at, verified) for flag in flags]


def _key(flag: ScopeFlag) -> str:
    return flag.source_key or (flag.item.source_key if flag.item else "")


def _threatened(
    flag: ScopeFlag,
    models: list[ThreatModel],
    threats: dict[UUID, list[ModelledThreat]],
    at: datetime,
    verified: bool,
) -> Threatened:
    key = _key(flag)
    fits = [
        m
        for m in models
        if (flag.service_id and m.service_id == flag.service_id)
        or (key and m.source_key == key)
        or (not flag.service_id and not m.source_key and m.release_id)
    ]
    if not fits:
        return Threatened(flag, None, (f"{flag} has no threat model.",), (), None)
    model = fits[0]
    reasons = []
    if model.state != model.State.APPROVED:
        reasons.append(f"{model} is {model.get_state_display().lower()}, not approved.")
    own = threats.get(model.pk, [])
    if not own:
        reasons.append(f"{model} names no threat.")
    blocking = []
    for threat in own:
        why = open_reason(threat.state, threat.controls, threat.accepted_until, at, verified=verified)
        if why:
            blocking.append(threat)
            reasons.append(f"{model.key} {threat.title}: {why}.")
    ends = [t.accepted_until for t in own if t.state == ModelledThreat.State.ACCEPTED and t.accepted_until]
    return Threatened(flag, model, tuple(reasons), tuple(blocking), min(ends, default=None))
