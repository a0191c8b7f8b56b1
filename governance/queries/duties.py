"""Reading duties: who did what on a change's chain, what stands against whom, and where one person did too much."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from governance.models import ChangeDeployment, ChangeRequest, DutyException, DutyMatrix
from governance.queries import changes as change_queries
from governance.rules import duties as rules
from governance.rules.duties import Act, Cells, Conflict, Level
from releasetrain.accounts.models import ServiceAccount
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from trains.models import Deployment

# How far back the search for what was found out later goes.
LOOKED_BACK = timedelta(days=90)


@dataclass(frozen=True)
class Done:
    """Somebody did something on the chain of a change."""

    user_id: uuid.UUID
    act: str
    said: str
    at: datetime

    @property
    def label(self) -> str:
        return rules.LABELS[self.act]


def acts_of(change: ChangeRequest) -> list[Done]:
    """Every act on the change's chain, derived from what is recorded (see `duty_acts` in the database)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, act, said, at FROM duty_acts(%s) ORDER BY at, act", [change.pk])
        return [Done(*row) for row in cursor.fetchall()]


def in_force() -> DutyMatrix | None:
    """The version of the matrix that counts; None while the standard one does."""
    return DutyMatrix.objects.filter(state=DutyMatrix.State.IN_FORCE).order_by("-number").first()


def cells_in_force() -> Cells:
    matrix = in_force()
    return matrix.cells if matrix else rules.STANDARD


def excepted(change: ChangeRequest, person: uuid.UUID, act: str) -> DutyException | None:
    """The exception in force for this person and act, break-glass before a second person."""
    rows = DutyException.objects.filter(
        change=change, user_id=person, act=act, state=DutyException.State.GRANTED, expires_at__gt=now()
    )
    return rows.order_by("kind").first()  # "break_glass" comes first


def standing_against(
    change: ChangeRequest, person: uuid.UUID, act: str, done: Iterable[Done] | None = None
) -> list[Conflict]:
    """What stands against this person doing this act on the change, exceptions considered."""
    acts = acts_of(change) if done is None else done
    found = rules.conflicts(cells_in_force(), change.risk, (d.act for d in acts if d.user_id == person), act)
    exception = excepted(change, person, act) if found and act in rules.EXCEPTABLE else None
    if exception is None:
        return found
    lifted = (
        rules.RANK[Level.FORBIDDEN]
        if exception.kind == DutyException.Kind.BREAK_GLASS
        else rules.RANK[Level.SECOND_PERSON]
    )
    return [c for c in found if rules.RANK[c.level] > lifted]


def approvals_that_do_not_count(change: ChangeRequest, done: list[Done]) -> set[uuid.UUID]:
    """People whose approval of the present revision is void: they had a hand in it, as is known now."""
    cells = cells_in_force()
    makers = (Act.CODED, Act.AUTHORED, Act.RESOLVED)
    void = set()
    for person in {d.user_id for d in done if d.act == Act.APPROVED}:
        theirs = {d.act for d in done if d.user_id == person} & set(makers)
        if any(rules.level(cells, change.risk, a, Act.APPROVED) == Level.FORBIDDEN for a in theirs):
            void.add(person)
    return void


def people_behind(actor: Actor, named: str = "") -> list[uuid.UUID]:
    """Everybody who acts when this actor does: the account, whoever it names, else whoever answers for its token."""
    found = [p for p in (actor.user_id, actor.on_behalf_of) if p]
    users = get_user_model().objects
    pressed = (
        list(
            users.filter(
                email__iexact=named.strip(), memberships__organization_id=actor.organization_id
            ).values_list("pk", flat=True)
        )
        if named.strip()
        else []
    )
    if actor.kind == "service" and not pressed and actor.user_id:
        pressed = list(
            ServiceAccount.objects.filter(user_id=actor.user_id).values_list("responsible_id", flat=True)
        )
    return list(dict.fromkeys([*found, *pressed]))


def changes_of_deployment(deployment: Deployment) -> list[ChangeRequest]:
    """The changes whose chain a deployment belongs to."""
    linked = ChangeDeployment.objects.filter(deployment=deployment, change__isnull=False).values("change_id")
    rows = ChangeRequest.objects.filter(pk__in=linked)
    if deployment.release_id:
        dead = (ChangeRequest.State.CANCELLED, ChangeRequest.State.REJECTED)
        rows = rows | ChangeRequest.objects.filter(release_id=deployment.release_id).exclude(state__in=dead)
    return list(rows.distinct())


def says(conflict: Conflict) -> str:
    """A conflict as the end of a sentence about somebody: "wrote the code"."""
    label = rules.LABELS[conflict.done]
    return label[0].lower() + label[1:]


# -- what pages show ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hand:
    """One person and what they did."""

    user: Any
    acts: list[Done]


@dataclass(frozen=True)
class Chair:
    """One member of the board: whether they may still approve, and why not."""

    user: Any
    may: bool
    why: str


def hands(done: list[Done]) -> list[Hand]:
    """Who did what, in the order of the first act."""
    users = get_user_model().objects.in_bulk({d.user_id for d in done})
    found: dict[Any, dict[str, Done]] = {}
    for each in done:
        found.setdefault(each.user_id, {}).setdefault(each.act, each)
    return [Hand(users[p], list(acts.values())) for p, acts in found.items() if p in users]


def chairs(change: ChangeRequest, done: list[Done]) -> list[Chair]:
    """Every member of the board, with what keeps them from approving."""
    cells = cells_in_force()
    found = []
    for seat in change_queries.seats(change):
        theirs = (d.act for d in done if d.user_id == seat.member.user_id)
        against = rules.conflicts(cells, change.risk, theirs, Act.APPROVED)
        if seat.vote is not None:
            why = f"has voted: {seat.vote.get_choice_display().lower()}"
        elif against:
            why = " and ".join(says(c) for c in against)
        elif seat.recused:
            why = "contributed to it"
        else:
            why = ""
        found.append(Chair(seat.member.user, not why, why))
    return found


@dataclass(frozen=True)
class Violation:
    """One person did two acts on one chain that the matrix keeps apart."""

    change: ChangeRequest
    user: Any
    first: str
    second: str
    level: str
    excepted: bool


def violations(since: datetime | None = None) -> list[Violation]:
    """Every conflict in what was done, by the matrix and the identities as they are known now."""
    since = since or now() - LOOKED_BACK
    with connection.cursor() as cursor:
        cursor.execute(_TOGETHER, [since])
        rows = cursor.fetchall()
    changes = ChangeRequest.objects.select_related("release").in_bulk({row[0] for row in rows})
    users = get_user_model().objects.in_bulk({row[1] for row in rows})
    cells = cells_in_force()
    granted = set(
        DutyException.objects.filter(change__in=changes, granted_by__isnull=False).values_list(
            "change_id", "user_id", "act"
        )
    )
    found = []
    for change_id, user_id, first, second in rows:
        change = changes[change_id]
        level = rules.level(cells, change.risk, first, second)
        if level != Level.ALLOWED:
            lifted = any((change_id, user_id, act) in granted for act in (first, second))
            found.append(
                Violation(change, users[user_id], rules.LABELS[first], rules.LABELS[second], level, lifted)
            )
    return found


_TOGETHER = """
    WITH done AS MATERIALIZED (
      SELECT DISTINCT c.id, d.user_id, d.act FROM governance_changerequest c CROSS JOIN LATERAL duty_acts(c.id) d
      WHERE c.created_at >= %s)
    SELECT a.id, a.user_id, a.act, b.act FROM done a JOIN done b ON a.id = b.id AND a.user_id = b.user_id AND a.act < b.act
    ORDER BY a.id DESC LIMIT 500
"""
