"""Escalation policies with their levels, and what people do with an escalation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Max

from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint, register_guard
from releasetrain.interface.notices import declare_kind, remind
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from releasetrain.tenancy.tasks import enqueue
from trains import escalating, tasks
from trains.models import (
    Channel,
    Escalation,
    EscalationLevel,
    EscalationPolicy,
    EscalationStep,
    InboxEntry,
    Train,
)
from trains.queries import escalations as queries
from trains.rules import escalation as rules
from trains.states import ESCALATION_STATES

explain_constraint("escalation_policy_name_once", "There is a policy with this name already.")
explain_constraint("escalation_open_once", "This is escalated already.")

Step = EscalationStep.Act
NOTICE = "escalation.told"
declare_kind(NOTICE, "Escalations that reach you")


@action("escalation_policy.create", creates=EscalationPolicy, requires="trains.manage", within="train")
def create_policy(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    subject_kind: Annotated[str, Field("Applies to", choices=escalating.kinds, max_length=40)],
    train: Annotated[Train | None, Field("Train", "Empty: all trains.")] = None,
) -> EscalationPolicy:
    """Say which kind of thing must not wait for ever. Its levels say who is told, and when."""
    return EscalationPolicy.objects.create(name=name.strip(), subject_kind=subject_kind, train=train)


@action("escalation_policy.add_level", on=EscalationPolicy, requires="trains.manage", label="Add a level")
def add_level(
    actor: Actor,
    policy: EscalationPolicy,
    *,
    after_minutes: Annotated[
        int,
        Field(
            "After minutes", "Since it began to wait, or since the level below was told.", min=0, max=525600
        ),
    ],
    role: Annotated[Role | None, Field("Role", "Whoever holds it on the train.")] = None,
    person: Annotated[User | None, Field("Or one person")] = None,
    on_call: Annotated[
        bool,
        Field("Or whoever is on call", "By the rotations of the train and its services, at that moment."),
    ] = False,
    channel: Annotated[Channel, Field("Channel")] = Channel.INBOX,
) -> EscalationLevel:
    """Add a rung at the top of the ladder: who is told if nobody below has answered."""
    _living(policy)
    if (role is not None) + (person is not None) + on_call != 1:
        refuse(
            "escalation_level.who",
            "A level tells a role, one person, or whoever is on call.",
            remedy="Fill one of the three.",
            field="role",
            status=422,
        )
    top = policy.levels.aggregate(top=Max("number"))["top"] or 0
    return EscalationLevel.objects.create(
        policy=policy,
        number=top + 1,
        after_minutes=after_minutes,
        role=role or "",
        person=person,
        on_call=on_call,
        channel=channel,
    )


@action("escalation_policy.retire", on=EscalationPolicy, requires="trains.manage", danger=True)
def retire_policy(
    actor: Actor, policy: EscalationPolicy, *, reason: Annotated[str, Field("Reason", max_length=300)] = ""
) -> EscalationPolicy:
    """Escalate no more by this policy. What is escalated stays until it is resolved."""
    _living(policy)
    policy.retired_at = now()
    policy.save()
    return policy


def _living(policy: EscalationPolicy) -> None:
    if policy.retired_at:
        refuse("escalation_policy.retired", f"{policy} is retired.", remedy="Create a new policy.")


@action("escalation.raise", creates=Escalation, requires="organization.view", label="Escalate")
def raise_escalation(
    actor: Actor,
    *,
    policy: EscalationPolicy,
    subject_id: Annotated[UUID, Field("Id of what waits")],
    note: Annotated[str, Field("Note", max_length=500)] = "",
) -> Escalation:
    """Tell the first level of a policy now that something waits, without waiting for its time."""
    _living(policy)
    levels = queries.levels_of(policy)
    if not levels:
        refuse(
            "escalation_policy.empty",
            f"{policy} has no level: nobody would be told.",
            remedy="Add a level to the policy.",
            blocked_by=Ref.of(policy),
        )
    waiting = queries.waiting_of(policy).get(subject_id)
    if waiting is None:
        refuse(
            "escalation.not_waiting",
            "This does not wait for anybody now, or is of another kind.",
            remedy=f"{policy} is for {queries.title_of_kind(policy.subject_kind)}.",
            field="subject_id",
            status=422,
        )
    present = queries.present(policy, subject_id)
    if present is not None:
        refuse(
            "escalation.present",
            f"{present.subject_label} is escalated already.",
            remedy="Look there who is told.",
            blocked_by=Ref.of(present),
        )
    made = Escalation.objects.create(
        policy=policy,
        train_id=waiting.train_id or policy.train_id,
        subject_kind=policy.subject_kind,
        subject_id=subject_id,
        subject_label=waiting.label[:300],
        since=waiting.since,
        next_at=rules.climbs_at(now(), 1, queries.afters(levels)),
    )
    _tell(actor, made, levels[0], Step.RAISED, note)
    return made


@action(
    "escalation.climb",
    on=Escalation,
    requires="organization.view",
    machine=ESCALATION_STATES,
    label="Climb now",
)
def climb(
    actor: Actor, escalation: Escalation, *, note: Annotated[str, Field("Note", max_length=500)] = ""
) -> Escalation:
    """Tell the next level, because nobody has answered or the answer does not suffice."""
    levels = queries.levels_of(escalation.policy)
    if escalation.level >= len(levels):
        refuse("escalation.top", f"{escalation} is at the top of its policy.", remedy="Add a level to it.")
    escalation.level += 1
    escalation.next_at = rules.climbs_at(now(), escalation.level, queries.afters(levels))
    escalation.acknowledged_at = escalation.acknowledged_by = escalation.held_until = None
    _tell(actor, escalation, levels[escalation.level - 1], Step.CLIMBED, note)
    return escalation


@action("escalation.acknowledge", on=Escalation, requires="organization.view", machine=ESCALATION_STATES)
def acknowledge(
    actor: Actor,
    escalation: Escalation,
    *,
    note: Annotated[str, Field("What happens now", max_length=500)] = "",
    held_until: Annotated[
        datetime | None, Field("Until", "It climbs on if it still waits then. A day when left out.")
    ] = None,
) -> Escalation:
    """Say that you see to it: it stops climbing until then."""
    if held_until is not None and held_until <= now():
        refuse("escalation.past", "This moment is past.", field="held_until", status=422)
    escalation.acknowledged_at, escalation.acknowledged_by_id = now(), actor.user_id
    escalation.held_until = held_until or now() + timedelta(days=1)
    escalation.next_at = None
    _note_step(actor, escalation, Step.ACKNOWLEDGED, note)
    InboxEntry.objects.filter(escalation=escalation, user_id=actor.user_id, read_at__isnull=True).update(
        read_at=now()
    )
    return escalation


@action("escalation.lapse", on=Escalation, requires="trains.manage", machine=ESCALATION_STATES, hidden=True)
def lapse(actor: Actor, escalation: Escalation) -> Escalation:
    """The time asked for is over and it still waits: it may climb again."""
    levels = queries.levels_of(escalation.policy)
    escalation.held_until = None
    # At the top nobody further can be told, so the top is told again.
    if escalation.level >= len(levels):
        _tell(actor, escalation, levels[-1], Step.LAPSED, "")
    else:
        _note_step(actor, escalation, Step.LAPSED, "")
        escalation.next_at = now()
    return escalation


@action("escalation.resolve", on=Escalation, requires="organization.view", machine=ESCALATION_STATES)
def resolve(
    actor: Actor, escalation: Escalation, *, note: Annotated[str, Field("How", max_length=500)] = ""
) -> Escalation:
    """End it. What no longer waits ends by itself."""
    if actor.kind != "system" and escalation.subject_id in queries.waiting_of(escalation.policy):
        refuse(
            "escalation.waiting",
            f"{escalation.subject_label} still waits.",
            remedy="Settle that: the escalation ends by itself.",
            blocked_by=Ref(
                escalation.subject_kind.partition(".")[0],
                str(escalation.subject_id),
                escalation.subject_label,
            ),
        )
    escalation.resolved_at, escalation.next_at = now(), None
    _note_step(actor, escalation, Step.RESOLVED, note)
    return escalation


@action("escalation.note", on=Escalation, requires="organization.view", machine=ESCALATION_STATES)
def note(
    actor: Actor, escalation: Escalation, *, note: Annotated[str, Field("Note", max_length=500)]
) -> Escalation:
    """Add a line to the timeline."""
    if not note.strip():
        refuse("escalation.note_empty", "Write what happened.", field="note", status=422)
    _note_step(actor, escalation, Step.NOTED, note)
    return escalation


@action("inbox_entry.read", on=InboxEntry, requires="organization.view", label="Mark as read")
def read_entry(actor: Actor, entry: InboxEntry) -> InboxEntry:
    """Mark an entry of your inbox as read."""
    entry.read_at = entry.read_at or now()
    entry.save()
    return entry


def _own_inbox(actor: Actor, entry: Any, params: dict[str, Any]) -> Refusal | None:
    if entry is None or entry.user_id == actor.user_id:
        return None
    return Refusal("inbox.other", "This is somebody else's inbox.", status=404)


def _told_or_responsible(actor: Actor, escalation: Any, params: dict[str, Any]) -> Refusal | None:
    """Whoever was told may answer, and whoever runs the train."""
    if escalation is None or actor.may("trains.manage", escalation):
        return None
    if InboxEntry.objects.filter(escalation=escalation, user_id=actor.user_id).exists():
        return None
    return Refusal(
        "escalation.not_told",
        "This escalation is not addressed to you.",
        remedy="Whoever was told answers it, or the Release Train Engineer.",
        status=403,
    )


def _note_step(actor: Actor, escalation: Escalation, act: EscalationStep.Act, text: str) -> None:
    EscalationStep.objects.create(
        escalation=escalation,
        at=now(),
        act=act,
        level=escalation.level,
        by_id=actor.user_id,
        note=text.strip(),
    )


def _tell(
    actor: Actor, escalation: Escalation, level: EscalationLevel, act: EscalationStep.Act, text: str
) -> None:
    """Put it into the inboxes of the level's people, and mail them where the level says so."""
    people = queries.people_of(level, escalation.train_id)
    title = f"Level {level.number}: {escalation.subject_label} has waited since {escalation.since:%Y-%m-%d %H:%M} UTC"
    for person in people:
        InboxEntry.objects.create(user=person, escalation=escalation, title=title[:300], told_at=now())
    # The level's own channel says whether it is mailed, at once and to everybody of the level.
    remind(
        [person.pk for person in people],
        f"{escalation.pk}:{act}:{level.number}:{now().isoformat()}",
        title,
        about=escalation,
        name=NOTICE,
        mail=False,
    )
    EscalationStep.objects.create(
        escalation=escalation,
        at=now(),
        act=act,
        level=level.number,
        by_id=actor.user_id,
        told=[str(person) for person in people],
        channel=level.channel,
        note=text.strip() or ("" if people else f"Nobody holds this now: {level.who}"),
    )
    if level.channel == Channel.EMAIL and people:
        enqueue(tasks.mail, actor.organization_id, escalation.pk, level.number)


for _verb in ("acknowledge", "climb", "resolve", "note"):
    register_guard(f"escalation.{_verb}", _told_or_responsible)
register_guard("inbox_entry.read", _own_inbox)
