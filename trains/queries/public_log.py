"""What the public log of a train tells everybody: versions, resolved issues, known limitations, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trains.models import PublicLog, Release, ReleaseNote
from trains.rules.briefs import lines_of

LONGEST = 200


@dataclass(frozen=True)
class Entry:
    """One released version as the public sees it. Nothing of a release reaches a public page but by this type."""

    version: str
    released_at: datetime
    updated_at: datetime
    resolved: tuple[str, ...]
    limitations: tuple[str, ...]

    @property
    def text(self) -> str:
        """The entry in plain words, for feeds."""
        parts = []
        for heading, lines in (("Resolved issues", self.resolved), ("Known limitations", self.limitations)):
            if lines:
                parts.append(f"{heading}: " + "; ".join(lines) + ".")
        return " ".join(parts) or "No resolved issues or known limitations."


def open_log(slug: str) -> PublicLog | None:
    """The log with this word in its address, if it is open."""
    return PublicLog.objects.filter(slug=slug, opened_at__isnull=False, closed_at__isnull=True).first()


def entries_of(log: PublicLog) -> list[Entry]:
    """Released versions whose notes are published, the latest first."""
    rows = ReleaseNote.objects.filter(
        release__train=log.train_id,
        state=ReleaseNote.State.PUBLISHED,
        release__state__in=[Release.State.RELEASED, Release.State.CLOSED],
        release__released_at__isnull=False,
    ).order_by("-release__released_at", "-id")[:LONGEST]
    values = rows.values_list(
        "release__version", "release__released_at", "published_at", "public_resolved", "limitations"
    )
    return [
        Entry(version, released, max(released, told), tuple(lines_of(resolved)), tuple(lines_of(limitations)))
        for version, released, told, resolved, limitations in values
    ]
