"""Who can do what: every grant in force with who gave it, since when, and when it was last used."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Q

from governance.models import BoardMember
from releasetrain.accounts.catalogue import PERMISSIONS, ROLES, Role
from releasetrain.accounts.models import ApiToken, Grant, User
from releasetrain.audit.doorway import actions
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import require_scope

# Acts of longer ago are no sign of use.
LOOKED_BACK = timedelta(days=400)
UNUSED = timedelta(days=90)
READING = "organization.view"


@dataclass(frozen=True)
class Holding:
    """One right of somebody: a role on a scope, or another's vote for a time."""

    kind: str
    holder: User
    role: str
    on: str
    since: datetime
    until: datetime | None
    granted_by: str
    used_at: datetime | None
    seen_at: datetime | None
    may: tuple[str, ...]
    obj: Any

    @property
    def unused(self) -> bool:
        """Whether it stood idle: given long ago, and no act needed it since."""
        return self.since < now() - UNUSED and (self.used_at is None or self.used_at < now() - UNUSED)


KINDS = {"person": "People", "service": "Service accounts", "delegation": "Delegations"}


def in_force(moment: datetime | None = None) -> Any:
    """The grants that count at a moment, or will."""
    return Grant.objects.filter(revoked_at__isnull=True).exclude(ends_at__lte=moment or now())


def report(kind: str = "", *, unused: bool = False, person: uuid.UUID | None = None) -> list[Holding]:
    """Everybody's rights, people first, by name."""
    grants = in_force().select_related("user", "scope")
    if person:
        grants = grants.filter(user=person)
    listed = list(grants.order_by("user__kind", "user__name", "role"))
    users = {g.user_id for g in listed}
    used, givers, seen = last_acts(users), given_by(g.pk for g in listed), last_seen(users)
    found = [
        Holding(
            g.user.kind,
            g.user,
            g.get_role_display(),
            g.scope.label,
            g.starts_at,
            g.ends_at,
            givers.get(g.pk, ("", None))[0],
            used_in_role(used.get(g.user_id, {}), g.role),
            max(filter(None, (g.user.last_login, seen.get(g.user_id))), default=None),
            tuple(PERMISSIONS[p] for p in sorted(ROLES[Role(g.role)].permissions - {READING})),
            g,
        )
        for g in listed
    ]
    found += _delegations(person)
    return [h for h in found if (not kind or h.kind == kind) and (not unused or h.unused)]


def last_acts(users: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, datetime]]:
    """For each person, the last time an act needed each permission. Read once for all, from the ledger."""
    needs = {verb: action.requires for verb, action in actions().items()}
    rows = (
        LedgerEntry.objects.filter(at__gte=now() - LOOKED_BACK, actor_id__in=list(users))
        .values_list("actor_id", "verb")
        .annotate(last=Max("at"))
        .order_by()
    )
    found: dict[uuid.UUID, dict[str, datetime]] = {}
    for user, verb, last in rows:
        permission = needs.get(verb)
        if permission:
            mine = found.setdefault(user, {})
            mine[permission] = max(last, mine.get(permission, last))
    return found


def used_in_role(acts: dict[str, datetime], role: str) -> datetime | None:
    """The last act that a permission of the role was needed for; reading needs none of them."""
    return max((acts[p] for p in ROLES[Role(role)].permissions if p in acts and p != READING), default=None)


def given_by(grants: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[str, uuid.UUID | None]]:
    """Who gave each grant: from its history, which the database wrote."""
    rows = list(
        Grant.history.filter(id__in=list(grants), history_type="+").values_list("id", "history_user_id")  # type: ignore[attr-defined]
    )
    names = {u.pk: str(u) for u in User.objects.filter(pk__in={who for _, who in rows if who})}
    return {grant: (names.get(who, "The product"), who) for grant, who in rows}


def last_seen(users: Iterable[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """The last use of any token, which is how service accounts are seen."""
    rows = (
        ApiToken.objects.filter(organization_id=require_scope().organization_id, user_id__in=list(users))
        .exclude(last_used_at=None)
        .values_list("user_id")
        .annotate(last=Max("last_used_at"))
    )
    return dict(rows)


def _delegations(person: uuid.UUID | None) -> list[Holding]:
    seats = BoardMember.objects.filter(deputy_of__isnull=False, removed_at__isnull=True).filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=now())
    )
    if person:
        seats = seats.filter(user=person)
    return [
        Holding(
            "delegation",
            seat.user,
            f"Votes for {seat.deputy_of}",
            str(seat.board),
            seat.starts_at or seat.created_at,
            seat.ends_at,
            str(seat.deputy_of),
            None,
            seat.user.last_login,
            ("Vote on change requests",),
            seat,
        )
        for seat in seats.select_related("user", "deputy_of", "board").order_by(
            F("ends_at").asc(nulls_last=True)
        )
    ]
