"""What a standard of reviews holds, how a train's additions join it, and what is wrong with a written one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

PHASES = ("facts", "causes", "actions")
PARTS = ("release", "operations", "product", "development", "quality", "security", "other")
ATTENDANCE = ("required", "optional", "informed")
SIDES = ("at_least", "at_most")
_MOST = 50


@dataclass(frozen=True)
class Standard:
    """The standard in force. Lists of a train come after those of the organization, and take nothing away."""

    attendance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    quorum: int = 100
    sections: tuple[Mapping[str, Any], ...] = ()
    agenda: tuple[Mapping[str, Any], ...] = ()
    indicators: tuple[Mapping[str, Any], ...] = ()
    adoption: tuple[str, ...] = ()
    vanity: tuple[Mapping[str, Any], ...] = ()
    hours: tuple[int, ...] = ()
    hold_overdue_actions: bool = False
    effect_days: int = 30
    escalate_days: int = 14
    recurrences: int = 3
    recurrence_days: int = 180

    def parts(self, tier: int) -> Mapping[str, str]:
        """Who has to be there for a service of this tier."""
        return self.attendance.get(str(tier), {})

    def vanity_of(self, metric: str) -> Mapping[str, Any] | None:
        """The entry of the list of vanity metrics that leaves this one out."""
        return next((row for row in self.vanity if fnmatchcase(metric, str(row["pattern"]))), None)

    def is_adoption(self, metric: str) -> bool:
        return any(fnmatchcase(metric, pattern) for pattern in self.adoption)


# What an organization begins with.
BOXES: tuple[tuple[str, str, int], ...] = (
    ("Walk through the timeline", "facts", 10),
    ("What does not fit together", "facts", 5),
    ("Measures against their baselines", "facts", 5),
    ("Causes, each with its fact", "causes", 20),
    ("Handoff between deployment and operations", "causes", 5),
    ("Actions and proposals", "actions", 10),
    ("Decision and why", "actions", 5),
)
SECTIONS: tuple[tuple[str, str, bool], ...] = (
    ("went-well", "What went well", False),
    ("surprised", "What surprised us", False),
    ("handoff", "What operations lacked when it was handed over", True),
)
STANDARD: dict[str, Any] = {
    "attendance": {
        "1": {"release": "required", "operations": "required", "product": "required", "quality": "optional"},
        "2": {"release": "required", "operations": "required", "product": "optional"},
        "3": {"release": "required", "operations": "optional", "product": "informed"},
        "4": {"release": "optional", "operations": "informed", "product": "informed"},
    },
    "quorum": 75,
    "sections": [{"key": k, "title": t, "required": r} for k, t, r in SECTIONS],
    "agenda": [{"title": t, "phase": p, "minutes": m} for t, p, m in BOXES],
    "indicators": [
        {"metric": "error_rate", "title": "Error rate", "good": "at_most", "unit": "%", "tolerance": 10},
        {"metric": "latency_p95", "title": "Latency p95", "good": "at_most", "unit": "ms", "tolerance": 10},
        {"metric": "availability", "title": "Availability", "good": "at_least", "unit": "%", "tolerance": 0},
    ],
    "adoption": ["flag_*_exposed", "feature_*_users"],
    "vanity": [
        {"pattern": "page_views*", "why": "Counts visits, not whether anything got better."},
        {"pattern": "downloads*", "why": "Counts copies, not use."},
        {"pattern": "lines_of_code*", "why": "More code is not more value."},
        {"pattern": "deploys_total", "why": "Grows whatever happens."},
    ],
    "hours": [8, 14, 20],
}


def merged(rows: Iterable[Mapping[str, Any]]) -> Standard:
    """The first row is the organization's; each later one adds to its lists and may only be stricter."""
    said: dict[str, Any] = {}
    for row in rows:
        if not said:
            said = {**row}
            continue
        for name in ("sections", "agenda", "indicators", "vanity"):
            known = {_identity(name, each) for each in said[name]}
            said[name] = [*said[name], *(e for e in row[name] if _identity(name, e) not in known)]
        said["adoption"] = list(dict.fromkeys([*said["adoption"], *row["adoption"]]))
        said["hours"] = row["hours"] or said["hours"]
        said["attendance"] = _stricter(said["attendance"], row["attendance"])
        said["quorum"] = max(said["quorum"], row["quorum"]) if row["attendance"] else said["quorum"]
        said["hold_overdue_actions"] = said["hold_overdue_actions"] or row["hold_overdue_actions"]
        for name in ("effect_days", "escalate_days", "recurrences"):
            said[name] = min(said[name], row[name])
        said["recurrence_days"] = max(said["recurrence_days"], row["recurrence_days"])
    if not said:
        return Standard(
            agenda=tuple({"title": t, "phase": p, "minutes": m} for t, p, m in BOXES),
            indicators=tuple(STANDARD["indicators"]),
            adoption=tuple(STANDARD["adoption"]),
            vanity=tuple(STANDARD["vanity"]),
        )
    lists = {n: tuple(said[n]) for n in ("sections", "agenda", "indicators", "adoption", "vanity", "hours")}
    return Standard(**{**said, **lists})


def _identity(name: str, row: Mapping[str, Any]) -> Any:
    return row[{"sections": "key", "agenda": "title", "indicators": "metric", "vanity": "pattern"}[name]]


def _stricter(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Per tier and part the stricter of both."""
    found = {tier: dict(parts) for tier, parts in one.items()}
    for tier, parts in other.items():
        for part, attendance in parts.items():
            present = found.setdefault(tier, {}).get(part)
            if present is None or ATTENDANCE.index(attendance) < ATTENDANCE.index(present):
                found[tier][part] = attendance
    return found


def faults(said: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, by field; empty when it can be a standard."""
    found = {}
    for name, check in (
        ("attendance", _attendance_fault),
        ("sections", _sections_fault),
        ("agenda", _agenda_fault),
        ("indicators", _indicators_fault),
        ("adoption", _adoption_fault),
        ("vanity", _vanity_fault),
        ("hours", _hours_fault),
    ):
        if name in said:
            fault = check(said[name])
            if fault:
                found[name] = fault
    return found


def _attendance_fault(value: Any) -> str:
    if not isinstance(value, dict) or set(value) - {"1", "2", "3", "4"}:
        return 'Attendance is by tier, e.g. {"1": {"release": "required"}}.'
    for parts in value.values():
        if not isinstance(parts, dict) or set(parts) - set(PARTS):
            return f"Parts are {', '.join(PARTS)}."
        if any(a not in ATTENDANCE for a in parts.values()):
            return f"Attendance is {', '.join(ATTENDANCE)}."
    return ""


def _rows_fault(value: Any, what: str) -> str:
    if not isinstance(value, list) or len(value) > _MOST or any(not isinstance(r, dict) for r in value):
        return f"{what} are a list of at most {_MOST} objects."
    return ""


def _text(value: Any, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= most


def _sections_fault(value: Any) -> str:
    fault = _rows_fault(value, "Sections")
    if fault:
        return fault
    keys = set()
    for row in value:
        key = row.get("key")
        if not _text(key, 40) or not _text(row.get("title"), 200) or set(row) - {"key", "title", "required"}:
            return "A section has key, title and required."
        if not isinstance(row.get("required", False), bool) or key in keys:
            return f"The section {key} is there twice, or its required is not true or false."
        keys.add(key)
    return ""


def _agenda_fault(value: Any) -> str:
    fault = _rows_fault(value, "Time boxes")
    if fault:
        return fault
    last = 0
    for row in value:
        minutes = row.get("minutes")
        if not _text(row.get("title"), 120) or set(row) - {"title", "phase", "minutes"}:
            return "A time box has title, phase and minutes."
        if row.get("phase") not in PHASES:
            return f"The phase of a time box is {', '.join(PHASES)}."
        if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= 240:
            return "A time box has 1 to 240 minutes."
        if PHASES.index(row["phase"]) < last:
            return "Facts come before causes, causes before actions."
        last = PHASES.index(row["phase"])
    return ""


def _indicators_fault(value: Any) -> str:
    fault = _rows_fault(value, "Indicators")
    if fault:
        return fault
    metrics = [row.get("metric") for row in value]
    for row in value:
        if set(row) - {"metric", "title", "good", "unit", "tolerance"}:
            return "An indicator has metric, title, good, unit and tolerance."
        if not _text(row.get("metric"), 120) or not _text(row.get("title"), 120):
            return "An indicator names its metric and its title."
        if row.get("good") not in SIDES:
            return "Good is at_least or at_most: on which side values are good."
        if not isinstance(row.get("unit", ""), str) or len(row.get("unit", "")) > 20:
            return "A unit has at most 20 characters."
        tolerance = row.get("tolerance", 0)
        if (
            isinstance(tolerance, bool)
            or not isinstance(tolerance, int | float)
            or not 0 <= tolerance <= 1000
        ):
            return "A tolerance is a percentage from 0 to 1000."
    return "An indicator is there twice." if len(set(metrics)) < len(metrics) else ""


def _adoption_fault(value: Any) -> str:
    if not isinstance(value, list) or len(value) > _MOST or any(not _text(v, 120) for v in value):
        return "Adoption is a list of patterns of metrics, e.g. flag_*_exposed."
    return ""


def _vanity_fault(value: Any) -> str:
    fault = _rows_fault(value, "Vanity metrics")
    if fault:
        return fault
    if any(
        not _text(r.get("pattern"), 120) or not _text(r.get("why"), 300) or set(r) - {"pattern", "why"}
        for r in value
    ):
        return "A vanity metric has a pattern and says why it is left out."
    return ""


def _hours_fault(value: Any) -> str:
    good = isinstance(value, list) and len(value) <= 24
    if not good or any(isinstance(h, bool) or not isinstance(h, int) or not 0 <= h <= 23 for h in value):
        return "Rotating hours are whole hours of the day in UTC, from 0 to 23."
    return ""
