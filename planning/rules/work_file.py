"""Reading stories and tasks from a tracker's CSV: state, hours and points of each, errors with their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from planning.rules import tracker_csv
from planning.rules.tracker_csv import LineError

HOURS = ("estimate_hours", "remaining_hours", "spent_hours")
MOMENTS = ("started_at", "finished_at")
FIELDS = (
    "external_id",
    "title",
    "kind",
    "state",
    "team",
    "iteration",
    "feature",
    "points",
    *HOURS,
    "assignee_name",
    *MOMENTS,
)
REQUIRED = ("external_id", "title")
MOST_HOURS = Decimal(9999)
# Jira exports hours as seconds.
JIRA: dict[str, tuple[str, ...]] = {
    "external_id": ("Issue key",),
    "title": ("Summary",),
    "kind": ("Issue Type",),
    "state": ("Status",),
    "team": ("Custom field (Team)", "Team Name", "Team"),
    "iteration": ("Sprint",),
    "feature": ("Parent key", "Custom field (Epic Link)", "Parent"),
    "points": ("Custom field (Story Points)", "Custom field (Story point estimate)", "Story Points"),
    "estimate_hours": ("Original estimate", "Original Estimate"),
    "remaining_hours": ("Remaining Estimate", "Remaining estimate"),
    "spent_hours": ("Time Spent", "Time spent"),
    "assignee_name": ("Assignee",),
    "finished_at": ("Resolved",),
}
AZURE: dict[str, tuple[str, ...]] = {
    "external_id": ("ID",),
    "title": ("Title",),
    "kind": ("Work Item Type",),
    "state": ("State",),
    "team": ("Area Path", "Node Name", "Team"),
    "iteration": ("Iteration Path",),
    "feature": ("Parent",),
    "points": ("Story Points", "Effort", "Size"),
    "estimate_hours": ("Original Estimate",),
    "remaining_hours": ("Remaining Work",),
    "spent_hours": ("Completed Work",),
    "assignee_name": ("Assigned To",),
    "started_at": ("Activated Date",),
    "finished_at": ("Closed Date",),
}
ALIASES = {
    "external_id": ("external_id", "id", "key"),
    "title": ("title", "summary", "name"),
    "kind": ("kind", "type"),
    "state": ("state", "status"),
    "iteration": ("iteration", "sprint"),
    "feature": ("feature", "parent"),
    "estimate_hours": ("estimate_hours", "estimate"),
    "remaining_hours": ("remaining_hours", "remaining"),
    "spent_hours": ("spent_hours", "spent"),
    "assignee_name": ("assignee_name", "assignee"),
}
KINDS = {
    "task": "task",
    "sub-task": "task",
    "subtask": "task",
    "bug": "defect",
    "defect": "defect",
    "spike": "spike",
    "research": "spike",
}
LEFT_OUT = {"epic", "feature", "initiative", "test case", "test plan", "test suite"}
STATES = {
    "to do": "todo",
    "todo": "todo",
    "new": "todo",
    "open": "todo",
    "backlog": "todo",
    "proposed": "todo",
    "reopened": "todo",
    "selected for development": "todo",
    "in progress": "in_progress",
    "in_progress": "in_progress",
    "active": "in_progress",
    "committed": "in_progress",
    "doing": "in_progress",
    "in review": "in_progress",
    "review": "in_progress",
    "testing": "in_progress",
    "blocked": "in_progress",
    "done": "done",
    "closed": "done",
    "resolved": "done",
    "completed": "done",
    "dropped": "dropped",
    "removed": "dropped",
    "cancelled": "dropped",
    "canceled": "dropped",
    "rejected": "dropped",
    "won't do": "dropped",
}
_DATES = ("%d/%b/%y %I:%M %p", "%d/%b/%y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M")


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One work item of the file. `values` holds what the file has a cell for; `where` and `when` are names to resolve."""

    line: int
    external_id: str
    values: dict[str, object]
    teams: tuple[str, ...] = ()
    iterations: tuple[str, ...] = ()
    feature: str = ""


@dataclass(slots=True)
class WorkFile:
    """A file as read: usable rows, errors, what was left out or taken differently, which column became which field."""

    format: str = "csv"
    mapping: dict[str, str] = field(default_factory=dict)
    rows: list[WorkRow] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)


def read(content: bytes, mapping: Mapping[str, str] | None = None) -> WorkFile:
    """Read the file. `mapping` names columns for fields and goes before what the header suggests."""
    found = WorkFile()
    text = tracker_csv.decoded(content, found.errors)
    if text is None:
        return found
    lines = tracker_csv.records(text, found.errors)
    _, header = next(lines, (1, []))
    if not any(header):
        found.errors.append(LineError(None, "", "It is empty."))
        return found
    places = _places(header, mapping or {}, found)
    if not found.errors:
        _rows(lines, places, found)
    return found


def _places(header: list[str], mapping: Mapping[str, str], found: WorkFile) -> dict[str, list[int]]:
    found.format = tracker_csv.format_of(header)
    names = {"jira": JIRA, "azure": AZURE}.get(found.format)
    places = tracker_csv.given_places(mapping, FIELDS, header, found.errors)
    for name in FIELDS:
        if name in places:
            continue
        if names is not None:
            known = next((c for c in names.get(name, ()) if c in header), None)
            at = [i for i, title in enumerate(header) if title == known]
            if not at and name == "title":
                at = [i for i, title in enumerate(header) if re.fullmatch(r"Title \d+", title)]
        else:
            at = [
                i for i, title in enumerate(header) if tracker_csv.folded(title) in ALIASES.get(name, (name,))
            ]
        if at:
            places[name] = at
    for name in REQUIRED:
        if name not in places:
            found.errors.append(LineError(1, name, "The header has no such column; map one to it."))
    found.mapping = {name: header[at[0]] for name, at in places.items()}
    return places


def _rows(lines: Iterable[tuple[int, list[str]]], places: dict[str, list[int]], found: WorkFile) -> None:
    seen: dict[str, int] = {}
    for line, cells in lines:
        row = _row(line, {name: [cells[i] for i in at if cells[i]] for name, at in places.items()}, found)
        if row is None:
            continue
        if row.external_id in seen:
            sentence = f"{row.external_id} stands in line {seen[row.external_id]} already."
            found.errors.append(LineError(line, found.mapping["external_id"], sentence))
            continue
        seen[row.external_id] = line
        found.rows.append(row)


def _row(line: int, cells: dict[str, list[str]], found: WorkFile) -> WorkRow | None:
    before = len(found.errors)

    def one(name: str) -> str:
        return next(iter(cells.get(name, ())), "")

    def wrong(name: str, sentence: str) -> None:
        found.errors.append(LineError(line, found.mapping[name], sentence))

    if found.format != "csv" and one("kind").lower() in LEFT_OUT:
        found.left_out.append((line, f"is of the kind {one('kind').lower()}"))
        return None
    for name, most in (("external_id", 120), ("title", 200)):
        if not one(name):
            wrong(name, "A value is needed here; the cell is empty.")
        elif len(one(name)) > most:
            wrong(name, f"The text is longer than {most} characters.")
    values = _values(one, found.format, wrong, lambda note: found.notes.append((line, note)))
    if len(found.errors) > before:
        return None
    paths = found.format == "azure"
    return WorkRow(
        line=line,
        external_id=one("external_id"),
        values=values,
        teams=tracker_csv.area(one("team")) if paths else tuple(cells.get("team", ())[:1]),
        # Jira repeats the column for every sprint that an item went through; the last one holds it.
        iterations=tracker_csv.area(one("iteration"))
        if paths
        else tuple(reversed(cells.get("iteration", ()))),
        feature=one("feature"),
    )


def _values(
    one: Callable[[str], str],
    format: str,
    wrong: Callable[[str, str], None],
    note: Callable[[str], None],
) -> dict[str, object]:
    """What the row's cells say of the item itself; an empty cell says nothing."""
    values: dict[str, object] = {"title": one("title")}
    if one("kind"):
        values["kind"] = KINDS.get(one("kind").lower(), "story")
    if one("state"):
        _state(one("state"), values, wrong)
    if one("points"):
        _points(one("points"), values, wrong, note)
    for name in HOURS:
        if one(name):
            _hours(name, one(name), format, values, wrong)
    for name in MOMENTS:
        if one(name):
            _moment(name, one(name), values, wrong)
    if one("assignee_name"):
        # Azure DevOps writes “Name <address>”.
        values["assignee_name"] = re.sub(r"\s*<[^>]*>$", "", one("assignee_name"))[:120]
    return values


def _state(text: str, values: dict[str, object], wrong: Callable[[str, str], None]) -> None:
    state = STATES.get(text.lower())
    if state is None:
        wrong("state", f"{text!r} is no state that is known: {', '.join(sorted(STATES))}.")
    values["state"] = state


def _points(
    text: str,
    values: dict[str, object],
    wrong: Callable[[str, str], None],
    note: Callable[[str], None],
) -> None:
    points = tracker_csv.points(text)
    if points == -1:
        wrong("points", f"{text!r} is not a number from 0 to 999.")
        return
    values["points"] = points
    if tracker_csv.whole(text, 999) == -1:
        note(f"{text} points became {points}")


def _hours(
    name: str, text: str, format: str, values: dict[str, object], wrong: Callable[[str, str], None]
) -> None:
    if not re.fullmatch(r"\d{1,9}([.,]\d{1,4})?", text):
        wrong(name, f"{text!r} is not a number of hours.")
        return
    hours = Decimal(text.replace(",", "."))
    if format == "jira":
        hours /= 3600
    if hours > MOST_HOURS:
        wrong(name, f"{text!r} is more than {MOST_HOURS} hours.")
        return
    values[name] = round(hours, 1)


def _moment(name: str, text: str, values: dict[str, object], wrong: Callable[[str, str], None]) -> None:
    """A moment as trackers write it; without a zone it is UTC."""
    moment: datetime | None = None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        for pattern in _DATES:
            try:
                moment = datetime.strptime(text, pattern)
                break
            except ValueError:
                continue
    if moment is None:
        wrong(name, f"{text!r} is not a moment such as 2026-11-21T09:00.")
    else:
        values[name] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
