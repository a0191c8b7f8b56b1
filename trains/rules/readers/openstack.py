"""Reading a series folder of a release train as OpenStack publishes it.

A folder holds deliverables.json, teams.json, schedule.json, schedule_history.csv, releases.csv, changes.csv
and deliverable_events.csv. Every file has a reader of its own, so a train with only some can be imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from trains.rules.readers import cells
from trains.rules.readers.cells import CellError
from trains.rules.readers.documents import Entry, EntryError, pointer, read_document
from trains.rules.readers.row_error import OnError, RowError
from trains.rules.readers.sources import Source, source_name
from trains.rules.readers.tables import Column, Table

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class TeamDeliverableRow:
    name: str
    repositories: tuple[str, ...]
    release_management: str


@dataclass(frozen=True, slots=True)
class TeamRow:
    name: str
    mission: str
    service: str
    leadership: str
    lead: str
    release_liaisons: tuple[str, ...]
    deliverables: tuple[TeamDeliverableRow, ...]


@dataclass(frozen=True, slots=True)
class TeamChangeRow:
    """What changed while the series ran: `lead changed`, `retired`, `deliverable added: name`."""

    team: str
    change: str


@dataclass(frozen=True, slots=True)
class BranchRow:
    """A branch: cut at a version, or at one commit for each repository."""

    name: str
    version: str
    commits: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DeliverableRow:
    name: str
    team: str
    type: str
    release_model: str
    repositories: tuple[str, ...]
    branches: tuple[BranchRow, ...]
    versions: tuple[str, ...]
    highlights: tuple[str, ...]
    release_notes: str
    tracker: str


@dataclass(frozen=True, slots=True)
class WeekRow:
    """A week of the schedule; R-25 counts down to the release week, R+0."""

    name: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class ScheduleEventRow:
    label: str
    kind: str
    scope: str
    team: str
    title: str
    section: str
    week: str
    week_start: date
    week_end: date
    text: str

    @property
    def is_freeze(self) -> bool:
        """Whether the event starts a freeze, by its published title or kind."""
        return "freeze" in self.title.lower() or "freeze" in self.kind or self.kind in FREEZE_KINDS


FREEZE_KINDS = frozenset({"ff", "rf", "mf", "soft-sf", "hard-sf", "extra-acs", "extra-atcs"})


@dataclass(frozen=True, slots=True)
class FreezeRow:
    """A freeze from its week to the release. `ends_on` is derived: publishers give the start only."""

    label: str
    kind: str
    title: str
    scope: str
    team: str
    starts_on: date
    ends_on: date
    text: str


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    series: str
    name: str
    start_week: date
    release_week: date
    weeks: tuple[WeekRow, ...]
    events: tuple[ScheduleEventRow, ...]

    def freezes(self) -> tuple[FreezeRow, ...]:
        """The freezes, half-open: from their week to the first day of the release week."""
        return tuple(
            FreezeRow(e.label, e.kind, e.title, e.scope, e.team, e.week_start, self.release_week, e.text)
            for e in self.events
            if e.is_freeze and e.week_start < self.release_week
        )


@dataclass(frozen=True, slots=True)
class ScheduleMoveRow:
    """A milestone added, moved or removed. A milestone may stand in several weeks at once."""

    at: datetime
    event: str
    label: str
    old: tuple[date, ...]
    new: tuple[date, ...]
    merge: str
    subject: str


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One repository of one version of a deliverable. `merged_at` is the moment of approval."""

    series: str
    deliverable: str
    team: str
    type: str
    release_model: str
    version: str
    kind: str
    repository: str
    commit: str
    diff_start: str
    proposed_at: datetime
    last_revised_at: datetime
    merged_at: datetime
    merge_commit: str
    change_commit: str
    change_id: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a deliverable with all its repositories."""

    series: str
    deliverable: str
    team: str
    version: str
    kind: str
    proposed_at: datetime
    merged_at: datetime
    change_id: str
    repositories: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A release request: proposed, revised, approved."""

    merge_commit: str
    change_commit: str
    change_id: str
    commits: int
    proposed_at: datetime
    last_revised_at: datetime
    merged_at: datetime
    author: str
    revised_by_other: bool
    subject: str
    file_count: int
    deliverables: tuple[str, ...]
    versions_added: tuple[str, ...]
    depends_on: tuple[str, ...]
    mentions_exception: bool
    release_team_proposal: bool
    lazy_consensus_by: str
    security_refs: tuple[str, ...]
    is_revert: bool

    def versions(self) -> tuple[tuple[str, str], ...]:
        """The versions asked for, as (deliverable, version)."""
        pairs = (entry.rpartition(" ") for entry in self.versions_added)
        return tuple((deliverable, version) for deliverable, space, version in pairs if space)


@dataclass(frozen=True, slots=True)
class DeliverableEventRow:
    at: datetime
    deliverable: str
    event: str
    old: str
    new: str
    merge: str


RELEASES = Table(
    ReleaseRow,
    (
        Column("series", cells.name),
        Column("deliverable", cells.name),
        Column("team", cells.text),
        Column("type", cells.text),
        Column("release_model", cells.text),
        Column("version", cells.name),
        Column("kind", cells.name, "beta, rc, release, eom, eol or other"),
        Column("repo", cells.name, "one row for each repository of the version"),
        Column("hash", cells.text, "the released commit"),
        Column("diff_start", cells.text, required=False),
        Column("proposed_at", cells.instant),
        Column("last_revised_at", cells.instant),
        Column("merged_at", cells.instant, "the approval, and the actual date"),
        Column("merge_commit", cells.text, required=False),
        Column("change_commit", cells.text, required=False),
        Column("change_id", cells.text),
    ),
)

CHANGES = Table(
    ChangeRow,
    (
        Column("merge_commit", cells.text),
        Column("change_commit", cells.text, required=False),
        Column("change_id", cells.name),
        Column("n_commits", cells.whole),
        Column("proposed_at", cells.instant),
        Column("last_revised_at", cells.instant),
        Column("merged_at", cells.instant),
        Column("author", cells.text),
        Column("committer_revised", cells.flag, "1 when somebody else revised it"),
        Column("subject", cells.text),
        Column("n_files", cells.whole),
        Column("files", cells.several(";"), "deliverables touched"),
        Column("versions_added", cells.several(";"), "deliverable and version, parted by a space"),
        Column("depends_on", cells.several(";"), required=False),
        Column("mentions_exception", cells.flag),
        Column("release_team_proposal", cells.flag, "1 when raised on the team's behalf"),
        Column("lazy_consensus_by", cells.text, "the day silence counts as approval, in the author's words"),
        Column("security_refs", cells.several(";"), required=False),
        Column("is_revert", cells.flag),
    ),
)

SCHEDULE_HISTORY = Table(
    ScheduleMoveRow,
    (
        Column("at", cells.instant),
        Column("event", cells.one_of("added", "moved", "removed")),
        Column("label", cells.name),
        Column("old", cells.days, "the weeks before; several are parted by ;"),
        Column("new", cells.days, "the weeks after"),
        Column("merge", cells.text, required=False),
        Column("subject", cells.text, required=False),
    ),
)

DELIVERABLE_EVENTS = Table(
    DeliverableEventRow,
    (
        Column("at", cells.instant),
        Column("deliverable", cells.name),
        Column("event", cells.name, "added, removed, branch, cycle-highlights, changed:field"),
        Column("old", cells.text),
        Column("new", cells.text),
        Column("merge", cells.text, required=False),
    ),
)


def read_releases(source: Source, on_error: OnError) -> Iterator[ReleaseRow]:
    """releases.csv."""
    return RELEASES.read(source, on_error)


def read_changes(source: Source, on_error: OnError) -> Iterator[ChangeRow]:
    """changes.csv, the release requests."""
    return CHANGES.read(source, on_error)


def read_schedule_history(source: Source, on_error: OnError) -> Iterator[ScheduleMoveRow]:
    """schedule_history.csv, every move of a milestone."""
    return SCHEDULE_HISTORY.read(source, on_error)


def read_deliverable_events(source: Source, on_error: OnError) -> Iterator[DeliverableEventRow]:
    """deliverable_events.csv."""
    return DELIVERABLE_EVENTS.read(source, on_error)


def group_versions(releases: Iterable[ReleaseRow]) -> tuple[VersionRow, ...]:
    """One row for each (deliverable, version), in the order of first appearance."""
    groups: dict[tuple[str, str], list[ReleaseRow]] = {}
    for row in releases:
        groups.setdefault((row.deliverable, row.version), []).append(row)
    return tuple(
        VersionRow(
            series=rows[0].series,
            deliverable=deliverable,
            team=rows[0].team,
            version=version,
            kind=rows[0].kind,
            proposed_at=min(row.proposed_at for row in rows),
            merged_at=max(row.merged_at for row in rows),
            change_id=rows[-1].change_id,
            repositories=tuple((row.repository, row.commit) for row in rows),
        )
        for (deliverable, version), rows in groups.items()
    )


def _each(
    values: Iterable[tuple[Any, str]], build: Callable[[Entry], Item], file: str, on_error: OnError
) -> tuple[Item, ...]:
    """Build one row from each (value, pointer); a bad one is reported and left out."""
    rows: list[Item] = []
    for value, at in values:
        try:
            rows.append(build(Entry(value, at)))
        except EntryError as refused:
            on_error(RowError(file, None, refused.pointer, str(refused)))
        except CellError as refused:
            on_error(RowError(file, None, at, str(refused)))
    return tuple(rows)


def _listed(values: list[Any], *at: str) -> Iterator[tuple[Any, str]]:
    return ((value, pointer(*at, index)) for index, value in enumerate(values))


def _branch(entry: Entry) -> BranchRow:
    if entry.is_object("location"):
        commits = entry.member("location")
        return BranchRow(entry.name("name"), "", tuple((repo, commits.text(repo)) for repo in commits))
    return BranchRow(entry.name("name"), entry.text("location"), ())


def _deliverable(entry: Entry) -> DeliverableRow:
    return DeliverableRow(
        name=entry.name("deliverable"),
        team=entry.name("team"),
        type=entry.text("type"),
        release_model=entry.text("release_model"),
        repositories=entry.names("repos"),
        branches=tuple(_branch(branch) for branch in entry.entries("branches")),
        versions=entry.names("versions"),
        highlights=entry.names("cycle_highlights"),
        release_notes=entry.text("release_notes"),
        tracker=entry.text("launchpad") or entry.text("storyboard"),
    )


def read_deliverables(source: Source, on_error: OnError) -> tuple[DeliverableRow, ...]:
    """deliverables.json, a list of objects."""
    document = read_document(source, on_error)
    file = source_name(source)
    if document is None:
        return ()
    if not isinstance(document, list):
        on_error(RowError(file, None, "", "A list of deliverables is expected."))
        return ()
    return _each(_listed(document), _deliverable, file, on_error)


def _team(entry: Entry) -> TeamRow:
    owned = entry.members("deliverables")
    entries = (
        (name, Entry(value, pointer("teams", entry.name("name"), "deliverables", name)))
        for name, value in owned.items()
    )
    return TeamRow(
        name=entry.name("name"),
        mission=entry.text("mission"),
        service=entry.text("service"),
        leadership=entry.text("leadership"),
        lead=entry.text("ptl"),
        release_liaisons=entry.names("release_liaisons"),
        deliverables=tuple(
            TeamDeliverableRow(name, each.names("repos"), each.text("release_management"))
            for name, each in entries
        ),
    )


def read_teams(source: Source, on_error: OnError) -> tuple[tuple[TeamRow, ...], tuple[TeamChangeRow, ...]]:
    """teams.json: the teams of the governance at the end of the series, and what changed while it ran."""
    document = read_document(source, on_error)
    file = source_name(source)
    if document is None:
        return (), ()
    try:
        root = Entry(document, "")
        named = [
            ({**value, "name": name} if isinstance(value, dict) else value, pointer("teams", name))
            for name, value in root.members("teams").items()
        ]
        changed = root.items("changes_during_series")
    except EntryError as refused:
        on_error(RowError(file, None, refused.pointer, str(refused)))
        return (), ()
    teams = _each(named, _team, file, on_error)
    changes = _each(
        _listed(changed, "changes_during_series"),
        lambda entry: TeamChangeRow(entry.name("team"), entry.name("change")),
        file,
        on_error,
    )
    return teams, changes


def _week(entry: Entry) -> WeekRow:
    return WeekRow(entry.text("name"), entry.day("start"), entry.day("end"))


def _event(entry: Entry) -> ScheduleEventRow:
    return ScheduleEventRow(
        label=entry.name("label"),
        kind=entry.text("kind"),
        scope=entry.text("scope"),
        team=entry.text("team"),
        title=entry.text("title"),
        section=entry.text("section"),
        week=entry.text("week"),
        week_start=entry.day("week_start"),
        week_end=entry.day("week_end"),
        text=entry.text("text"),
    )


def read_schedule(source: Source, on_error: OnError) -> ScheduleRow | None:
    """schedule.json: the weeks and the events of the series."""
    document = read_document(source, on_error)
    file = source_name(source)
    if document is None:
        return None
    try:
        root = Entry(document, "")
        return ScheduleRow(
            series=root.name("series"),
            name=root.text("name"),
            start_week=root.day("start_week"),
            release_week=root.day("release_week"),
            weeks=_each(_listed(root.items("weeks"), "weeks"), _week, file, on_error),
            events=_each(_listed(root.items("events"), "events"), _event, file, on_error),
        )
    except EntryError as refused:
        on_error(RowError(file, None, refused.pointer, str(refused)))
        return None


@dataclass(frozen=True, slots=True)
class Series:
    """Everything of one series folder, and every row that could not be used."""

    schedule: ScheduleRow | None
    schedule_history: tuple[ScheduleMoveRow, ...]
    teams: tuple[TeamRow, ...]
    team_changes: tuple[TeamChangeRow, ...]
    deliverables: tuple[DeliverableRow, ...]
    deliverable_events: tuple[DeliverableEventRow, ...]
    releases: tuple[ReleaseRow, ...]
    changes: tuple[ChangeRow, ...]
    errors: tuple[RowError, ...]

    @property
    def releasing_teams(self) -> tuple[TeamRow, ...]:
        """The teams that own a deliverable of the series; one unknown to the governance has its name only."""
        known = {team.name: team for team in self.teams}
        names = dict.fromkeys(row.team for row in self.deliverables)
        return tuple(known.get(name) or TeamRow(name, "", "", "", "", (), ()) for name in names)

    @property
    def versions(self) -> tuple[VersionRow, ...]:
        return group_versions(self.releases)


def read_series(folder: Path | str) -> Series:
    """Read a whole series folder. A missing file is an error in the result, not an exception."""
    root, errors = Path(folder), list[RowError]()
    report = errors.append
    teams, team_changes = read_teams(root / "teams.json", report)
    return Series(
        schedule=read_schedule(root / "schedule.json", report),
        schedule_history=tuple(read_schedule_history(root / "schedule_history.csv", report)),
        teams=teams,
        team_changes=team_changes,
        deliverables=read_deliverables(root / "deliverables.json", report),
        deliverable_events=tuple(read_deliverable_events(root / "deliverable_events.csv", report)),
        releases=tuple(read_releases(root / "releases.csv", report)),
        changes=tuple(read_changes(root / "changes.csv", report)),
        errors=tuple(errors),
    )
