"""Verbs of rollback criteria: when a release, or one item of it, is taken back."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Comparison, Release, RollbackCriterion, ScopeItem
from trains.rules.packaging import HIGH
from trains.rules.rollback_criteria import EXAMPLE, read_criterion

Threshold = Annotated[Decimal, Field("Failure threshold", min=-999_999_999, max=999_999_999)]


def criterion_from(line: str, field: str) -> dict[str, Any]:
    """The values of a criterion that is written in one line."""
    found = read_criterion(line)
    if found is None:
        refuse(
            "criterion.unreadable",
            f"{line!r} states no criterion.",
            remedy=f"Write it like: {EXAMPLE}.",
            field=field,
        )
    assert found is not None
    side = Comparison.AT_MOST if found.at_most else Comparison.AT_LEAST
    return {
        "indicator": found.indicator,
        "success": f"{side.label} {found.threshold} {found.unit}".strip(),
        "comparison": side,
        "threshold": found.threshold,
        "unit": found.unit,
        "window_minutes": found.window_minutes,
    }


def _items(actor: Actor, subject: Any) -> Any:
    rows = ScopeItem.objects.filter(removed_at__isnull=True)
    return rows.filter(release=subject) if subject is not None else rows


@action("release.add_criterion", on=Release, requires="releases.manage", label="Add rollback criterion")
def add_criterion(
    actor: Actor,
    release: Release,
    *,
    indicator: Annotated[
        str, Field("Indicator", help="What is watched, e.g. error rate of refunds.", max_length=120)
    ],
    success: Annotated[str, Field("Success means", help="E.g. below 0.2 % for an hour.", max_length=200)],
    threshold: Threshold,
    comparison: Annotated[Comparison, Field("Good is")] = Comparison.AT_MOST,
    unit: Annotated[str, Field("Unit", max_length=20)] = "",
    window_minutes: Annotated[int, Field("Watched for minutes", min=1, max=100_000)] = 60,
    item: Annotated[ScopeItem | None, Field("Item", help="Empty: the whole release.", rows=_items)] = None,
) -> RollbackCriterion:
    """Say when the release, or one item of it, is taken back."""
    if not release.is_open or release.released_at:
        refuse(
            "release.out", f"{release} is {release.get_state_display().lower()}.", blocked_by=Ref.of(release)
        )
    if item is not None and (item.release_id != release.pk or item.removed_at):
        refuse("release.item_elsewhere", f"{item} is not in {release}.", field="item")
    return RollbackCriterion.objects.create(
        release=release,
        item=item,
        indicator=indicator,
        success=success,
        comparison=comparison,
        threshold=threshold,
        unit=unit,
        window_minutes=window_minutes,
    )


@action("rollback_criterion.withdraw", on=RollbackCriterion, requires="releases.manage", danger=True)
def withdraw_criterion(
    actor: Actor, criterion: RollbackCriterion, *, reason: Annotated[str, Field("Reason", long=True)]
) -> RollbackCriterion:
    """Withdraw a criterion; the last one of a high-risk item stays once the scope is frozen."""
    if criterion.retired_at:
        refuse("rollback_criterion.withdrawn", "The criterion is withdrawn already.")
    item = criterion.item
    if item is not None and item.tier in HIGH and item.removed_at is None and criterion.release.frozen_at:
        others = RollbackCriterion.objects.filter(item=item, retired_at__isnull=True).exclude(pk=criterion.pk)
        if not others.exists():
            refuse(
                "rollback_criterion.last",
                f"{item} is of risk tier {item.tier} and its release is frozen: it keeps a criterion.",
                remedy="Add the better criterion first, then withdraw this one.",
                blocked_by=Ref.of(criterion.release),
            )
    criterion.retired_at = now()
    criterion.save()
    return criterion
