"""Recurrence: which incidents are a problem coming back, and what an observation window says at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

RUNNING, PASSED, BREACHED, VOID = "running", "passed", "breached", "void"


@dataclass(frozen=True)
class Signal:
    """An incident as far as recurrence needs it."""

    id: Any
    began_at: datetime
    fingerprint: str = ""
    services: frozenset[Any] = frozenset()
    # A person said that this incident is the problem.
    linked: bool = False


@dataclass(frozen=True)
class Watch:
    """What is watched for, from when to when: [starts, ends)."""

    starts: datetime
    ends: datetime
    service: Any
    fingerprint: str = ""
    threshold: int = 1
    min_exposure: int = 0


@dataclass(frozen=True)
class Standing:
    """What a window says at a moment: its state, why, and the incidents that count."""

    state: str
    sentence: str
    matches: tuple[Any, ...] = field(default=())

    @property
    def settled(self) -> bool:
        return self.state != RUNNING


def matches(watch: Watch, signal: Signal) -> bool:
    """Whether the incident counts: linked by a person, or of the same fingerprint, or (without one) of the service."""
    if not watch.starts <= signal.began_at < watch.ends:
        return False
    if signal.linked:
        return True
    if watch.fingerprint:
        return signal.fingerprint == watch.fingerprint
    return watch.service in signal.services


def standing(
    watch: Watch,
    signals: Iterable[Signal],
    *,
    at: datetime,
    exposure: int = 0,
    exposure_unit: str = "runs",
    fix_live: bool = True,
) -> Standing:
    """Breached as soon as enough incidents match; passed only at its end, and only if what failed was exercised."""
    seen = sorted(
        (s for s in signals if s.began_at <= at and matches(watch, s)), key=lambda s: (s.began_at, str(s.id))
    )
    found = tuple(s.id for s in seen)
    if len(found) >= watch.threshold:
        times = "once" if len(found) == 1 else f"{len(found)} times"
        return Standing(BREACHED, f"It came back {times} while it was observed.", found)
    if not fix_live:
        return Standing(VOID, "The fix was rolled back while it was observed.", found)
    if at < watch.ends:
        whole, gone = (watch.ends - watch.starts).days, (at - watch.starts).days
        return Standing(RUNNING, f"No recurrence in {max(0, gone)} of {whole} observation days.", found)
    if exposure < watch.min_exposure:
        unit = exposure_unit or "runs"
        return Standing(
            RUNNING,
            f"The observation period is over, but only {exposure} of {watch.min_exposure} {unit} exercised the fix.",
            found,
        )
    return Standing(PASSED, "The observation period ended without recurrence.", found)
