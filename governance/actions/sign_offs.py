"""Verbs of sign-offs: a person gives their word about a release or a build, and may take it back."""

from __future__ import annotations

from typing import Annotated

from governance.models import SignOff
from governance.queries.sign_offs import barred_from_signing, standing_sign_offs
from governance.queries.subjects import subject_of
from governance.queries.waivers import builds_digest
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Artifact, Release

_TOPIC = Field("Topic", help="As the gate's check names it.", max_length=80)


@action(
    "sign_off.give",
    creates=SignOff,
    requires="organization.view",
    within="release",
    label="Sign off",
    step_up=True,
)
def give_sign_off(
    actor: Actor,
    *,
    topic: Annotated[str, _TOPIC],
    statement: Annotated[str, Field("What you looked at and found", long=True)],
    release: Annotated[Release | None, Field("Release", help="Either a release or an artifact.")] = None,
    artifact: Annotated[Artifact | None, Field("Artifact")] = None,
) -> SignOff:
    """Say that a release or a build may go, as far as one topic is concerned.

    It counts for exactly the builds that are attached now, at gates that ask for a role which you hold. Whoever wrote the
    change or deployed it cannot sign it off.
    """
    return _sign(actor, SignOff.Choice.GIVEN, topic, statement, release, artifact)


@action(
    "sign_off.withdraw",
    creates=SignOff,
    requires="organization.view",
    within="release",
    label="Withdraw a sign-off",
)
def withdraw_sign_off(
    actor: Actor,
    *,
    topic: Annotated[str, _TOPIC],
    statement: Annotated[str, Field("What was found since", long=True)],
    release: Annotated[Release | None, Field("Release", help="Either a release or an artifact.")] = None,
    artifact: Annotated[Artifact | None, Field("Artifact")] = None,
) -> SignOff:
    """Take your own sign-off back; the check fails until it is settled."""
    subject = release or artifact
    if subject is not None:
        mine = next((s for s in standing_sign_offs(subject, topic) if s.signed_by_id == actor.user_id), None)
        if mine is None or mine.choice != SignOff.Choice.GIVEN:
            refuse("sign_off.none", f"You have not signed off {topic} of {subject}.", field="topic")
    return _sign(actor, SignOff.Choice.WITHDRAWN, topic, statement, release, artifact)


def _sign(
    actor: Actor,
    choice: SignOff.Choice,
    topic: str,
    statement: str,
    release: Release | None,
    artifact: Artifact | None,
) -> SignOff:
    if (release is None) == (artifact is None):
        refuse("sign_off.subject", "Sign off a release or an artifact.", field="release")
    subject = subject_of(release, artifact)
    if actor.kind != "person" or actor.user_id is None:
        refuse("sign_off.person", "A sign-off is a person's own word.", status=403)
    if not topic.strip() or not statement.strip():
        field = "statement" if topic.strip() else "topic"
        refuse("required", "Say what is signed, and what was looked at.", field=field)
    barred = barred_from_signing(release, subject.artifacts)
    if {actor.user_id, actor.on_behalf_of} & barred:
        refuse(
            "sign_off.own",
            f"You had a hand in {subject.object}, so somebody else signs it off.",
            remedy="Ask somebody who neither wrote the change nor deployed it.",
            blocked_by=Ref.of(subject.object),
            status=403,
        )
    return SignOff.objects.create(
        release=release,
        artifact=artifact,
        topic=topic.strip(),
        choice=choice,
        statement=statement.strip(),
        builds=builds_digest(subject.artifacts),
        signed_by_id=actor.user_id,
    )
