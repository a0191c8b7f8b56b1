"""Every migration can be taken back, and only adds: the version before goes on working on the schema after it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.db.migrations import AlterField, Migration, RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from releasetrain.embedded.fingerprint import ROOT

# Migrations that cannot be taken back, and why; none so far.
IRREVERSIBLE: dict[tuple[str, str], str] = {}
# What the version before reads or writes must stay: these take away, or cannot be judged, and why they may.
CONTRACTING: dict[tuple[str, str, str], str] = {
    ("metrics", "0001_measuring", "RunSQL"): "makes new tables; no version before knows them",
    (
        "planning",
        "0003_scoring_and_portfolio",
        "RunSQL",
    ): "fills columns of the same migration; what stands is untouched",
    (
        "metrics",
        "0004_lines_in_roll_ups",
        "RunSQL",
    ): "notes days as touched, which every version computes anew",
    (
        "metrics",
        "0005_weeks_and_months",
        "RunSQL",
    ): "adds days up into the table of the same migration; the days stay",
    ("audit", "0002_append_entry", "RunSQL"): "makes a function that no version before knows",
}
TAKING_AWAY = {
    "RemoveField",
    "DeleteModel",
    "RenameField",
    "RenameModel",
    "AlterModelTable",
    "RunPython",
    "RunSQL",
}


def ours() -> list[Migration]:
    loader = MigrationLoader(None)
    found = []
    for _, migration in sorted(loader.disk_migrations.items()):
        file = Path(sys.modules[migration.__module__].__file__ or "")
        if ROOT in file.parents and ".venv" not in file.parts and "site-packages" not in file.parts:
            found.append(migration)
    return found


MIGRATIONS = ours()


def name_of(migration: Migration) -> str:
    return f"{migration.app_label}.{migration.name}"


@pytest.mark.parametrize("migration", MIGRATIONS, ids=name_of)
def test_a_migration_can_be_taken_back(migration: Migration) -> None:
    """Or it stands in the list above, with its reason."""
    stuck = [type(operation).__name__ for operation in migration.operations if not operation.reversible]
    assert not stuck or (migration.app_label, migration.name) in IRREVERSIBLE


@pytest.mark.parametrize("migration", MIGRATIONS, ids=name_of)
def test_a_migration_only_adds(migration: Migration) -> None:
    """Expand now, contract a release later: nothing that the version before uses goes or becomes narrower."""
    known = {kind for app, name, kind in CONTRACTING if (app, name) == (migration.app_label, migration.name)}
    found = {type(operation).__name__ for operation in migration.operations} & TAKING_AWAY
    assert found == known


@pytest.mark.parametrize(
    "migration", [m for m in MIGRATIONS if any(isinstance(o, AlterField) for o in m.operations)], ids=name_of
)
def test_an_altered_column_becomes_no_narrower(migration: Migration) -> None:
    state = MigrationLoader(None, replace_migrations=False).project_state(
        (migration.app_label, migration.name), at_end=False
    )
    for operation in migration.operations:
        if isinstance(operation, AlterField):
            model = state.models[(migration.app_label, operation.model_name_lower)]
            before, after = model.fields[operation.name], operation.field
            assert not (before.null and not after.null), operation.name
            assert before.get_internal_type() == after.get_internal_type(), operation.name
            assert (after.max_length or 10**9) >= (before.max_length or 0), operation.name
        operation.state_forwards(migration.app_label, state)


def test_what_would_be_refused_is_seen() -> None:
    """The rules above look at operations by these names and marks."""
    assert not RunPython(lambda *_: None).reversible
    assert not RunSQL("SELECT 1").reversible
    assert issubclass(RunPython, Operation)
