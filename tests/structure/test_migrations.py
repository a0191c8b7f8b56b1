"""Every migration can be taken back, and only adds: the version before goes on working on the schema after it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.db.migrations import (
    AddConstraint,
    AddField,
    AlterField,
    CreateModel,
    Migration,
    RunPython,
    RunSQL,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED, Q

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
    (
        "interface",
        "0003_latest_of_each_kind",
        "RunSQL",
    ): "adds words to those known; the version before proposes them too",
    ("audit", "0002_append_entry", "RunSQL"): "makes a function that no version before knows",
}
_WIDER = "allows what was allowed, and more"
# Rules over columns that were there before: what the version before writes must keep them.
BINDING: dict[tuple[str, str], str] = {
    ("accounts", "grant_role_known"): _WIDER,
    ("governance", "board_member_once"): _WIDER,
    ("governance", "finding_once"): _WIDER,
    ("governance", "finding_kind_known"): _WIDER,
    ("governance", "result_kind_known"): _WIDER,
    ("governance", "change_state_known"): _WIDER,
    ("governance", "evidence_object_or_period"): _WIDER,
    ("planning", "feature_kind_known"): _WIDER,
    ("trains", "escalation_level_tells_somebody"): _WIDER,
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


def _columns(condition: object) -> set[str]:
    """The columns that a condition looks at."""
    if isinstance(condition, tuple):
        return {str(condition[0]).partition("__")[0]}
    children = condition.children if isinstance(condition, Q) else ()
    return {name for child in children for name in _columns(child)}


def _additions(migration: Migration) -> tuple[set[str], list[AddField], list[AddConstraint]]:
    """Models made here, and what is added to those that the version before knows."""
    made = {o.name_lower for o in migration.operations if isinstance(o, CreateModel)}
    fields = [o for o in migration.operations if isinstance(o, AddField) and o.model_name_lower not in made]
    rules = [
        o for o in migration.operations if isinstance(o, AddConstraint) and o.model_name_lower not in made
    ]
    return made, fields, rules


@pytest.mark.parametrize("migration", MIGRATIONS, ids=name_of)
def test_a_new_column_can_be_left_out(migration: Migration) -> None:
    """The version before does not know it: it may be empty, or the database fills it, and no two rows collide over it."""
    _, fields, _ = _additions(migration)
    for operation in fields:
        field = operation.field
        filled = field.null or field.has_default() or field.db_default is not NOT_PROVIDED
        assert field.many_to_many or filled or (field.blank and field.empty_strings_allowed), operation.name
        assert not field.unique or field.null, operation.name


@pytest.mark.parametrize("migration", MIGRATIONS, ids=name_of)
def test_a_new_rule_binds_only_new_columns(migration: Migration) -> None:
    """Or it stands in the list above: the version before goes on writing what it always wrote."""
    _, fields, rules = _additions(migration)
    for operation in rules:
        constraint = operation.constraint
        looked_at = {*getattr(constraint, "fields", ()), *_columns(getattr(constraint, "condition", None))}
        new = {o.name for o in fields if o.model_name_lower == operation.model_name_lower}
        known = (migration.app_label, constraint.name) in BINDING
        assert looked_at & new or known, f"{constraint.name} binds {sorted(looked_at)}"
