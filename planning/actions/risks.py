"""Risks: raised, linked, put on the ROAM board; threat models whose controls become features."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from planning.actions.features import create_feature
from planning.models import Feature, FeatureKind, Risk, RiskLink, Threat, ThreatControl, ThreatSession
from planning.queries.increments import today_of
from planning.states_event import RISK_STATES
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import ProgramIncrement, Release, Service, Train

explain_constraint("risk_link_feature_once", "This risk is linked to that feature already.")
explain_constraint("risk_link_release_once", "This risk is linked to that release already.")

Likelihood = Annotated[int, Field("Likelihood", "1 rare to 5 almost certain.", min=1, max=5)]
Impact = Annotated[int, Field("Impact", "1 negligible to 5 severe.", min=1, max=5)]
Why = Annotated[str, Field("Why", max_length=300)]


@action("risk.create", creates=Risk, requires="planning.edit", within="train", label="New risk")
def create_risk(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    title: Annotated[str, Field("Risk", "Because of …, … may happen, so that …", max_length=200)],
    likelihood: Likelihood,
    impact: Impact,
    pi: Annotated[ProgramIncrement | None, Field("PI")] = None,
    feature: Annotated[Feature | None, Field("Feature it threatens")] = None,
    release: Annotated[Release | None, Field("Release it threatens")] = None,
    description: Annotated[str, Field("Description", long=True)] = "",
    mitigation: Annotated[str, Field("What may lower it", long=True)] = "",
    due_on: Annotated[date | None, Field("Due")] = None,
) -> Risk:
    """Put a risk into the register."""
    if not title.strip():
        refuse("risk.title", "Say what may happen.", field="title", status=422)
    if pi is not None and pi.train_id != train.pk:
        refuse("train.other", f"{pi} is not of {train}.", field="pi")
    risk = Risk.objects.create(
        train=train,
        pi=pi,
        title=title.strip(),
        likelihood=likelihood,
        impact=impact,
        description=description.strip(),
        mitigation=mitigation.strip(),
        due_on=due_on,
    )
    for end in (feature, release):
        if end is not None:
            _link(risk, end)
    return risk


def _link(risk: Risk, end: Feature | Release) -> RiskLink:
    if end.train_id != risk.train_id:
        name = "feature" if isinstance(end, Feature) else "release"
        refuse("train.other", f"{end} belongs to another train.", field=name)
    ends = {"feature": end} if isinstance(end, Feature) else {"release": end}
    return RiskLink.objects.create(risk=risk, **ends)


@action("risk.link", on=Risk, requires="planning.edit", label="Link")
def link_risk(
    actor: Actor,
    risk: Risk,
    *,
    feature: Annotated[Feature | None, Field("Feature")] = None,
    release: Annotated[Release | None, Field("Release")] = None,
) -> Risk:
    """Say what the risk threatens."""
    if (feature is None) == (release is None):
        refuse("risk_link.one", "Name a feature or a release.", field="feature", status=422)
    _link(risk, feature or release)
    return risk


@action("risk.edit", on=Risk, requires="planning.edit")
def edit_risk(
    actor: Actor,
    risk: Risk,
    *,
    title: Annotated[str | None, Field("Risk", max_length=200)] = None,
    likelihood: Annotated[int | None, Field("Likelihood", min=1, max=5)] = None,
    impact: Annotated[int | None, Field("Impact", min=1, max=5)] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
    mitigation: Annotated[str | None, Field("What lowers it", long=True)] = None,
    due_on: Annotated[date | None, Field("Due")] = None,
) -> Risk:
    """Say better what may happen, or judge it anew."""
    risk.title = (title or "").strip() or risk.title
    risk.likelihood, risk.impact = likelihood or risk.likelihood, impact or risk.impact
    risk.description = risk.description if description is None else description.strip()
    risk.mitigation = risk.mitigation if mitigation is None else mitigation.strip()
    risk.due_on = due_on or risk.due_on
    risk.save()
    return risk


@action("risk.own", on=Risk, requires="planning.plan", machine=RISK_STATES)
def own_risk(
    actor: Actor,
    risk: Risk,
    *,
    owner: Annotated[User, Field("Owner")],
    due_on: Annotated[date | None, Field("Due")] = None,
) -> Risk:
    """Somebody takes care of it."""
    risk.owner, risk.due_on = owner, due_on or risk.due_on
    _no_acceptance(risk)
    return risk


@action("risk.accept", on=Risk, requires="planning.commit", machine=RISK_STATES)
def accept_risk(
    actor: Actor,
    risk: Risk,
    *,
    until: Annotated[date, Field("Until", "Then it is discussed again.")],
    reason: Why,
) -> Risk:
    """Live with it until a day: it is recorded who accepts it."""
    if until <= today_of(risk.train):
        refuse("risk.past", "Accept it until a day to come.", field="until", status=422)
    if actor.user_id is None:
        refuse("risk.nobody", "A person accepts a risk.", status=403)
    risk.accepted_by_id, risk.accepted_until, risk.reason = actor.user_id, until, reason.strip()
    return risk


@action("risk.mitigate", on=Risk, requires="planning.plan", machine=RISK_STATES)
def mitigate_risk(
    actor: Actor,
    risk: Risk,
    *,
    mitigation: Annotated[str, Field("What was done", long=True)],
    residual_likelihood: Annotated[int, Field("Likelihood that is left", min=1, max=5)],
    residual_impact: Annotated[int, Field("Impact that is left", min=1, max=5)],
) -> Risk:
    """It was lowered: say how, and what is left of it."""
    if residual_likelihood * residual_impact > risk.exposure:
        refuse(
            "risk.residual",
            f"What is left ({residual_likelihood * residual_impact}) is more than it was ({risk.exposure}).",
            remedy="Judge the risk itself anew first.",
            field="residual_likelihood",
            status=422,
        )
    risk.mitigation = mitigation.strip()
    risk.residual_likelihood, risk.residual_impact = residual_likelihood, residual_impact
    _no_acceptance(risk)
    return risk


@action("risk.resolve", on=Risk, requires="planning.plan", machine=RISK_STATES)
def resolve_risk(actor: Actor, risk: Risk, *, reason: Why) -> Risk:
    """It is no risk any more."""
    risk.reason = reason.strip()
    _no_acceptance(risk)
    return risk


@action("risk.reopen", on=Risk, requires="planning.plan", machine=RISK_STATES)
def reopen_risk(actor: Actor, risk: Risk, *, reason: Why) -> Risk:
    """Discuss it again."""
    risk.reason = reason.strip()
    _no_acceptance(risk)
    return risk


def _no_acceptance(risk: Risk) -> None:
    risk.accepted_by, risk.accepted_until = None, None


# -- threat models --


@action(
    "threat_session.create",
    creates=ThreatSession,
    requires="planning.edit",
    within="train",
    label="New threat-model session",
)
def create_session(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    title: Annotated[str, Field("About", max_length=160)],
    held_on: Annotated[date, Field("Held on")],
    feature: Annotated[Feature | None, Field("Feature")] = None,
    release: Annotated[Release | None, Field("Release")] = None,
    service: Annotated[Service | None, Field("Service")] = None,
    participants: Annotated[str, Field("Participants", long=True)] = "",
    scope: Annotated[str, Field("What was looked at", long=True)] = "",
) -> ThreatSession:
    """Record a session that asks how somebody could do harm."""
    for name, end in (("feature", feature), ("release", release)):
        if end is not None and end.train_id != train.pk:
            refuse("train.other", f"{end} belongs to another train.", field=name)
    return ThreatSession.objects.create(
        train=train,
        title=title.strip(),
        held_on=held_on,
        feature=feature,
        release=release,
        service=service,
        participants=participants.strip(),
        scope=scope.strip(),
    )


@action("threat_session.add_threat", on=ThreatSession, requires="planning.edit", label="Add a threat")
def add_threat(
    actor: Actor,
    session: ThreatSession,
    *,
    title: Annotated[str, Field("Threat", max_length=200)],
    kind: Annotated[Threat.Kind, Field("Kind (STRIDE)")],
    likelihood: Likelihood,
    impact: Impact,
) -> Threat:
    """One way in which somebody could do harm."""
    _open_session(session)
    return Threat.objects.create(
        session=session, title=title.strip(), kind=kind, likelihood=likelihood, impact=impact
    )


@action("threat_session.close", on=ThreatSession, requires="planning.edit")
def close_session(actor: Actor, session: ThreatSession) -> ThreatSession:
    """Finish the session. Every threat needs a control or a place in the risk register."""
    _open_session(session)
    bare = session.threats.filter(controls__isnull=True, risk__isnull=True)
    names = list(bare.values_list("title", flat=True)[:5])
    if names:
        refuse(
            "threat_session.bare",
            f"Nothing is said against: {'; '.join(names)}.",
            remedy="Add a control, or put the threat into the risk register.",
        )
    session.closed_at = now()
    session.save()
    return session


def _open_session(session: ThreatSession) -> None:
    if session.closed_at:
        refuse("threat_session.closed", f"{session} is closed.", remedy="Hold another session.")


@action("threat.add_control", on=Threat, requires="planning.edit", label="Add a control")
def add_control(
    actor: Actor,
    threat: Threat,
    *,
    title: Annotated[str, Field("Control", max_length=200)],
    description: Annotated[str, Field("Description", long=True)] = "",
    in_place: Annotated[
        str, Field("Is there already", "Where: then nothing is to be built.", max_length=300)
    ] = "",
) -> ThreatControl:
    """Say what is done against it: something to build, or something that is there."""
    _open_session(threat.session)
    return ThreatControl.objects.create(
        threat=threat, title=title.strip(), description=description.strip(), in_place=in_place.strip()
    )


@action("threat.to_register", on=Threat, requires="planning.edit", label="Put into the risk register")
def threat_to_register(actor: Actor, threat: Threat) -> Risk:
    """Make the threat a risk of the register, linked to what the session was about."""
    if threat.risk_id:
        refuse("threat.registered", "It is in the register.", blocked_by=Ref.of(threat.risk))
    session = threat.session
    risk: Risk = create_risk(
        actor,
        train=session.train,
        title=threat.title,
        likelihood=threat.likelihood,
        impact=threat.impact,
        feature=session.feature,
        release=session.release,
        description=f"{threat.get_kind_display()}; found in {session.key} {session.title}.",
    )
    threat.risk = risk
    threat.save()
    return risk


@action("threat_control.to_backlog", on=ThreatControl, requires="planning.edit", label="To the backlog")
def control_to_backlog(actor: Actor, control: ThreatControl) -> Feature:
    """Make the control a feature of the backlog, linked to its source."""
    if control.feature_id:
        refuse("threat_control.built", "It is in the backlog.", blocked_by=Ref.of(control.feature))
    if control.in_place:
        refuse("threat_control.in_place", f"It is there already: {control.in_place}.")
    session = control.threat.session
    feature: Feature = create_feature(
        actor,
        train=session.train,
        title=control.title,
        kind=FeatureKind.COMPLIANCE,
        description=f"{control.description}\n\nAgainst: {control.threat.title}".strip(),
    )
    feature.source_kind, feature.source_id = "threatsession", session.pk
    feature.source_label = f"{session.key} {session.title}"[:200]
    feature.save()
    control.feature = feature
    control.save()
    return feature
