"""What people are told of rollouts: held, taken back, and waiting for somebody to lead on.

Told are those who planned or began it, and who holds the train or its releases. Whoever follows the release, the service or
the rollout hears of every act by that.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import Q

from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import Grant
from releasetrain.interface.notices import Notice, declare_kind, notice, remind
from releasetrain.kernel.clock import now

from .models import Rollout, RolloutCommand

WAITING = "rollouts.waiting"
# Somebody who waits so long is reminded, and once a day from then on.
PATIENCE = timedelta(hours=4)

declare_kind(WAITING, "A rollout waits for a person")


def concerned(rollout: Rollout) -> set[uuid.UUID]:
    """Release managers and Release Train Engineers of its train, and whoever planned, began or led it on."""
    train = rollout.release.train_id if rollout.release else rollout.service.train_id
    at = now()
    where = Q(scope__kind="organization") | Q(scope__kind="service", scope__object_id=rollout.service_id)
    if train:
        where |= Q(scope__kind="train", scope__object_id=train)
    rows = Grant.objects.filter(
        where, role__in=[Role.RTE, Role.RELEASE_MANAGER], revoked_at__isnull=True, starts_at__lte=at
    )
    found = set(rows.exclude(ends_at__lte=at).values_list("user_id", flat=True))
    hands = rollout.history.filter(history_user_id__isnull=False)
    return found | set(hands.values_list("history_user_id", flat=True))


def _rollout(pk: Any) -> Rollout | None:
    rows = Rollout.objects.select_related("release__train", "service__train", "environment")
    return rows.filter(pk=pk).first()


@notice(
    "rollout.halt",
    "rollout.hold",
    "rollout_command.refuse",
    name="rollouts.held",
    title="A rollout is held, or waits for a person",
)
def held(entry: Any) -> Notice | None:
    """It stays where it is, and why; where a step has passed and a person leads on, it says that."""
    if entry.verb == "rollout_command.refuse":
        pk = RolloutCommand.objects.filter(pk=entry.subject_id).values_list("rollout_id", flat=True).first()
    else:
        pk = entry.subject_id
    rollout = _rollout(pk)
    if rollout is None or rollout.state != Rollout.State.HELD:
        return None
    waits = entry.verb == "rollout.halt" and rollout.held_by == Rollout.HeldBy.PERSON
    return Notice(
        to=concerned(rollout),
        title=f"{rollout.key} {'waits for you to lead on' if waits else 'is held'}: {rollout.title}"[:200],
        text=_where(rollout),
        about=rollout,
        urgent=not waits,
    )


@notice(
    "rollout.go_back",
    "rollout.roll_back",
    "rollout_command.confirm",
    name="rollouts.taken_back",
    title="A rollout is taken back",
)
def taken_back(entry: Any) -> Notice | None:
    """The rollback was ordered, by whom or what; and once more when all traffic is on the version before."""
    if entry.verb == "rollout_command.confirm":
        command = RolloutCommand.objects.filter(pk=entry.subject_id, act=RolloutCommand.Act.ROLL_BACK).first()
        rollout = _rollout(command.rollout_id) if command else None
        said = "is rolled back"
    else:
        rollout, said = _rollout(entry.subject_id), "is being rolled back"
    if rollout is None:
        return None
    return Notice(
        to=concerned(rollout),
        title=f"{rollout.key} {said}: {rollout.title}"[:200],
        text=_where(rollout),
        about=rollout,
        urgent=True,
    )


def _where(rollout: Rollout) -> str:
    share = f"Step {rollout.step} of {len(rollout.steps)}, {rollout.weight} % of the traffic."
    return f"{share} {rollout.reason}".strip()[:500]


def remind_of_waiting() -> int:
    """Remind of rollouts that a person has to lead on, once a day; how many people were told now."""
    people = (Rollout.HeldBy.PERSON, Rollout.HeldBy.ANALYSIS, Rollout.HeldBy.COMMAND)
    rows = Rollout.objects.filter(state=Rollout.State.HELD, held_by__in=people)
    told = 0
    for rollout in rows.select_related("release__train", "service__train", "environment").order_by("pk"):
        since = rollout.history.order_by("-history_date").values_list("history_date", flat=True).first()
        if since is None or since > now() - PATIENCE:
            continue
        told += remind(
            concerned(rollout),
            f"{rollout.pk}:{rollout.step}:{now():%Y-%m-%d}",
            f"{rollout.key} waits since {since:%d %b %H:%M} UTC: {rollout.title}"[:200],
            f"{_where(rollout)} Lead on, resume or roll back.",
            rollout,
            name=WAITING,
        )
    return told
