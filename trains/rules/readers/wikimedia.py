"""Reading a ring-by-ring production train as Wikimedia publishes it: steps, rollbacks, config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from trains.rules.readers import cells
from trains.rules.readers.row_error import OnError
from trains.rules.readers.sources import Source
from trains.rules.readers.tables import Column, Table


@dataclass(frozen=True, slots=True)
class TrainStepRow:
    """One move of the train: which rings went from which version to which."""

    commit: str
    at: datetime
    committed_at: datetime
    action: str
    rings: tuple[str, ...]
    declared: str
    from_version: str
    to_version: str
    sites_changed: int
    sites_added: int
    sites_removed: int
    is_revert: bool
    reverts: str
    blockers: tuple[str, ...]
    author: str


@dataclass(frozen=True, slots=True)
class RollbackPair:
    """A rollback and the step it undid, where one is known."""

    rollback: TrainStepRow
    undone: TrainStepRow | None
    how: str

    @property
    def minutes_live(self) -> float | None:
        """How long the undone version ran on those rings."""
        if self.undone is None:
            return None
        return (self.rollback.at - self.undone.at).total_seconds() / 60


@dataclass(frozen=True, slots=True)
class ConfigDeployRow:
    """One configuration change put to production."""

    commit: str
    authored_at: datetime
    last_revised_at: datetime
    merged_at: datetime
    author: str
    area: str
    file_count: int
    main_file: str
    blockers: tuple[str, ...]
    is_revert: bool
    reverts: str
    depends_on: tuple[str, ...]


TRAIN_STEPS = Table(
    TrainStepRow,
    (
        Column("sha", cells.name),
        Column("at", cells.instant, "the moment of the step"),
        Column("committed_at", cells.instant),
        Column("action", cells.one_of("promote", "rollback", "wiki-list-change", "mixed")),
        Column("groups_changed", cells.several("+"), "rings, parted by +"),
        Column("declared", cells.text, "the ring the author named"),
        Column("from_version", cells.text),
        Column("to_version", cells.text),
        Column("wikis_changed", cells.whole),
        Column("wikis_added", cells.whole),
        Column("wikis_removed", cells.whole),
        Column("is_revert", cells.flag),
        Column("reverts", cells.text, "the commit undone"),
        Column("bugs", cells.several(";"), "blocker ids"),
        Column("author", cells.text),
    ),
)

CONFIG_DEPLOYS = Table(
    ConfigDeployRow,
    (
        Column("sha", cells.name),
        Column("authored_at", cells.instant),
        Column("last_patchset_at", cells.instant),
        Column("merged_at", cells.instant),
        Column("author", cells.text),
        Column("area", cells.name),
        Column("n_files", cells.whole),
        Column("main_file", cells.text),
        Column("bugs", cells.several(";")),
        Column("is_revert", cells.flag),
        Column("reverts", cells.text, "the commit undone"),
        Column("depends_on", cells.several(";")),
    ),
)


def read_train_steps(source: Source, on_error: OnError) -> Iterator[TrainStepRow]:
    """The steps of the train."""
    return TRAIN_STEPS.read(source, on_error)


def read_config_deploys(source: Source, on_error: OnError) -> Iterator[ConfigDeployRow]:
    """The configuration deployments."""
    return CONFIG_DEPLOYS.read(source, on_error)


def pair_rollbacks(steps: Iterable[TrainStepRow]) -> tuple[RollbackPair, ...]:
    """Each rollback with the step it undid: the commit it names, else the last promotion of a shared ring
    to the version that was taken away."""
    by_commit: dict[str, TrainStepRow] = {}
    last_promotion: dict[tuple[str, str], TrainStepRow] = {}
    pairs: list[RollbackPair] = []
    for step in sorted(steps, key=lambda step: step.at):
        if step.action == "rollback":
            pairs.append(_pair(step, by_commit, last_promotion))
        elif step.action in ("promote", "mixed"):
            for ring in step.rings:
                last_promotion[ring, step.to_version] = step
        by_commit[step.commit] = step
    return tuple(pairs)


def _pair(
    step: TrainStepRow,
    by_commit: dict[str, TrainStepRow],
    last_promotion: dict[tuple[str, str], TrainStepRow],
) -> RollbackPair:
    named = by_commit.get(step.reverts) if step.reverts else None
    if named is not None and named.action != "rollback":
        return RollbackPair(step, named, "named")
    promotions = [
        last_promotion[ring, step.from_version]
        for ring in step.rings
        if (ring, step.from_version) in last_promotion
    ]
    if promotions:
        return RollbackPair(
            step, max(promotions, key=lambda promotion: promotion.at), "same ring and version"
        )
    return RollbackPair(step, None, "unknown")
