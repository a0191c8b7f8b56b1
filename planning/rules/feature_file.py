"""Reading features from a CSV file or a Jira export: columns mapped to fields, each row checked, errors
with their place."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from planning.rules.wsjf import SCALE

MOST_ROWS = 20_000
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
SUBTASKS = {"sub-task", "subtask", "sub task"}
FINISHED = {"done", "closed", "resolved", "cancelled", "canceled", "won't do", "rejected"}


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line; `line` counts from 1 as a text editor does, None means the whole file."""

    line: int | None
    column: str
    sentence: str

    def __str__(self) -> str:
        place = f"Line {self.line}" if self.line else "The file"
        return f"{place}, {self.column}: {self.sentence}" if self.column else f"{place}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One feature of the file; None and empty texts leave what is there as it is."""

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


@dataclass(slots=True)
class FeatureFile:
    """A file as read: usable rows, errors, lines left out on purpose, and which column became which field."""

    format: str = "csv"
    mapping: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    rows: list[FeatureRow] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)


def read(content: bytes, mapping: Mapping[str, str] | None = None) -> FeatureFile:
    """Read the file. `mapping` names columns for fields and goes before what the header suggests."""
    found = FeatureFile()
    text = _decoded(content, found)
    if text is None:
        return found
    try:
        dialect = _delimiter(text)
        # Positions are lines of the file, not records: a description may span many of them.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect, strict=True)
        header = [name.strip() for name in next(reader, [])]
        if not any(header):
            found.errors.append(LineError(None, "", "It is empty."))
            return found
        places = _places(header, mapping or {}, found)
        if found.errors:
            return found
        _rows(reader, len(header), places, found)
    except csv.Error as broken:
        found.errors.append(LineError(reader.line_num or 1, "", f"This is not well-formed CSV: {broken}."))
    return found


def _decoded(content: bytes, found: FeatureFile) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found.errors.append(LineError(line, "", "This is not UTF-8 text. Save the file as UTF-8."))
        return None
    if "\0" in text:
        found.errors.append(
            LineError(text[: text.index("\0")].count("\n") + 1, "", "A NUL character stands here.")
        )
        return None
    return text


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max((",", ";", "\t"), key=first.count)


def _places(header: list[str], mapping: Mapping[str, str], found: FeatureFile) -> dict[str, list[int]]:
    jira = "Issue key" in header and "Summary" in header
    found.format = "jira" if jira else "csv"
    folded = [_folded(name) for name in header]
    places: dict[str, list[int]] = {}
    for name, column in mapping.items():
        if name not in FIELDS:
            found.errors.append(
                LineError(None, name, f"There is no field {name}; known are {', '.join(FIELDS)}.")
            )
        elif column not in header:
            found.errors.append(
                LineError(1, column, f"The header has no such column, but {name} is mapped to it.")
            )
        else:
            places[name] = [i for i, title in enumerate(header) if title == column]
    for name in FIELDS:
        if name in places:
            continue
        if jira:
            known = next((c for c in JIRA.get(name, ()) if c in header), None)
            at = [i for i, title in enumerate(header) if title == known] if known else []
        else:
            at = [i for i, title in enumerate(folded) if title in _ALIASES.get(name, (name,))]
            if len(at) > 1 and name not in ("needs", "needed_by"):
                found.errors.append(
                    LineError(1, header[at[1]], "The header names this column more than once.")
                )
        if at:
            places[name] = at
    for name in REQUIRED:
        if name not in places:
            found.errors.append(LineError(1, name, "The header has no such column; map one to it."))
    used = {i for at in places.values() for i in at}
    found.mapping = {name: header[at[0]] for name, at in places.items()}
    found.unused = list(dict.fromkeys(title for i, title in enumerate(header) if title and i not in used))
    return places


_ALIASES = {
    "external_id": ("external_id", "id", "key"),
    "title": ("title", "summary", "name"),
    "acceptance": ("acceptance", "acceptance_criteria"),
    "points": ("points", "story_points", "estimate"),
    "value": ("value", "user_business_value", "business_value"),
    "risk_reduction": ("risk_reduction", "rr_oe", "risk_reduction_or_opportunity"),
    "needs": ("needs", "depends_on"),
}


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _rows(reader: Iterable[list[str]], width: int, places: dict[str, list[int]], found: FeatureFile) -> None:
    seen: dict[str, int] = {}
    end = 1
    for cells in reader:
        line, end = end + 1, reader.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in cells):
            continue
        if len(found.rows) + len(found.left_out) >= MOST_ROWS:
            found.errors.append(LineError(line, "", f"The file has more than {MOST_ROWS} rows; split it."))
            return
        if len(cells) != width:
            found.errors.append(LineError(line, "", f"{width} cells expected, {len(cells)} found."))
            continue
        row = _row(line, {name: [cells[i].strip() for i in at] for name, at in places.items()}, found)
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

    if found.format == "jira":
        if one("kind").lower() in SUBTASKS:
            found.left_out.append((line, "is a sub-task"))
            return None
        if one("status").lower() in FINISHED:
            found.left_out.append((line, f"is {one('status').lower()}"))
            return None
    for name, most in (("external_id", 120), ("title", 200)):
        if not one(name):
            wrong(name, "A value is needed here; the cell is empty.")
        elif len(one(name)) > most:
            wrong(name, f"The text is longer than {most} characters.")
    kind = _kind(one("kind"), found.format)
    if kind is None:
        wrong("kind", f"{one('kind')!r} is not one of {', '.join(KINDS)}.")
    points = _whole(one("points"), 999)
    if points == -1:
        wrong("points", f"{one('points')!r} is not a whole number from 0 to 999.")
    tier = _whole(one("tier").removeprefix("T").removeprefix("Tier").strip(), 4)
    if tier in (-1, 0):
        wrong("tier", f"{one('tier')!r} is not a tier from 1 to 4.")
    score = _score({name: one(name) for name in SCORE}, wrong)
    if len(found.errors) > before:
        return None
    return FeatureRow(
        line=line,
        external_id=one("external_id"),
        title=one("title"),
        description=one("description"),
        kind=kind or "",
        team=one("team"),
        theme=one("theme")[:120],
        acceptance=one("acceptance"),
        points=points,
        tier=tier,
        score=score,
        needs=_ids(cells.get("needs", [])),
        needed_by=_ids(cells.get("needed_by", [])),
    )


def _kind(text: str, format: str) -> str | None:
    if not text:
        return ""
    if format == "jira":
        return JIRA_KINDS.get(text.lower(), "feature")
    folded = _folded(text)
    return folded if folded in KINDS else None


def _whole(text: str, most: int) -> int | None:
    """The number; None for an empty cell, -1 for what is none. Jira writes 5 as 5.0."""
    if not text:
        return None
    if not re.fullmatch(r"\d{1,6}([.,]0+)?", text):
        return -1
    number = int(re.split(r"[.,]", text)[0])
    return number if number <= most else -1


def _score(cells: dict[str, str], wrong: object) -> tuple[int, int, int, int] | None:
    given = {name: text for name, text in cells.items() if text}
    if not given:
        return None
    numbers = {}
    for name in SCORE:
        number = _whole(cells[name], 20)
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
