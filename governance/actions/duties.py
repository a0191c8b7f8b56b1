"""Verbs of segregated duties: the matrix, exceptions by two, validating deployments, further addresses of people."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from governance.models import (
    ChangeRequest,
    DeploymentValidation,
    DutyAct,
    DutyException,
    DutyLevel,
    DutyMatrix,
    PersonAlias,
)
from governance.ports import DueReview, require_review
from governance.queries import duties as queries
from governance.rules import duties as rules
from governance.states.duties import DUTY_EXCEPTION_STATES, DUTY_MATRIX_STATES
from releasetrain.audit.doorway import Ref, action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from releasetrain.tenancy.models import Organization
from trains.models import Deployment

Reason = Annotated[str, Field("Reason", long=True, max_length=5_000)]

explain_constraint(
    "duty_matrix_confirmed_by_another", "Whoever proposed a looser matrix does not confirm it."
)
explain_constraint(
    "duty_exception_by_another", "An exception is granted by somebody other than who asked or acts."
)
explain_constraint("validation_once_per_person", "You have validated this deployment already.")
explain_constraint("person_alias_once", "This address stands for somebody already.")


# -- the matrix --------------------------------------------------------------------------------------------------------------------


@action("duty_matrix.change", creates=DutyMatrix, requires="controls.manage", label="Change the matrix")
def change_matrix(
    actor: Actor,
    *,
    first: Annotated[DutyAct, Field("Whoever did this")],
    second: Annotated[DutyAct, Field("and would do this")],
    high: Annotated[DutyLevel, Field("At high risk")],
    medium: Annotated[DutyLevel, Field("At medium risk")],
    low: Annotated[DutyLevel, Field("At low risk")],
    reason: Reason,
) -> DutyMatrix:
    """Say what holds for two acts in one hand, for changes of each risk.

    Nothing goes below the fixed floor. A stricter matrix is in force at once; a looser one once somebody else confirms it.
    """
    if first == second:
        refuse("duty.same", "Two different acts are kept apart.", field="second")
    person = _person(actor)
    _serialised(actor)
    named = rules.pair(first, second)
    said = {"high": str(high), "medium": str(medium), "low": str(low)}
    for tier, level in said.items():
        floor = rules.FLOOR[named][tier]
        if rules.RANK[level] < rules.RANK[floor]:
            refuse(
                "duty.floor",
                f"At {tier} risk these two are never less than “{rules.LEVEL_LABELS[floor].lower()}”.",
                remedy="Choose that, or something stricter.",
                field=tier,
            )
    before = queries.cells_in_force()
    if before[named] == said:
        refuse("duty.unchanged", "That is what holds already.", field="high")
    if DutyMatrix.objects.filter(state=DutyMatrix.State.PROPOSED).exists():
        refuse(
            "duty.proposed",
            "A looser matrix waits for its confirmation.",
            remedy="Have it confirmed or withdrawn first.",
            blocked_by=Ref.of(DutyMatrix.objects.filter(state=DutyMatrix.State.PROPOSED).first()),
        )
    after = {**before, named: said}
    loosens = rules.loosened(before, after)
    newest = DutyMatrix.objects.order_by("-number").values_list("number", flat=True).first()
    return DutyMatrix.objects.create(
        number=(newest or 0) + 1,
        cells=after,
        changed=_difference(named, before[named], said),
        reason=reason,
        loosens=loosens,
        proposed_by_id=person,
        state=DutyMatrix.State.PROPOSED if loosens else DutyMatrix.State.IN_FORCE,
        in_force_at=None if loosens else now(),
    )


def _difference(named: str, before: dict[str, str], after: dict[str, str]) -> str:
    first, second = (rules.LABELS[a] for a in named.split("+"))
    tiers = [
        f"{tier} risk: {rules.LEVEL_LABELS[before[tier]].lower()} → {rules.LEVEL_LABELS[after[tier]].lower()}"
        for tier in rules.TIERS
        if before[tier] != after[tier]
    ]
    return f"{first}, {second[0].lower()}{second[1:]}. {'; '.join(tiers)}"[:300]


def _serialised(actor: Actor) -> None:
    """One version after the other: the organization's row is held until this one is in."""
    Organization.objects.select_for_update(no_key=True).get(pk=actor.organization_id)


@action(
    "duty_matrix.confirm",
    on=DutyMatrix,
    requires="controls.manage",
    machine=DUTY_MATRIX_STATES,
    confirm="What this version allows is allowed from now on.",
    step_up=True,
)
def confirm_matrix(actor: Actor, matrix: DutyMatrix, *, reason: Reason) -> DutyMatrix:
    """Put a looser matrix in force, as the second person."""
    matrix.confirmed_by_id, matrix.in_force_at = _person(actor), now()
    return matrix


@action("duty_matrix.withdraw", on=DutyMatrix, requires="controls.manage", machine=DUTY_MATRIX_STATES)
def withdraw_matrix(actor: Actor, matrix: DutyMatrix, *, reason: Reason) -> DutyMatrix:
    """Drop a proposed version; what was in force stays so."""
    return matrix


def _not_the_proposer(actor: Actor, matrix: DutyMatrix, params: object) -> Refusal | None:
    if actor.kind != "person" or matrix.proposed_by_id in (actor.user_id, actor.on_behalf_of):
        return Refusal(
            "segregation.matrix",
            f"{matrix} loosens the matrix, and whoever proposed that does not confirm it.",
            remedy="Another person who manages controls confirms it.",
            blocked_by=Ref.of(matrix),
            status=403,
        )
    return None


register_guard("duty_matrix.confirm", _not_the_proposer)


# -- exceptions --------------------------------------------------------------------------------------------------------------------


@action(
    "duty_exception.request",
    creates=DutyException,
    requires="reviews.contribute",
    label="Ask for a second person",
)
def request_exception(
    actor: Actor,
    *,
    change: ChangeRequest,
    act: Annotated[DutyAct, Field("What is to be done")],
    reason: Annotated[str, Field("Why nobody else can do it now", long=True, max_length=5_000)],
    hours: Annotated[int, Field("For hours", help="From the grant on.", min=1, max=24)] = 4,
    email: Annotated[str, Field("Who acts", help="An e-mail address; empty: you.", max_length=254)] = "",
) -> DutyException:
    """Ask that one person may do one act on a change although the matrix stands against it.

    Where the matrix wants a second person, that is all it takes. Where it forbids, the glass is broken: a review is opened
    with the grant. An approval in the wrong hands is never excepted.
    """
    requester = _person(actor)
    user_id = requester
    if email.strip():
        person = (
            get_user_model()
            .objects.filter(email__iexact=email.strip(), memberships__organization_id=actor.organization_id)
            .first()
        )
        if person is None:
            refuse("person.unknown", f"{email} is nobody in this organization.", field="email")
        user_id = person.pk
    if act not in rules.EXCEPTABLE:
        refuse(
            "duty.never",
            f"There is no exception for “{rules.LABELS[act].lower()}”.",
            remedy="Somebody without a hand in it does it; for emergencies there is the emergency board.",
            field="act",
        )
    against = queries.standing_against(change, user_id, act)
    if not against:
        refuse("duty.free", "Nothing stands against it: it takes no exception.", field="act")
    if DutyException.objects.filter(
        change=change, user_id=user_id, act=act, state=DutyException.State.REQUESTED
    ).exists():
        refuse("duty.asked", "This was asked for already and waits for a decision.", field="change")
    forbidden = any(c.level == rules.Level.FORBIDDEN for c in against)
    return DutyException.objects.create(
        change=change,
        user_id=user_id,
        act=act,
        kind=DutyException.Kind.BREAK_GLASS if forbidden else DutyException.Kind.SECOND_PERSON,
        conflict=f"The same person {' and '.join(queries.says(c) for c in against)}.",
        reason=reason,
        hours=hours,
        requested_by_id=requester,
    )


@action(
    "duty_exception.grant",
    on=DutyException,
    requires="waivers.grant",
    machine=DUTY_EXCEPTION_STATES,
    step_up=True,
    confirm="This person may do this act until the exception ends. Breaking the glass opens a review.",
)
def grant_exception(
    actor: Actor,
    exception: DutyException,
    *,
    decision: Annotated[str, Field("Why it is acceptable", long=True, max_length=5_000)],
) -> DutyException:
    """Be the second person: let it happen, for a while."""
    if not decision.strip():
        refuse("required", "Say why it is acceptable.", field="decision")
    exception.granted_by_id, exception.decision, exception.decided_at = actor.user_id, decision, now()
    exception.expires_at = exception.decided_at + timedelta(hours=exception.hours)
    if exception.kind == DutyException.Kind.BREAK_GLASS:
        change = exception.change
        require_review(
            actor,
            DueReview(
                because=f"{exception.key}: the glass was broken for {change.key}. {exception.conflict}",
                subject=exception,
                release=change.release,
                service=change.service,
            ),
        )
    return exception


@action("duty_exception.refuse", on=DutyException, requires="waivers.grant", machine=DUTY_EXCEPTION_STATES)
def refuse_exception(
    actor: Actor,
    exception: DutyException,
    *,
    decision: Annotated[str, Field("Why not", long=True, max_length=5_000)],
) -> DutyException:
    """Do not let it happen."""
    exception.granted_by_id, exception.decision, exception.decided_at = actor.user_id, decision, now()
    return exception


@action(
    "duty_exception.revoke",
    on=DutyException,
    requires="waivers.grant",
    machine=DUTY_EXCEPTION_STATES,
    danger=True,
    confirm="The act is refused again at once.",
)
def revoke_exception(actor: Actor, exception: DutyException, *, reason: Reason) -> DutyException:
    """Take an exception back."""
    exception.decision = "\n".join(filter(None, (exception.decision, f"Revoked: {reason}")))
    return exception


def _a_second_person(actor: Actor, exception: DutyException, params: object) -> Refusal | None:
    """Neither whoever asked, nor who acts, nor anybody whom the matrix would not let do it."""
    if actor.kind != "person" or actor.user_id is None:
        return Refusal("segregation.person", "This takes a second person.", status=403)
    if {actor.user_id, actor.on_behalf_of} & {exception.requested_by_id, exception.user_id}:
        return Refusal(
            "segregation.second_person",
            "You asked for it or would act on it, so somebody else decides.",
            remedy="A compliance officer with no hand in the change can decide.",
            blocked_by=Ref.of(exception),
            status=403,
        )
    against = queries.standing_against(exception.change, actor.user_id, exception.act)
    if against:
        return Refusal(
            "segregation.second_person",
            f"You {' and '.join(queries.says(c) for c in against)}, so you are no second person here.",
            remedy="Somebody with no hand in the change decides.",
            blocked_by=Ref.of(exception.change),
            status=403,
        )
    return None


for _verb in ("duty_exception.grant", "duty_exception.refuse"):
    register_guard(_verb, _a_second_person)


# -- validating --------------------------------------------------------------------------------------------------------------------


@action("deployment.validate", on=Deployment, requires="reviews.contribute")
def validate_deployment(
    actor: Actor,
    deployment: Deployment,
    *,
    outcome: Annotated[DeploymentValidation.Outcome, Field("It")],
    what: Annotated[str, Field("What you looked at", long=True, max_length=5_000)],
) -> DeploymentValidation:
    """Say, as somebody who had no hand in it, whether what was deployed does what it should."""
    person = _person(actor)
    if deployment.outcome == Deployment.State.RUNNING:
        refuse("deployment.running", "It still runs.", remedy="Validate it when it has finished.")
    if not what.strip():
        refuse("required", "Say what you looked at: the validation is read by auditors.", field="what")
    if deployment.validations.filter(validator_id=person).exists():
        refuse("deployment.validated", "You have validated this deployment already.")
    try:
        with transaction.atomic():
            return DeploymentValidation.objects.create(
                deployment=deployment, validator_id=person, outcome=outcome, what=what
            )
    except IntegrityError as error:
        sentence = str(error.__cause__).split("\n")[0]
        raise Refused(
            Refusal("segregation.validate", f"The database refuses this: {sentence}.", status=403)
        ) from error


# -- people ------------------------------------------------------------------------------------------------------------------------


@action("person_alias.create", creates=PersonAlias, requires="controls.manage", label="Add an address")
def create_alias(
    actor: Actor,
    *,
    email: Annotated[str, Field("Address", help="As it stands in commits.", max_length=254)],
    person: Annotated[str, Field("Is", help="The e-mail address they sign in with.", max_length=254)],
    note: Annotated[str, Field("Note", max_length=200)] = "",
) -> PersonAlias:
    """Say that a further e-mail address is somebody's; what was done under it counts as theirs, also in the past."""
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    users = get_user_model().objects.filter(memberships__organization_id=actor.organization_id)
    try:
        validate_email(email.strip())
    except ValidationError:
        refuse("alias.email", f"{email!r} is no e-mail address.", field="email")
    user = users.filter(email__iexact=person.strip()).first()
    if user is None:
        refuse("person.unknown", f"{person} is nobody in this organization.", field="person")
    if users.filter(email__iexact=email.strip()).exists():
        refuse("alias.account", f"{email} is somebody's own address.", field="email")
    if PersonAlias.objects.filter(email__iexact=email.strip(), removed_at__isnull=True).exists():
        refuse("alias.known", f"{email} stands for somebody already.", field="email")
    return PersonAlias.objects.create(user=user, email=email.strip().lower(), note=note)


@action("person_alias.remove", on=PersonAlias, requires="controls.manage", danger=True)
def remove_alias(actor: Actor, alias: PersonAlias, *, reason: Reason) -> PersonAlias:
    """The address no longer stands for this person."""
    if alias.removed_at:
        refuse("alias.removed", "It was removed already.")
    alias.removed_at = now()
    alias.save()
    return alias


def _person(actor: Actor) -> Any:
    if actor.user_id is None or actor.kind != "person":
        refuse("duty.person", "This is done by a person.", status=403)
    return actor.user_id
