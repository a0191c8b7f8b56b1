"""Migrations while the version before still serves: locks are waited for briefly, and new columns keep their defaults.

The version before knows nothing of a new column, so its INSERTs leave it out; Django takes a column's default away again
after filling the rows that are there, and such an INSERT would fail. Here the default stays in the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import Field, Model

from .putting_in_place import PATIENCE


@contextmanager
def defaults_kept() -> Iterator[None]:
    """Within this, a column that is added with a default, and may not be empty, has that default in the database too."""
    add_field = DatabaseSchemaEditor.add_field

    def add_and_keep(self: DatabaseSchemaEditor, model: type[Model], field: Field[Any, Any]) -> None:
        add_field(self, model, field)
        if field.null or field.unique or field.has_db_default() or not field.column:
            return
        if self.effective_default(field) is not None:
            change, parameters = self._alter_column_default_sql(model, None, field)
            names = {"table": self.quote_name(model._meta.db_table), "changes": change}
            self.execute(self.sql_alter_column % names, parameters)

    DatabaseSchemaEditor.add_field = add_and_keep  # type: ignore[method-assign]
    try:
        yield
    finally:
        DatabaseSchemaEditor.add_field = add_field  # type: ignore[method-assign]


def wait_briefly() -> None:
    """For the rest of this connection: who waits longer for a lock lets the others go first."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{PATIENCE}'")
