"""What still stands between a release and the promises it changes."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from trains.models import CommitmentChange, Release
from trains.rules.notice import earliest_release


def unmet_commitments(release: Release, today: date) -> list[tuple[CommitmentChange, str, str]]:
    """(commitment, what is wrong, what would put it right) for each changed promise that is not in order."""
    rows = CommitmentChange.objects.filter(release=release).exclude(state=CommitmentChange.State.WITHDRAWN)
    found: list[tuple[CommitmentChange, str, str]] = []
    for row in rows.select_related("legal", "account"):
        for at, who, side in (
            (row.legal_at, row.legal, "Legal"),
            (row.account_at, row.account, "Account management"),
        ):
            if at is None:
                found.append((row, f"{side} has not acknowledged the change of {row}.", f"Ask {who}."))
        earliest = earliest_release(row.notified_on, today, row.notice_days)
        target = release.target_at and release.target_at.astimezone(ZoneInfo(release.train.time_zone)).date()
        if target is None:
            found.append(
                (row, f"{release} has no target to measure the notice of {row} by.", "Set the target.")
            )
        elif target < earliest:
            told = f"told on {row.notified_on:%d %b %Y}" if row.notified_on else "not told yet"
            found.append(
                (
                    row,
                    f"{row} demands {row.notice_days} days of notice (customer {told}), but {release} is due {target:%d %b %Y}.",
                    f"Move the target to {earliest:%d %b %Y} or later.",
                )
            )
        elif row.notified_on is None:
            found.append(
                (
                    row,
                    f"{row.customer} was not told of the change of {row}.",
                    f"Ask {row.account} to tell them.",
                )
            )
    return found
