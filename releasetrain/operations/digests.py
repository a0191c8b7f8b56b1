"""What a database holds, table by table: rows and a digest over them in the order of their keys."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from psycopg2 import sql

# So that the same rows are written the same way, wherever they lie.
_FORM = """
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, MDY';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL extra_float_digits = 3;
SET LOCAL bytea_output = 'hex'
"""
_TABLES = """
SELECT c.relname, coalesce((
    SELECT array_agg(a.attname::text ORDER BY k.place) FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attnum = k.number WHERE i.indrelid = c.oid AND a.attrelid = c.oid AND i.indisprimary), '{}')
FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
_SEQUENCES = (
    "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
)
_HEADS = """
SELECT o.slug, c.size, encode(c.root, 'hex') FROM tenancy_organization o
JOIN LATERAL (SELECT size, root FROM audit_checkpoint WHERE organization_id = o.id ORDER BY id DESC LIMIT 1) c ON true ORDER BY 1
"""


@dataclass(frozen=True)
class Contents:
    """All tables as [rows, digest], all sequences, and the newest signed head of each organization's ledger."""

    tables: dict[str, tuple[int, str]]
    sequences: dict[str, int]
    heads: dict[str, tuple[int, str]]

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Contents:
        """As read from a manifest."""
        return cls(
            {name: (rows, digest) for name, (rows, digest) in kept["tables"].items()},
            dict(kept["sequences"]),
            {slug: (size, root) for slug, (size, root) in kept["heads"].items()},
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.tables.values())

    def differences(self, other: Contents) -> list[str]:
        """What another database holds otherwise, in sentences."""
        found = []
        for name in sorted(self.tables.keys() | other.tables.keys()):
            mine, theirs = self.tables.get(name), other.tables.get(name)
            if mine is None or theirs is None:
                found.append(f"The table {name} is in one of the two only.")
            elif mine != theirs:
                rows = "" if mine[0] == theirs[0] else f" ({mine[0]} rows and {theirs[0]})"
                found.append(f"The table {name} holds other rows{rows}.")
        for name in sorted(self.sequences.keys() | other.sequences.keys()):
            if self.sequences.get(name) != other.sequences.get(name):
                found.append(f"The sequence {name} stands elsewhere.")
        for slug in sorted(self.heads.keys() | other.heads.keys()):
            if self.heads.get(slug) != other.heads.get(slug):
                found.append(f"The newest checkpoint of {slug} is another.")
        return found


class _Hashing:
    """A file to copy into, of which only the digest is kept."""

    def __init__(self) -> None:
        self.sum = hashlib.sha256()

    def write(self, content: bytes | str) -> int:
        self.sum.update(content if isinstance(content, bytes) else content.encode())
        return len(content)


def contents(connection: Any) -> Contents:
    """Read the database of this connection, within its present transaction."""
    tables = {}
    with connection.cursor() as cursor:
        cursor.execute(_FORM)
        cursor.execute(_TABLES)
        for table, key in cursor.fetchall():
            order = sql.SQL(", ").join([sql.Identifier(column) for column in key] or [sql.SQL("1")])
            statement = sql.SQL("COPY (SELECT * FROM {} ORDER BY {}) TO STDOUT").format(
                sql.Identifier(table), order
            )
            told = _Hashing()
            cursor.copy_expert(statement, told)
            tables[table] = (max(cursor.rowcount, 0), f"sha256:{told.sum.hexdigest()}")
        cursor.execute(_SEQUENCES)
        sequences = dict(cursor.fetchall())
        cursor.execute(_HEADS)
        heads = {slug: (size, root) for slug, size, root in cursor.fetchall()}
    return Contents(tables, sequences, heads)
