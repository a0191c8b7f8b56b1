"""Verbs of evidence packages: ask for one, cancel it, build it again after a failure, check that it is still intact."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from governance.evidence import checking, collect
from governance.evidence.subjects import PERIOD, period_label
from governance.models import ChangeRequest, EvidencePackage
from governance.states.evidence import EVIDENCE_STATES
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.tasks import enqueue
from trains.models import Release

State = EvidencePackage.State


@action(
    "evidence_package.request",
    creates=EvidencePackage,
    requires="evidence.build",
    within="release",
    label="Build a package",
)
def request_package(
    actor: Actor,
    *,
    release: Annotated[
        Release | None, Field("Release", help="A release, a change, or a period: one of the three.")
    ] = None,
    change: Annotated[ChangeRequest | None, Field("Change request")] = None,
    starts: Annotated[datetime | None, Field("Period from", help="For a period: both ends.")] = None,
    ends: Annotated[datetime | None, Field("Period until")] = None,
) -> EvidencePackage:
    """Ask for an evidence package; a worker builds it.

    While one about the same subject is being built, asking again gives that one.
    """
    period = starts is not None or ends is not None
    if (release is not None) + (change is not None) + period != 1:
        refuse(
            "evidence.subject",
            "A package is about one thing: a release, a change, or a period.",
            field="release",
        )
    if period:
        return _period(actor, starts, ends)
    subject: Any = release or change
    return queue(actor, subject)


def queue(
    actor: Actor, subject: Any, *, origin: str = EvidencePackage.Origin.ASKED, trigger: int | None = None
) -> EvidencePackage:
    """Queue a package about an object of any registered kind, with the permission checked on that object."""
    kind = collect.kind_of(type(subject))
    if kind is None:
        refuse(
            "evidence.subject",
            f"There are no packages about a {subject._meta.verbose_name}.",
            field="release",
        )
    if not actor.may("evidence.build", subject):
        refuse("permission.missing", f"You need the permission evidence.build on {subject}.", status=403)
    at_work = EvidencePackage.objects.filter(
        subject_kind=kind.name, subject_id=subject.pk, state__in=[State.QUEUED, State.RUNNING]
    ).first()
    if at_work:
        return at_work
    return _create(
        actor,
        subject_kind=kind.name,
        subject_id=subject.pk,
        label=str(subject)[:200],
        train_id=_train_of(subject),
        board_id=getattr(subject, "board_id", None),
        origin=origin,
        trigger_entry=trigger,
    )


def _period(actor: Actor, starts: datetime | None, ends: datetime | None) -> EvidencePackage:
    if starts is None or ends is None:
        refuse("evidence.period", "A period has both ends.", field="ends" if starts else "starts")
    if ends <= starts:
        refuse("evidence.period", "The period ends before it begins.", field="ends")
    if ends > now():
        refuse(
            "evidence.period", "The period is not over: what will happen in it is not known.", field="ends"
        )
    if not actor.may("evidence.build"):
        refuse(
            "permission.missing",
            "A package about a period needs evidence.build in the whole organization.",
            status=403,
        )
    return _create(actor, subject_kind=PERIOD, label=period_label(starts, ends), starts=starts, ends=ends)


def _create(actor: Actor, **values: Any) -> EvidencePackage:
    package = EvidencePackage.objects.create(requested_by_id=actor.user_id, **values)
    ring(package)
    return package


def _train_of(subject: Any) -> Any:
    """The train on which a right to read the package counts."""
    for owner in (subject, getattr(subject, "release", None), getattr(subject, "service", None)):
        if owner is not None and getattr(owner, "train_id", None):
            return owner.train_id
    return None


def ring(package: EvidencePackage) -> None:
    """Wake a worker after the commit; the sweeper finds the work if nobody hears."""
    from governance.tasks.evidence import build_package

    enqueue(build_package, package.organization_id, package.pk)


@action(
    "evidence_package.cancel",
    on=EvidencePackage,
    requires="evidence.build",
    machine=EVIDENCE_STATES,
    danger=True,
    confirm="The worker stops. What it has made so far is thrown away.",
)
def cancel_package(actor: Actor, package: EvidencePackage) -> EvidencePackage:
    """Stop building this package."""
    package.lease = None
    package.claimed_until = None
    package.finished_at = now()
    package.step = ""
    return package


@action(
    "evidence_package.rebuild",
    on=EvidencePackage,
    requires="evidence.build",
    machine=EVIDENCE_STATES,
    label="Build again",
)
def rebuild_package(actor: Actor, package: EvidencePackage) -> EvidencePackage:
    """Build a package that failed or was cancelled. For new facts about the same subject, ask for a new package."""
    package.attempts = 0
    package.error = ""
    package.finished_at = None
    package.requested_at = now()
    ring(package)
    return package


@action("evidence_package.verify", on=EvidencePackage, requires="evidence.read", machine=EVIDENCE_STATES)
def verify_package(actor: Actor, package: EvidencePackage) -> EvidencePackage:
    """Check every file, record and ledger entry of the kept package against its seal, and say what was found."""
    finding = checking.check(package)
    package.verified_at = now()
    package.verified = finding.intact
    package.verified_said = finding.sentence
    package.save()
    return package
