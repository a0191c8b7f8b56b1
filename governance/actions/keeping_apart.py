"""Duties at the act: voting, deploying, testing and validating are refused to whom the matrix keeps from them.

The database refuses the same (`governance.guards.duties`); here it is said in words, beforehand and to tokens too.
Whoever tried is noted, although nothing else of the attempt remains.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth import get_user_model

from governance.models import ChangeRequest, DutyException, DutyNearMiss, Vote
from governance.queries import duties as queries
from governance.queries.changes import contributors
from governance.rules.duties import EXCEPTABLE, Act
from releasetrain.audit.ledger import append
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, Refusal, Refused
from releasetrain.tenancy.scope import afterwards
from trains.models import Deployment, Release

from .following import carrying_change

# Refusals that are about who tries; others are about when, or about what is missing.
ABOUT_PERSONS = ("segregation.", "waiver.own", "root_cause.own", "problem.own")

_DOES = {
    Act.APPROVED: "approve it",
    Act.DEPLOYED: "deploy it",
    Act.VALIDATED: "validate it",
    Act.TESTED: "test it",
}


def voters_are_apart(actor: Actor, change: ChangeRequest, params: dict[str, Any]) -> Refusal | None:
    """Nobody approves what they had a hand in; a deputy inherits what stands against the member."""
    if params.get("choice") in (Vote.Choice.REJECT, Vote.Choice.ABSTAIN) or actor.user_id is None:
        return None
    if actor.user_id in contributors(change):
        return None  # the act itself says so, whatever the choice: contributors are recused
    people = [actor.user_id, actor.on_behalf_of]
    if params.get("on_behalf_of"):
        email = str(params["on_behalf_of"]).strip()
        people += get_user_model().objects.filter(email__iexact=email).values_list("pk", flat=True)
    return _against(actor, change, [p for p in people if p], Act.APPROVED)


def deployers_are_apart(actor: Actor, _: Any, params: dict[str, Any]) -> Refusal | None:
    """A deployment to production is not begun by its approvers, nor under an approval that no longer counts.

    What has ended already is a fact; it is recorded, as not authorised (see `following`).
    """
    environment, starts = params.get("environment"), params.get("status") == Deployment.State.RUNNING
    if not (starts and environment is not None and environment.is_production):
        return None
    release, service = params.get("release"), params.get("service")
    if params.get("kind") == Deployment.Kind.ROLLBACK or service is None:
        return None
    change = carrying_change(release, service.pk, params.get("started_at") or now())
    if change is None:
        return None
    done = queries.acts_of(change)
    void = queries.approvals_that_do_not_count(change, done)
    if change.stands and void:
        names = ", ".join(str(u) for u in get_user_model().objects.filter(pk__in=void))
        return Refusal(
            "segregation.approval_void",
            f"The approval of {change.key} does not count: {names} had a hand in it.",
            remedy="Withdraw it and have it approved by others.",
            blocked_by=Ref.of(change),
        )
    people = queries.people_behind(actor, str(params.get("deployed_by_name") or ""))
    return _against(actor, change, people, Act.DEPLOYED, done)


def validators_are_apart(actor: Actor, deployment: Deployment, params: dict[str, Any]) -> Refusal | None:
    """Whoever made or deployed it does not validate it."""
    if actor.user_id is None:
        return None
    people = queries.people_behind(actor)
    changes = queries.changes_of_deployment(deployment)
    for change in changes:
        refusal = _against(actor, change, people, Act.VALIDATED)
        if refusal:
            return refusal
    if not changes and deployment.deployed_by_id in people:
        return _said(actor, actor.user_id, Act.VALIDATED, "deployed it", str(deployment), None)
    return None


def testers_are_apart(actor: Actor, _: Any, params: dict[str, Any]) -> Refusal | None:
    """A person's test report is about code of others, where the matrix wants it so; pipelines test on their own."""
    if actor.kind != "person" or actor.user_id is None or not params.get("digest"):
        return None
    releases = Release.objects.filter(artifacts__artifact__digest=params["digest"])
    for change in ChangeRequest.objects.filter(release__in=releases).exclude(
        state__in=(ChangeRequest.State.CANCELLED, ChangeRequest.State.REJECTED)
    ):
        refusal = _against(actor, change, [actor.user_id], Act.TESTED)
        if refusal:
            return refusal
    return None


def _against(
    actor: Actor,
    change: ChangeRequest,
    people: list[uuid.UUID],
    act: Act,
    done: list[queries.Done] | None = None,
) -> Refusal | None:
    """What keeps any of these people from the act."""
    acts = queries.acts_of(change) if done is None else done
    for person in people:
        found = queries.standing_against(change, person, act, acts)
        if found:
            did = " and ".join(queries.says(c) for c in found)
            return _said(actor, person, act, did, change.key, change)
    return None


def _said(
    actor: Actor, person: uuid.UUID, act: Act, did: str, about: str, change: ChangeRequest | None
) -> Refusal:
    who = "You" if person == actor.user_id else str(get_user_model().objects.get(pk=person))
    pronoun = "you cannot" if person == actor.user_id else "they cannot"
    remedy = (
        "Somebody with no hand in it does it, or a second person grants an exception."
        if act in EXCEPTABLE
        else "Another member of the board decides."
    )
    return Refusal(
        f"segregation.{act}",
        f"{who} {did} ({about}), so {pronoun} {_DOES[act]}.",
        remedy=remedy,
        blocked_by=Ref.of(change) if change is not None else None,
        status=403,
    )


def note_near_miss(actor: Actor, verb: str, subject: Any, params: dict[str, Any], refused: Refused) -> None:
    """Keep who tried what, in a transaction of its own: the refused one leaves nothing."""
    found = next((r for r in refused.refusals if r.code.startswith(ABOUT_PERSONS)), None)
    if found is None or getattr(refused, "noted", False):
        return
    refused.noted = True  # type: ignore[attr-defined]
    named = found.blocked_by
    change_id = (
        subject.pk
        if isinstance(subject, ChangeRequest)
        else named.id
        if named is not None and named.kind == "changerequest"
        else getattr(subject, "change_id", None)
    )
    about = str(subject if subject is not None else (named.label if named else ""))[:200]
    sentence = found.sentence[:500]

    def write() -> None:
        known = ChangeRequest.objects.filter(pk=change_id).exists() if change_id else False
        DutyNearMiss.objects.create(
            user_id=actor.user_id,
            on_behalf_of=actor.on_behalf_of,
            verb=verb,
            code=found.code[:60],
            change_id=change_id if known else None,
            about=about,
            sentence=sentence,
            route=actor.route[:20],
            request_id=actor.request_id[:64],
        )

    afterwards(write)


def exception_used(actor: Actor, subject: Any, params: dict[str, Any]) -> None:
    """Put on record that an exception was made use of."""
    deployment = subject if isinstance(subject, Deployment) else getattr(subject, "deployment", None)
    if deployment is None or not deployment.environment.is_production:
        return
    act = Act.DEPLOYED if subject is deployment and params.get("status") else Act.VALIDATED
    people = queries.people_behind(actor, str(params.get("deployed_by_name") or ""))
    live = DutyException.objects.filter(
        change__in=queries.changes_of_deployment(deployment),
        user_id__in=people,
        act=act,
        state=DutyException.State.GRANTED,
        expires_at__gt=now(),
        used_at__isnull=True,
    )
    for exception in live:
        exception.used_at, exception.used_for = now(), deployment
        exception.save()
        append(actor, "duty_exception.use", exception, {"deployment": str(deployment.pk)})
