"""Migrations that only add are applied without rendering the whole model graph after each operation.

Every tenant table points at the organization, so Django, careful, builds every model class anew for each
table, index and constraint that a migration adds: 24 000 classes and half a minute for an empty database.
Operations that only add need none but their own model; the schema that results is the same, which
tests/tenancy/test_adding_migrations.py proves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelOptions,
    CreateModel,
    Migration,
    RemoveConstraint,
    RemoveIndex,
    RunSQL,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# A constraint or index that goes, options and SQL touch no model but their own either.
_ADDING = (
    CreateModel,
    AddField,
    AddIndex,
    AddConstraint,
    AlterModelOptions,
    RemoveConstraint,
    RemoveIndex,
    RunSQL,
)
_only_adds: ContextVar[bool] = ContextVar("migration_only_adds", default=False)


def _stays_within_its_model(operation: Operation) -> bool:
    """Whether no other model needs to be built anew for it; nothing refers to a field that is no relation."""
    if isinstance(operation, AlterField):
        return not operation.field.is_relation
    return isinstance(operation, _ADDING)


@contextmanager
def applied_lightly() -> Iterator[None]:
    """Within this, migrations made of nothing but additions render only the models they name."""
    apply, models_to_render = Migration.apply, ProjectState._find_reload_model

    def apply_lightly(self: Migration, project_state: ProjectState, *args: Any, **options: Any) -> Any:
        only_adds = all(_stays_within_its_model(operation) for operation in self.operations)
        if not only_adds:
            # Anything else may follow relations from old classes: it gets all of them fresh.
            project_state.__dict__.pop("apps", None)
        token = _only_adds.set(only_adds)
        try:
            return apply(self, project_state, *args, **options)
        finally:
            _only_adds.reset(token)

    def only_their_own(self: ProjectState, app_label: str, model_name: str, delay: bool = False) -> Any:
        if _only_adds.get():
            return {(app_label, model_name)}
        return models_to_render(self, app_label, model_name, delay)

    Migration.apply = apply_lightly
    ProjectState._find_reload_model = only_their_own
    try:
        yield
    finally:
        Migration.apply, ProjectState._find_reload_model = apply, models_to_render
