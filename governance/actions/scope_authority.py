"""What lets an item into a frozen release: an approved emergency change."""

from __future__ import annotations

from typing import Any

from governance.models import ChangeRequest
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Ref, Refusal
from trains.actions.scope import scope_is_frozen
from trains.models import Release


def frozen_scope_needs_its_change(actor: Actor, release: Any, params: dict[str, Any]) -> Refusal | None:
    """After the freeze an item comes in only under an emergency change that stands approved and is about this train."""
    if not isinstance(release, Release) or "title" not in params or not scope_is_frozen(release):
        return None
    if params.get("classification") not in ("problem_fix", "hotfix"):
        return None  # refused for what it is, whatever change it names
    key = str(params.get("emergency_change") or "").strip().upper()
    if not key:
        return Refusal(
            "release.no_emergency_change",
            f"The scope of {release} is frozen: an item comes in only by an approved emergency change.",
            remedy="Have an emergency change approved and give its key.",
            blocked_by=Ref.of(release),
            field="emergency_change",
        )
    change = ChangeRequest.objects.filter(key=key).select_related("service", "release").first()
    if change is None:
        return Refusal(
            "change.unknown", f"There is no change request {key[:40]}.", field="emergency_change", status=422
        )
    return _unfit(change, release)


def _unfit(change: ChangeRequest, release: Release) -> Refusal | None:
    if change.type != ChangeRequest.Type.EMERGENCY:
        sentence = f"{change.key} is a {change.get_type_display().lower()} change, not an emergency change."
    elif not change.stands:
        sentence = f"{change.key} is {change.get_state_display().lower()}, not approved."
    elif change.release_id not in (None, release.pk):
        sentence = f"{change.key} is about {change.release}."
    elif change.service is not None and change.service.train_id not in (None, release.train_id):
        sentence = f"{change.key} is about {change.service}, which belongs to another train."
    else:
        return None
    return Refusal(
        "release.emergency_change",
        sentence,
        remedy="Give the key of an approved emergency change of this release or train.",
        blocked_by=Ref.of(change),
        field="emergency_change",
    )
