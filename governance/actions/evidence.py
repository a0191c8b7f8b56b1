"""Verbs of evidence packages: ask for one, cancel it, build it again after a failure, check that it is still intact."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db.models import Max
from django.urls import reverse

from governance.evidence import checking, collect, links
from governance.evidence.subjects import PERIOD, period_label
from governance.models import ChangeRequest, Control, EvidencePackage, PackageSchedule
from governance.states.evidence import EVIDENCE_STATES
from releasetrain.accounts.models import Membership
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.tasks import enqueue
from trains.models import Release

State = EvidencePackage.State


@action(
    "evidence_package.request",
    creates=EvidencePackage,
    requires="evidence.build",
    within="release",
    label="Build a package",
    step_up=True,
)
def request_package(
    actor: Actor,
    *,
    release: Annotated[
        Release | None, Field("Release", help="A release, a change, a control, or a period: one of them.")
    ] = None,
    change: Annotated[ChangeRequest | None, Field("Change request")] = None,
    control: Annotated[
        Control | None, Field("Control", help="Alone, or with the period that is looked at.")
    ] = None,
    starts: Annotated[datetime | None, Field("Period from", help="For a period: both ends.")] = None,
    ends: Annotated[datetime | None, Field("Period until")] = None,
) -> EvidencePackage:
    """Ask for an evidence package; a worker builds it. Packages there are already stay as they are.

    While one about the same subject is being built, asking again gives that one.
    """
    period = starts is not None or ends is not None
    objects = [one for one in (release, change, control) if one is not None]
    if len(objects) > 1 or not (objects or period) or (period and objects and control is None):
        refuse(
            "evidence.subject",
            "A package is about one thing: a release, a change, a control, or a period.",
            field="release",
        )
    if not period:
        return queue(actor, objects[0])
    _over(starts, ends)
    assert starts
    assert ends
    if control is not None:
        return queue(actor, control, starts=starts, ends=ends)
    if not actor.may("evidence.build"):
        refuse(
            "permission.missing",
            "A package about a period needs evidence.build in the whole organization.",
            status=403,
        )
    return _create(actor, subject_kind=PERIOD, label=period_label(starts, ends), starts=starts, ends=ends)


def queue(
    actor: Actor,
    subject: Any,
    *,
    origin: str = EvidencePackage.Origin.ASKED,
    trigger: int | None = None,
    starts: datetime | None = None,
    ends: datetime | None = None,
    schedule: PackageSchedule | None = None,
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
        subject_kind=kind.name,
        subject_id=subject.pk,
        starts=starts,
        ends=ends,
        state__in=[State.QUEUED, State.RUNNING],
    ).first()
    if at_work:
        return at_work
    label = f"{str(subject)[:150]}, {period_label(starts, ends)}" if starts and ends else str(subject)
    return _create(
        actor,
        subject_kind=kind.name,
        subject_id=subject.pk,
        label=label[:200],
        starts=starts,
        ends=ends,
        train_id=_train_of(subject),
        board_id=getattr(subject, "board_id", None),
        origin=origin,
        trigger_entry=trigger,
        schedule=schedule,
    )


def scheduled_package(
    actor: Actor, schedule: PackageSchedule, starts: datetime, ends: datetime
) -> EvidencePackage | None:
    """The package of one period of a schedule; None when it was asked for already or its subject is gone."""
    if EvidencePackage.objects.filter(schedule=schedule, starts=starts).exists():
        return None
    if not schedule.about_kind:
        return _create(
            actor,
            subject_kind=PERIOD,
            label=period_label(starts, ends),
            starts=starts,
            ends=ends,
            origin=EvidencePackage.Origin.AUTOMATIC,
            schedule=schedule,
        )
    kind = collect.subject_kinds().get(schedule.about_kind)
    subject = kind.model._default_manager.filter(pk=schedule.about_id).first() if kind else None
    if subject is None:
        return None
    return queue(
        actor,
        subject,
        origin=EvidencePackage.Origin.AUTOMATIC,
        starts=starts,
        ends=ends,
        schedule=schedule,
    )


def _over(starts: datetime | None, ends: datetime | None) -> None:
    """Refuse a period that is none, or is not over."""
    if starts is None or ends is None:
        refuse("evidence.period", "A period has both ends.", field="ends" if starts else "starts")
    if ends <= starts:
        refuse("evidence.period", "The period ends before it begins.", field="ends")
    if ends > now():
        refuse(
            "evidence.period", "The period is not over: what will happen in it is not known.", field="ends"
        )


def _create(actor: Actor, **values: Any) -> EvidencePackage:
    about = {name: values.get(name) for name in ("subject_kind", "subject_id", "starts", "ends")}
    newest = EvidencePackage.objects.filter(**about).aggregate(newest=Max("version"))["newest"] or 0
    package = EvidencePackage.objects.create(requested_by_id=actor.user_id, version=newest + 1, **values)
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
    package.waiting_for = ""
    package.tries_again_at = None
    return package


@action(
    "evidence_package.rebuild",
    on=EvidencePackage,
    requires="evidence.build",
    machine=EVIDENCE_STATES,
    label="Build again",
    step_up=True,
)
def rebuild_package(actor: Actor, package: EvidencePackage) -> EvidencePackage:
    """Build a package that failed or was cancelled. A finished one never changes: renew it instead."""
    package.attempts = 0
    package.waits = 0
    package.error = ""
    package.finished_at = None
    package.requested_at = now()
    ring(package)
    return package


@action(
    "evidence_package.renew",
    on=EvidencePackage,
    requires="evidence.build",
    label="Build a new version",
    step_up=True,
)
def renew_package(actor: Actor, package: EvidencePackage) -> EvidencePackage:
    """Build a package about the same subject from the facts as they are now. The finished one is kept as it is."""
    if not package.is_settled:
        refuse(
            "evidence.unfinished",
            f"{package.key} is being built.",
            remedy="Wait until it is done, or cancel it.",
            blocked_by=Ref.of(package),
        )
    if package.subject_id is None:
        assert package.starts
        assert package.ends
        return request_package(actor, starts=package.starts, ends=package.ends)
    kind = collect.subject_kinds().get(package.subject_kind)
    subject = kind.model._default_manager.filter(pk=package.subject_id).first() if kind else None
    if subject is None:
        refuse("evidence.subject_gone", f"{package.label} is not there any more.")
    return queue(actor, subject, starts=package.starts, ends=package.ends)


@action("evidence_package.verify", on=EvidencePackage, requires="evidence.read", machine=EVIDENCE_STATES)
def verify_package(actor: Actor, package: EvidencePackage) -> EvidencePackage:
    """Check every file, record and ledger entry of the kept package against its seal, and say what was found."""
    finding = checking.check(package)
    package.verified_at = now()
    package.verified = finding.intact
    package.verified_said = finding.sentence
    package.save()
    return package


@action(
    "evidence_package.link", on=EvidencePackage, requires="evidence.build", label="Make a link", step_up=True
)
def link_package(
    actor: Actor,
    package: EvidencePackage,
    *,
    email: Annotated[
        str, Field("For", help="The e-mail address of whom the link is for. Empty: yourself.", max_length=254)
    ] = "",
    minutes: Annotated[
        int, Field("Minutes", help="A week at most.", min=1, max=links.MOST_MINUTES)
    ] = links.DEFAULT_MINUTES,
) -> dict[str, Any]:
    """Make a download link for one person, which is over after some minutes."""
    if package.state != State.DONE:
        refuse("evidence.unfinished", f"{package.key} is not finished.", remedy="Wait until it is done.")
    member = Membership.objects.filter(
        organization_id=actor.organization_id, suspended_at__isnull=True, user__is_active=True
    ).select_related("user")
    found = (
        member.filter(user__email__iexact=email.strip())
        if email.strip()
        else member.filter(user=actor.user_id)
    )
    person = found.first()
    if person is None:
        refuse(
            "person.unknown",
            f"{email or 'Nobody'} is no member of this organization.",
            remedy="Links are for members; let an external auditor in first.",
            field="email",
        )
    if minutes > links.MOST_MINUTES or minutes < 1:
        refuse("link.minutes", "A link lasts a minute at least and a week at most.", field="minutes")
    slug = Organization.objects.get(pk=actor.organization_id).slug
    token = links.issue(package, person.user_id, minutes)
    return {
        "url": reverse("evidence_link", args=[slug, package.key, token]),
        "for": str(person.user),
        "expires_at": now() + timedelta(minutes=minutes),
    }
