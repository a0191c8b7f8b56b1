"""Reading a deployment log as GOV.UK publishes it: deployments, commits, flags, ownership."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from trains.rules.readers import cells
from trains.rules.readers.documents import Entry, EntryError, pointer, read_document
from trains.rules.readers.row_error import OnError, RowError
from trains.rules.readers.sources import Source, source_name
from trains.rules.readers.tables import Column, Table


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """One deployment of one application to one environment."""

    deployed_at: datetime
    requested_at: datetime
    environment: str
    application: str
    version: str
    previous_version: str
    kind: str
    race_suspect: bool | None
    automatic: bool | None
    automatic_deploys_enabled: bool | None
    minutes_since_previous: float | None
    minutes_live: float | None
    commit: str

    @property
    def key(self) -> str:
        """Unique in the log: one commit may deploy several applications, or one to several environments."""
        return f"{self.environment}/{self.application}/{self.commit}"

    @property
    def is_rollback(self) -> bool:
        """A lower version put back, builds that overtook each other apart."""
        return self.kind == "rollback" and not self.race_suspect


@dataclass(frozen=True, slots=True)
class CommitRow:
    """One commit put live by a deployment to production."""

    application: str
    version: str
    previous_version: str
    deployed_at: datetime
    commit: str
    authored_at: datetime | None
    committed_at: datetime | None
    merged_at: datetime | None
    author: str
    is_bot: bool
    is_revert: bool
    reverts: str
    subject: str


@dataclass(frozen=True, slots=True)
class FlagChangeRow:
    """A change of a deploy flag of one application in one environment."""

    at: datetime
    environment: str
    application: str
    flag: str
    old: str
    new: str
    commit: str
    subject: str

    @property
    def enabled(self) -> bool | None:
        """The new value; nothing where the flag was removed or the value is neither true nor false."""
        return {"true": True, "false": False}.get(self.new.strip().lower())


@dataclass(frozen=True, slots=True)
class DeployFreeze:
    """Automatic deployment held for an application: half-open, without an end while it lasts."""

    application: str
    environment: str
    starts_at: datetime
    ends_at: datetime | None
    reason: str
    commit: str


@dataclass(frozen=True, slots=True)
class OwnerRow:
    application: str
    team: str
    type: str
    retired: bool
    hosted: str


@dataclass(frozen=True, slots=True)
class OwnerChangeRow:
    at: datetime
    application: str
    change: str
    old: str
    new: str


def _in_order(row: DeploymentRow) -> tuple[str, str] | None:
    if row.deployed_at < row.requested_at:
        return "deployed_at", "The deployment ends before it was asked for."
    return None


DEPLOYMENTS = Table(
    DeploymentRow,
    (
        Column("deployed_at", cells.instant, "the moment the version was live"),
        Column("requested_at", cells.instant),
        Column("env", cells.name, "any environment name"),
        Column("app", cells.name),
        Column("version", cells.name),
        Column("prev_version", cells.text, "empty for the first"),
        Column("kind", cells.one_of("deploy", "rollback", "redeploy_old", "first")),
        Column(
            "race_suspect",
            cells.optional(cells.flag),
            "1 when two builds overtook each other",
            required=False,
        ),
        Column("auto", cells.optional(cells.flag), required=False),
        Column("auto_deploys_enabled", cells.optional(cells.flag), required=False),
        Column("minutes_since_prev", cells.optional(cells.number), required=False),
        Column("minutes_live", cells.optional(cells.number), required=False),
        Column("sha", cells.name),
    ),
    check=_in_order,
)

COMMITS = Table(
    CommitRow,
    (
        Column("app", cells.name),
        Column("version", cells.name),
        Column("prev_version", cells.text),
        Column("deployed_at", cells.instant, "with app: the deployment that put it live"),
        Column("sha", cells.name),
        Column("authored_at", cells.optional(cells.instant)),
        Column("committed_at", cells.optional(cells.instant)),
        Column("merged_at", cells.optional(cells.instant)),
        Column("author", cells.text),
        Column("is_bot", cells.flag),
        Column("is_revert", cells.flag),
        Column("reverts", cells.text, "the commit undone"),
        Column("subject", cells.text),
    ),
)

DEPLOY_FLAGS = Table(
    FlagChangeRow,
    (
        Column("at", cells.instant),
        Column("env", cells.name),
        Column("app", cells.name),
        Column("change", cells.name, "promote_deployment, automatic_deploys_enabled or removed"),
        Column("old", cells.text),
        Column("new", cells.text),
        Column("sha", cells.text),
        Column("subject", cells.text, required=False),
    ),
)


def read_deployments(source: Source, on_error: OnError) -> Iterator[DeploymentRow]:
    """The deployment log."""
    return DEPLOYMENTS.read(source, on_error)


def read_commits(source: Source, on_error: OnError) -> Iterator[CommitRow]:
    """The commits tied to production deployments."""
    return COMMITS.read(source, on_error)


def read_deploy_flags(source: Source, on_error: OnError) -> Iterator[FlagChangeRow]:
    """The changes of deploy flags."""
    return DEPLOY_FLAGS.read(source, on_error)


def deploy_freezes(flags: Iterable[FlagChangeRow]) -> tuple[DeployFreeze, ...]:
    """The freezes: from automatic deployment switched off until it is switched on, or the flag is removed."""
    open_: dict[tuple[str, str], FlagChangeRow] = {}
    found: list[DeployFreeze] = []

    def close(start: FlagChangeRow, end: datetime | None) -> None:
        found.append(
            DeployFreeze(start.application, start.environment, start.at, end, start.subject, start.commit)
        )

    for row in sorted(flags, key=lambda row: row.at):
        place = (row.application, row.environment)
        held = row.flag == "automatic_deploys_enabled" and row.enabled is False
        freed = row.flag == "removed" or (row.flag == "automatic_deploys_enabled" and row.enabled is True)
        if held:
            open_.setdefault(place, row)
        elif freed and place in open_:
            close(open_.pop(place), row.at)
    for start in open_.values():
        close(start, None)
    return tuple(sorted(found, key=lambda freeze: (freeze.starts_at, freeze.application, freeze.environment)))


def read_owners(source: Source, on_error: OnError) -> tuple[tuple[OwnerRow, ...], tuple[OwnerChangeRow, ...]]:
    """teams.json: `current` maps an application to its team, `history` lists the changes of ownership."""
    document = read_document(source, on_error)
    file = source_name(source)
    owners, changes = list[OwnerRow](), list[OwnerChangeRow]()
    if document is None:
        return (), ()
    try:
        root = Entry(document, "")
        current, history = root.members("current"), root.items("history")
    except EntryError as refused:
        on_error(RowError(file, None, refused.pointer, str(refused)))
        return (), ()
    for name, value in current.items():
        try:
            entry = Entry(value, pointer("current", name))
            owners.append(
                OwnerRow(
                    name, entry.text("team"), entry.text("type"), entry.flag("retired"), entry.text("hosted")
                )
            )
        except EntryError as refused:
            on_error(RowError(file, None, refused.pointer, str(refused)))
    for index, value in enumerate(history):
        try:
            entry = Entry(value, pointer("history", index))
            changes.append(
                OwnerChangeRow(
                    entry.instant("at"),
                    entry.name("repo"),
                    entry.name("change"),
                    entry.scalar("old"),
                    entry.scalar("new"),
                )
            )
        except EntryError as refused:
            on_error(RowError(file, None, refused.pointer, str(refused)))
    return tuple(owners), tuple(changes)
