"""Occasions that concern several domains at once: a release changes its state, a change waits for votes or is decided."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from governance.models import BoardMember, ChangeRequest
from planning.models import Feature, FeatureDependency
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import Grant
from releasetrain.interface.notices import Notice, notice
from releasetrain.kernel.clock import now
from trains.models import Release, Team, TrainDependency

# Who speaks to customers of a train.
_FACING_CUSTOMERS = (Role.PRODUCT_MANAGER, Role.BUSINESS_OWNER)
_ON_TEAMS = (Role.TEAM_MEMBER, Role.TECHNICAL_LEAD)
_RELEASE_VERBS = {
    "release.freeze": "its scope is frozen",
    "release.mark_ready": "it is ready",
    "release.mark_approved": "it is approved",
    "release.withdraw_approval": "its approval is withdrawn",
    "release.start_deploying": "it is being deployed",
    "release.mark_released": "it is released",
    "release.cancel": "it is cancelled",
    "release.roll_back": "it is rolled back",
}
_URGENT = ("release.cancel", "release.roll_back", "release.withdraw_approval")


def holders(
    roles: Iterable[Role], trains: Iterable[uuid.UUID], teams: Iterable[uuid.UUID] = ()
) -> set[uuid.UUID]:
    """Who holds one of the roles on one of the trains or teams now, or on the whole organization."""
    at = now()
    where = Q(scope__kind="train", scope__object_id__in=list(trains))
    where |= Q(scope__kind="team", scope__object_id__in=list(teams)) | Q(scope__kind="organization")
    rows = Grant.objects.filter(
        where, role__in=[str(r) for r in roles], revoked_at__isnull=True, starts_at__lte=at
    )
    return set(rows.exclude(ends_at__lte=at).values_list("user_id", flat=True))


def concerned_by(release: Release) -> set[uuid.UUID]:
    """The people of teams whose features it carries or who wait for one of them, and who speaks to customers of its train."""
    kept = release.items.filter(removed_at__isnull=True, source_kind="feature", source_id__isnull=False)
    features = list(kept.values_list("source_id", flat=True))
    waiting = FeatureDependency.objects.filter(provider__in=features).values("consumer")
    rows = Feature.objects.filter(Q(pk__in=features) | Q(pk__in=waiting), team__isnull=False)
    teams = set(rows.values_list("team_id", flat=True))
    trains = set(Team.objects.filter(pk__in=teams).values_list("train_id", flat=True))
    needing = TrainDependency.objects.filter(provider=release.train_id).exclude(state="met")
    others = set(
        needing.filter(Q(release=release) | Q(release__isnull=True)).values_list("consumer_id", flat=True)
    )
    found = holders([Role.RTE, *_FACING_CUSTOMERS], {release.train_id, *others, *trains})
    return found | holders(_ON_TEAMS, trains | others, teams)


@notice(*_RELEASE_VERBS, name="release.moved", title="Releases that carry your work, or what you wait for")
def release_moved(entry: Any) -> Notice | None:
    """A release changed its state: dependent teams and those who speak to customers hear of it."""
    release = Release.objects.filter(pk=entry.subject_id).select_related("train").first()
    if release is None:
        return None
    return Notice(
        to=concerned_by(release),
        title=f"{release}: {_RELEASE_VERBS[entry.verb]}",
        text=f"Planned for {release.target_at:%Y-%m-%d %H:%M} UTC." if release.target_at else "",
        about=release,
        urgent=entry.verb in _URGENT,
    )


@notice(
    "change.submit", "change.hand_to_board", name="change.vote_wanted", title="A change waits for your vote"
)
def vote_wanted(entry: Any) -> Notice | None:
    """The board's members hear of a change that they decide upon."""
    change = ChangeRequest.objects.filter(pk=entry.subject_id).select_related("release").first()
    if change is None or change.board_id is None:
        return None
    at = now()
    seats = BoardMember.objects.filter(board=change.board_id, removed_at__isnull=True, deputy_of__isnull=True)
    seats = seats.filter(Q(starts_at__isnull=True) | Q(starts_at__lte=at)).exclude(ends_at__lte=at)
    return Notice(
        to=set(seats.values_list("user_id", flat=True)),
        title=f"{change.key} waits for your vote: {change.title}",
        about=change,
        urgent=change.type == ChangeRequest.Type.EMERGENCY,
    )
