"""Reading features from a CSV file, or one exported by Jira or Azure DevOps: columns mapped to fields, each row
checked, errors with their place.

Points are whole here. Trackers write 0.5 or 2.5: such points are rounded half up, never below 1, and each rounded row
is noted. Nothing else is changed silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from planning.rules import tracker_csv
from planning.rules.tracker_csv import FINISHED, SUBTASKS, LineError
from planning.rules.wsjf import SCALE

KINDS = ("feature", "enabler", "compliance", "problem_fix")
SCORE = ("value", "time_criticality", "risk_reduction", "job_size")
FIELDS = (
    "external_id",
    "title",
    "description",
    "kind",
    "team",
    "theme",
    "acceptance",
    "points",
    "tier",
    *SCORE,
    "needs",
    "needed_by",
    "status",
)
REQUIRED = ("external_id", "title")

# Jira repeats columns (labels, links) and prefixes fields of its own making; the first name that the header
# has counts.
JIRA: dict[str, tuple[str, ...]] = {
    "external_id": ("Issue key",),
    "title": ("Summary",),
    "description": ("Description",),
    "kind": ("Issue Type",),
    "team": ("Custom field (Team)", "Team Name", "Team"),
    "theme": ("Custom field (Theme)", "Custom field (Epic Theme)"),
    "acceptance": ("Custom field (Acceptance Criteria)", "Custom field (Acceptance criteria)"),
    "points": (
        "Custom field (Story Points)",
        "Custom field (Story point estimate)",
        "Story Points",
        "Story point estimate",
    ),
    "value": (
        "Custom field (User-Business Value)",
        "Custom field (Business Value)",
        "Custom field (Business value)",
    ),
    "time_criticality": ("Custom field (Time Criticality)", "Custom field (Time criticality)"),
    "risk_reduction": (
        "Custom field (Risk Reduction / Opportunity Enablement)",
        "Custom field (Risk Reduction)",
        "Custom field (Risk reduction)",
        "Custom field (RR/OE)",
        "Custom field (RR | OE Value)",
    ),
    "job_size": ("Custom field (Job Size)", "Custom field (Job size)"),
    "needs": ("Inward issue link (Blocks)", "Inward issue link (Depends)"),
    "needed_by": ("Outward issue link (Blocks)",),
    "status": ("Status",),
}
# Azure DevOps: the standard columns of Agile, Scrum and SAFe processes, flat lists and trees alike.
AZURE: dict[str, tuple[str, ...]] = {
    "external_id": ("ID",),
    "title": ("Title",),
    "description": ("Description",),
    "kind": ("Work Item Type",),
    "team": ("Area Path", "Node Name", "Team"),
    "theme": ("Theme", "Strategic Theme"),
    "acceptance": ("Acceptance Criteria",),
    "points": ("Effort", "Story Points", "Size"),
    "value": ("Business Value", "User-Business Value"),
    "time_criticality": ("Time Criticality",),
    "risk_reduction": (
        "Risk Reduction-Opportunity Enablement",
        "Risk Reduction",
        "RROE Value",
        "RR-OE Value",
    ),
    "job_size": ("Job Size",),
    "needs": ("Predecessor", "Predecessors"),
    "needed_by": ("Successor", "Successors"),
    "status": ("State",),
}
TREE_TITLE = re.compile(r"Title \d+")
VALUE_AREA = "Value Area"
AZURE_LEFT_OUT = {"task", "test case", "test plan", "test suite", "shared steps", "shared parameter"}
JIRA_KINDS = {
    "bug": "problem_fix",
    "problem": "problem_fix",
    "incident": "problem_fix",
    "defect": "problem_fix",
    "enabler": "enabler",
    "spike": "enabler",
    "technical task": "enabler",
    "technical story": "enabler",
    "enabler story": "enabler",
    "enabler feature": "enabler",
    "compliance": "compliance",
    "risk": "compliance",
}


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One feature of the file; None and empty texts leave what is there as it is.

    `places` are names that may or may not be a team, the narrowest first (a tracker's area path).
    """

    line: int
    external_id: str
    title: str
    description: str = ""
    kind: str = ""
    team: str = ""
    theme: str = ""
    acceptance: str = ""
    points: int | None = None
    tier: int | None = None
    score: tuple[int, int, int, int] | None = None
    needs: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(slots=True)
class FeatureFile:
    """A file as read: usable rows, errors, lines left out on purpose, and which column became which field.

    `notes` say of a line what was taken differently from how it stands there.
    """

    format: str = "csv"
    mapping: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    rows: list[FeatureRow] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)


def read(content: bytes, mapping: Mapping[str, str] | None = None) -> FeatureFile:
    """Read the file. `mapping` names columns for fields and goes before what the header suggests."""
    found = FeatureFile()
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


def _places(header: list[str], mapping: Mapping[str, str], found: FeatureFile) -> dict[str, list[int]]:
    found.format = tracker_csv.format_of(header)
    names = {"jira": JIRA, "azure": AZURE}.get(found.format)
    places = tracker_csv.given_places(mapping, FIELDS, header, found.errors)
    for name in FIELDS:
        if name not in places and (at := _suggested(name, header, names, found)):
            places[name] = at
    if found.format == "azure":
        _azure_places(header, mapping, places)
    for name in REQUIRED:
        if name not in places:
            found.errors.append(LineError(1, name, "The header has no such column; map one to it."))
    used = {i for at in places.values() for i in at}
    found.mapping = {name: header[at[0]] for name, at in places.items() if name in FIELDS}
    found.unused = list(dict.fromkeys(title for i, title in enumerate(header) if title and i not in used))
    return places


def _suggested(
    name: str, header: list[str], names: dict[str, tuple[str, ...]] | None, found: FeatureFile
) -> list[int]:
    """Where the header itself says that a field stands: by a tracker's own names, else by ours and their synonyms."""
    if names is not None:
        known = next((column for column in names.get(name, ()) if column in header), None)
        if known is None and name == "title":
            return [i for i, title in enumerate(header) if TREE_TITLE.fullmatch(title)]
        return [i for i, title in enumerate(header) if title == known]
    at = [i for i, title in enumerate(header) if tracker_csv.folded(title) in _ALIASES.get(name, (name,))]
    if len(at) > 1 and name not in ("needs", "needed_by"):
        found.errors.append(LineError(1, header[at[1]], "The header names this column more than once."))
    return at


def _azure_places(header: list[str], mapping: Mapping[str, str], places: dict[str, list[int]]) -> None:
    """Standard processes have no fourth part of WSJF: then the others are no score, and are left unused."""
    if not all(part in places for part in SCORE):
        for part in SCORE:
            if part not in mapping:
                places.pop(part, None)
    if VALUE_AREA in header:
        places[VALUE_AREA] = [header.index(VALUE_AREA)]


_ALIASES = {
    "external_id": ("external_id", "id", "key"),
    "title": ("title", "summary", "name"),
    "acceptance": ("acceptance", "acceptance_criteria"),
    "points": ("points", "story_points", "estimate"),
    "value": ("value", "user_business_value", "business_value"),
    "risk_reduction": ("risk_reduction", "rr_oe", "risk_reduction_or_opportunity"),
    "needs": ("needs", "depends_on"),
}


def _rows(lines: Iterable[tuple[int, list[str]]], places: dict[str, list[int]], found: FeatureFile) -> None:
    seen: dict[str, int] = {}
    for line, cells in lines:
        row = _row(line, {name: [cells[i] for i in at] for name, at in places.items()}, found)
        if row is None:
            continue
        if row.external_id in seen:
            found.errors.append(
                LineError(
                    line,
                    found.mapping["external_id"],
                    f"{row.external_id} stands in line {seen[row.external_id]} already.",
                )
            )
            continue
        seen[row.external_id] = line
        found.rows.append(row)


def _row(line: int, cells: dict[str, list[str]], found: FeatureFile) -> FeatureRow | None:
    before = len(found.errors)

    def one(name: str) -> str:
        return next((c for c in cells.get(name, ()) if c), "")

    def wrong(name: str, sentence: str) -> None:
        found.errors.append(LineError(line, found.mapping[name], sentence))

    why = _left_out(one("kind").lower(), one("status").lower(), found.format)
    if why:
        found.left_out.append((line, why))
        return None
    for name, most in (("external_id", 120), ("title", 200)):
        if not one(name):
            wrong(name, "A value is needed here; the cell is empty.")
        elif len(one(name)) > most:
            wrong(name, f"The text is longer than {most} characters.")
    kind = _kind(one("kind"), found.format)
    if kind is None:
        wrong("kind", f"{one('kind')!r} is not one of {', '.join(KINDS)}.")
    if kind == "feature" and one(VALUE_AREA).lower() == "architectural":
        kind = "enabler"
    points = tracker_csv.points(one("points"))
    if points == -1:
        wrong("points", f"{one('points')!r} is not a number from 0 to 999.")
    elif points is not None and tracker_csv.whole(one("points"), 999) == -1:
        found.notes.append((line, f"{one('points')} points became {points}"))
    tier = tracker_csv.whole(one("tier").removeprefix("T").removeprefix("Tier").strip(), 4)
    if tier in (-1, 0):
        wrong("tier", f"{one('tier')!r} is not a tier from 1 to 4.")
    score = _score({name: one(name) for name in SCORE}, wrong)
    if len(found.errors) > before:
        return None
    return FeatureRow(
        line=line,
        external_id=one("external_id"),
        title=one("title"),
        description=tracker_csv.plain(one("description"), found.format),
        kind=kind or "",
        team="" if found.format == "azure" else one("team"),
        places=tracker_csv.area(one("team")) if found.format == "azure" else (),
        theme=one("theme")[:120],
        acceptance=tracker_csv.plain(one("acceptance"), found.format),
        points=points,
        tier=tier,
        score=score,
        needs=_ids(cells.get("needs", [])),
        needed_by=_ids(cells.get("needed_by", [])),
    )


def _kind(text: str, format: str) -> str | None:
    if not text:
        return ""
    if format != "csv":
        return JIRA_KINDS.get(text.lower(), "feature")
    folded = tracker_csv.folded(text)
    return folded if folded in KINDS else None


def _left_out(kind: str, status: str, format: str) -> str:
    """Why a tracker's row is no feature of the backlog; empty when it is one."""
    if format == "csv":
        return ""
    if kind in SUBTASKS:
        return "is a sub-task"
    if format == "azure" and kind in AZURE_LEFT_OUT:
        return f"is a {kind}"
    return f"is {status}" if status in FINISHED else ""


def _score(cells: dict[str, str], wrong: object) -> tuple[int, int, int, int] | None:
    given = {name: text for name, text in cells.items() if text}
    if not given:
        return None
    numbers = {}
    for name in SCORE:
        number = tracker_csv.whole(cells[name], 20)
        if number is None:
            # A part may have no column at all: then another part's cell is the one to name.
            wrong(next(iter(given)), f"A score has all four parts; {name.replace('_', ' ')} is missing.")  # type: ignore[operator]
            return None
        if number not in SCALE:
            wrong(name, f"{cells[name]!r} is not on the scale 1, 2, 3, 5, 8, 13, 20.")  # type: ignore[operator]
        numbers[name] = number
    return tuple(numbers[name] for name in SCORE)  # type: ignore[return-value]


def _ids(cells: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for cell in cells for part in re.split(r"[\s,;|]+", cell) if part))
