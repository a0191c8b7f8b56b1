"""What of governance escalates: changes that wait for their board's sign-off."""

from __future__ import annotations

from collections.abc import Iterable

from governance.models import ChangeRequest
from trains.escalating import Waiting, escalates
from trains.models import Train


@escalates("changerequest", "Missed sign-offs of changes")
def sign_offs(train: Train | None) -> Iterable[Waiting]:
    """Changes that await approval, since they were submitted."""
    rows = ChangeRequest.objects.filter(state=ChangeRequest.State.AWAITING_APPROVAL).select_related("release")
    if train is not None:
        rows = rows.filter(release__train=train)
    for row in rows:
        train_id = row.release.train_id if row.release else None
        yield Waiting(row.pk, f"{row.key} {row.title}", row.submitted_at or row.created_at, train_id)
