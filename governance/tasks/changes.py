"""Celery envelope of changes: what runs out of time, what a policy may approve by now, what people are due to do."""

from __future__ import annotations

from celery import shared_task
from django.db.models import Q

from governance.actions import boardroom, change_models, policies
from governance.models import ChangeRequest, PolicyDecision
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

State = ChangeRequest.State


@shared_task(name="governance.tasks.sweep_changes")  # type: ignore[untyped-decorator]
def sweep_changes() -> int:
    """Every organization's changes, each in a transaction of its own; twice at once does no harm."""
    return sum(sweep(organization) for organization in Organization.objects.filter(suspended_at__isnull=True))


def sweep(organization: Organization) -> int:
    """Expire, ask the policy again, remind. Returns how many changes were touched."""
    actor = Actor.system(organization.pk, "changes in time")
    with tenant_scope(organization.pk, actor):
        overdue, waiting = _overdue(), _waiting_for_gate()
        fallen = list(change_models.resting_on().values_list("pk", flat=True)[:500])
    touched = 0
    for keys, act in (
        (overdue, boardroom.expire),
        (fallen, change_models.fall_with_model),
        (waiting, policies.ask_policy),
    ):
        for pk in keys:
            with tenant_scope(organization.pk, actor):
                change = ChangeRequest.objects.filter(pk=pk).first()
                try:
                    if change is not None:
                        act(actor, change)
                        touched += 1
                except Refused:
                    continue  # decided by somebody meanwhile
    with tenant_scope(organization.pk, actor):
        if _anything_due():
            boardroom.remind(actor)
    return touched


def _overdue() -> list[object]:
    moment = now()
    undecided = Q(state=State.AWAITING_APPROVAL, decide_by__lte=moment)
    unused = Q(state__in=[State.APPROVED, State.SCHEDULED], approval_ends_at__lte=moment)
    return list(ChangeRequest.objects.filter(undecided | unused).values_list("pk", flat=True)[:500])


def _waiting_for_gate() -> list[object]:
    """Changes that a policy would have approved, had the gate spoken."""
    rows = PolicyDecision.objects.filter(
        outcome=PolicyDecision.Outcome.ROUTED,
        change__state=State.AWAITING_APPROVAL,
        change__board_only=False,
        facts__gate__in=["pending", "none", "fail", "error"],
    )
    rows = rows.filter(Q(facts__risk="low") | Q(change__model__state="pre_approved"))
    found = rows.select_related("change").order_by("-created_at")[:500]
    return [d.change_id for d in found if d.revision == d.change.revision and _gate_speaks(d.change)]


def _gate_speaks(change: ChangeRequest) -> bool:
    from governance.queries.policies import gate_of

    return gate_of(change, change.model.checks if change.model else None)[1] == "pass"


def _anything_due() -> bool:
    from governance.models import Reminder
    from governance.queries.boardroom import due_now

    due = {(d.user_id, d.occasion) for d in due_now(now())}
    open_ones = set(Reminder.objects.filter(settled_at__isnull=True).values_list("user_id", "occasion"))
    known = set(Reminder.objects.filter(occasion__in={o for _, o in due}).values_list("user_id", "occasion"))
    return bool(due - known) or bool(open_ones - due)
