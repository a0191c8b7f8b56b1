"""Settling: reports about one deployment, in any order and repeated, come to the same state.

`merge` is commutative, associative and idempotent, so the last report to arrive never wins by being last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce

RUNNING, SUCCEEDED, FAILED, ROLLED_BACK, CANCELLED = (
    "running",
    "succeeded",
    "failed",
    "rolled_back",
    "cancelled",
)
STATUSES = (RUNNING, SUCCEEDED, FAILED, ROLLED_BACK, CANCELLED)
_RANK = {RUNNING: 0, CANCELLED: 1, FAILED: 2, SUCCEEDED: 3, ROLLED_BACK: 4}
_EARLIEST = datetime.min.replace(tzinfo=UTC)

# What cannot differ between two reports about the same deployment.
IDENTITY = ("service", "environment", "version", "commit", "digest", "release")


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says of a deployment. Empty text means: does not say. A running one has no end."""

    service: str
    environment: str
    status: str
    started_at: datetime
    finished_at: datetime | None = None
    version: str = ""
    commit: str = ""
    digest: str = ""
    release: str = ""
    kind: str = "deploy"
    emergency: bool = False
    rework: bool = False
    deployed_by_name: str = ""
    url: str = ""


def disagreement(one: Report, other: Report) -> str | None:
    """The first field in which two reports name different things, or None."""
    for name in IDENTITY:
        a, b = getattr(one, name), getattr(other, name)
        if a and b and a != b:
            return name
    return None


def _weight(report: Report) -> tuple[bool, bool, datetime, int]:
    """An end beats a beginning, a rollback beats any end, then the later end wins."""
    finished = report.finished_at or _EARLIEST
    return (report.status == ROLLED_BACK, report.status != RUNNING, finished, _RANK[report.status])


def merge(one: Report, other: Report) -> Report:
    """Two reports about the same deployment as one."""
    heavier = max(one, other, key=_weight)
    finishes = [r.finished_at for r in (one, other) if r.finished_at is not None]
    return replace(
        one,
        status=heavier.status,
        started_at=min(one.started_at, other.started_at),
        finished_at=max(finishes) if finishes else None,
        version=one.version or other.version,
        commit=one.commit or other.commit,
        digest=one.digest or other.digest,
        release=one.release or other.release,
        # Words that may differ: the same one is kept whichever came first.
        kind=max(one.kind, other.kind),
        emergency=one.emergency or other.emergency,
        rework=one.rework or other.rework,
        deployed_by_name=max(one.deployed_by_name, other.deployed_by_name),
        url=max(one.url, other.url),
    )


def settle(reports: Iterable[Report]) -> Report:
    """All reports about one deployment as one."""
    return reduce(merge, reports)
