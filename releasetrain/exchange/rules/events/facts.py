"""The facts that a message can say, in the sender's own names: who they are here is decided when they are acted upon."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dateutil.parser import isoparse, parse


class Unreadable(ValueError):
    """The message is not of the shape that its kind has; said to the sender."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it came: its id at the sender, its type in the sender's words, and its body.

    `thread` groups events of one chain of work, `text` is the raw JSON that is kept.
    """

    id: str
    type: str
    body: Any
    text: str
    at: datetime | None = None
    origin: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentSaid:
    service: str
    environment: str
    status: str
    external_id: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    version: str = ""
    commit: str = ""
    digest: str = ""
    release: str = ""
    kind: str = "deploy"
    by: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class IncidentSaid:
    """`service` may be empty where the source has a service for all. Severity from 1, worst, to 4."""

    service: str
    title: str
    external_id: str
    detected_at: datetime
    severity: int = 3
    started_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    impact: str = ""
    fingerprint: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactSaid:
    service: str
    digest: str
    version: str = ""
    commit: str = ""
    built_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TestsSaid:
    """The end of a test run. Without a digest, the artifact is that of the same thread."""

    __test__ = False

    suite: str
    passed: bool
    digest: str = ""
    thread: str = ""
    reason: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class FlagSaid:
    """The state of a feature flag in an environment; `enabled` None: the flag was removed there."""

    flag: str
    environment: str
    enabled: bool | None
    at: datetime
    by: str = ""
    variant: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class AlertSaid:
    """An alert that fired or ended."""

    name: str
    service: str
    starts_at: datetime
    ends_at: datetime | None
    fingerprint: str
    labels: dict[str, str] = field(default_factory=dict)


Fact = DeploymentSaid | IncidentSaid | ArtifactSaid | TestsSaid | FlagSaid | AlertSaid


def moment(value: Any) -> datetime | None:
    """A moment with its zone, from RFC 3339, GitLab's "2021-04-28 21:50:00 +0200", or seconds or milliseconds since 1970."""
    if value in (None, "", 0):
        return None
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal() and len(value) > 8):
        number = float(value)
        try:
            return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, tz=UTC)
        except (ValueError, OverflowError, OSError):
            return None
    if not isinstance(value, str):
        return None
    # Python's own reader is many times faster; the others take what it does not.
    for read in (datetime.fromisoformat, isoparse, parse):
        try:
            found: datetime = read(value)
        except (ValueError, OverflowError):
            continue
        if found.year < 1900:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def text(value: Any, most: int = 200) -> str:
    """A text of bounded length; anything else but a number is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()[:most]


def inner(value: Any, *path: str) -> Any:
    """What lies at a path of names in nested objects, or None."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def obj(value: Any, what: str = "The body") -> dict[str, Any]:
    """The value as an object, or the sentence for the sender."""
    if not isinstance(value, dict):
        raise Unreadable(f"{what} is not a JSON object.")
    return value


def link(value: Any) -> str:
    """A web address, or nothing."""
    found = text(value, 500)
    return found if found.startswith(("https://", "http://")) else ""
