"""Verbs of the standard of reviews, and of what trains add to it."""

from __future__ import annotations

from typing import Annotated, Any

from governance.models import Board
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import Refusal, Refused
from releasetrain.tenancy.models import Organization
from reviews.models import ReviewPolicy
from reviews.rules.standard import STANDARD, faults
from trains.models import Train

explain_constraint("review_policy_once", "There is one already; edit it.")

Attendance = Annotated[
    dict | None,
    Field("Attendance by tier", help='{"1": {"release": "required", "product": "optional"}}'),
]
Quorum = Annotated[int | None, Field("Quorum, % of those required", min=1, max=100)]
Sections = Annotated[
    list | None, Field("Sections", help='[{"key": "handoff", "title": "…", "required": true}]')
]
Agenda = Annotated[
    list | None, Field("Time boxes", help='[{"title": "Timeline", "phase": "facts", "minutes": 10}]')
]
Indicators = Annotated[
    list | None,
    Field(
        "Indicators",
        help='[{"metric": "error_rate", "title": "Error rate", "good": "at_most", "unit": "%", "tolerance": 10}]',
    ),
]
Adoption = Annotated[list | None, Field("Adoption metrics", help='Patterns: ["flag_*_exposed"]')]
Vanity = Annotated[
    list | None, Field("Vanity metrics", help='Left out: [{"pattern": "page_views*", "why": "…"}]')
]
Hours = Annotated[list | None, Field("Rotating hours, UTC", help="[8, 14, 20]")]
Hold = Annotated[bool | None, Field("Overdue actions hold gates")]
EffectDays = Annotated[int | None, Field("Effect is checked after days", min=1, max=365)]
EscalateDays = Annotated[int | None, Field("Overdue actions become a problem after days", min=1, max=365)]
Recurrences = Annotated[int | None, Field("Recurring from so many reviews on", min=2, max=100)]
RecurrenceDays = Annotated[int | None, Field("Within days", min=1, max=3650)]
ArchitectureBoard = Annotated[Board | None, Field("Architecture board")]


def _vetted(said: dict[str, Any]) -> dict[str, Any]:
    wrong = faults(said)
    if wrong:
        raise Refused(
            *[Refusal("review_policy.shape", fault, field=name, status=422) for name, fault in wrong.items()]
        )
    return said


@action("review_policy.create", creates=ReviewPolicy, requires="reviews.facilitate", within="train")
def create_policy(
    actor: Actor,
    *,
    train: Annotated[Train | None, Field("Train", help="Empty: the standard of the organization.")] = None,
    attendance: Attendance = None,
    quorum: Quorum = None,
    sections: Sections = None,
    agenda: Agenda = None,
    indicators: Indicators = None,
    adoption: Adoption = None,
    vanity: Vanity = None,
    hours: Hours = None,
    hold_overdue_actions: Hold = None,
    effect_days: EffectDays = None,
    escalate_days: EscalateDays = None,
    recurrences: Recurrences = None,
    recurrence_days: RecurrenceDays = None,
    board: ArchitectureBoard = None,
) -> ReviewPolicy:
    """Write the standard of reviews, or what a train adds to it. Without a train, what is left out is the usual standard."""
    given = {
        "attendance": attendance,
        "quorum": quorum,
        "sections": sections,
        "agenda": agenda,
        "indicators": indicators,
        "adoption": adoption,
        "vanity": vanity,
        "hours": hours,
        "hold_overdue_actions": hold_overdue_actions,
        "effect_days": effect_days,
        "escalate_days": escalate_days,
        "recurrences": recurrences,
        "recurrence_days": recurrence_days,
    }
    said = _vetted({name: value for name, value in given.items() if value is not None})
    usual = STANDARD if train is None else {}
    return ReviewPolicy.objects.create(train=train, board=board, **{**usual, **said})


@action("review_policy.edit", on=ReviewPolicy, requires="reviews.facilitate")
def edit_policy(
    actor: Actor,
    policy: ReviewPolicy,
    *,
    attendance: Attendance = None,
    quorum: Quorum = None,
    sections: Sections = None,
    agenda: Agenda = None,
    indicators: Indicators = None,
    adoption: Adoption = None,
    vanity: Vanity = None,
    hours: Hours = None,
    hold_overdue_actions: Hold = None,
    effect_days: EffectDays = None,
    escalate_days: EscalateDays = None,
    recurrences: Recurrences = None,
    recurrence_days: RecurrenceDays = None,
    board: ArchitectureBoard = KEEP,
    reason: Annotated[str, Field("Reason", long=True)] = "",
) -> ReviewPolicy:
    """Change the standard; reviews that run keep the agenda they began with."""
    given = {
        "attendance": attendance,
        "quorum": quorum,
        "sections": sections,
        "agenda": agenda,
        "indicators": indicators,
        "adoption": adoption,
        "vanity": vanity,
        "hours": hours,
        "hold_overdue_actions": hold_overdue_actions,
        "effect_days": effect_days,
        "escalate_days": escalate_days,
        "recurrences": recurrences,
        "recurrence_days": recurrence_days,
    }
    for name, value in _vetted({n: v for n, v in given.items() if v is not None}).items():
        setattr(policy, name, value)
    if board is not KEEP:
        policy.board = board
    policy.save()
    return policy


@action(
    "review_policy.create_standard",
    on=Organization,
    requires="reviews.facilitate",
    label="Write the usual standard of reviews",
)
def create_standard_policy(actor: Actor, organization: Organization) -> Organization:
    """Write the standard that most organizations start with; one that is there stays as it is."""
    if not ReviewPolicy.objects.filter(train__isnull=True).exists():
        create_policy(actor)
    return organization
