"""The ledger's time after a restore: transactions of the new cluster must come after those that the dump brought along.

The ledger is sealed and read in the order of transaction ids, which belong to the cluster. Where a dump is restored into a
cluster that has counted less far, new entries would come before old ones, and the horizon would lie behind them all.
So ids are counted from an epoch, kept as a function of the database (it travels with dumps), that a restore raises.
"""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

# Every place where a transaction id of the cluster was kept.
_KEPT = """
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
  AND (a.attname = 'history_xid' OR (c.relname, a.attname) IN (
    ('audit_ledgerentry', 'xid'), ('audit_checkpoint', 'horizon'), ('audit_consumercursor', 'xid')))
ORDER BY 1
"""


def begin_after_what_is_there(cursor: Any) -> int:
    """Raise the epoch so that the next transaction comes after all that is in the database; returns it.

    As somebody whom row-level security hides nothing from, and who may replace the owner's function. Repeating it
    changes nothing.
    """
    cursor.execute(_KEPT)
    newest = 0
    for table, column in cursor.fetchall():
        statement = sql.SQL("SELECT coalesce(max({}), 0) FROM {}")
        cursor.execute(statement.format(sql.Identifier(column), sql.Identifier(table)))
        newest = max(newest, cursor.fetchone()[0])
    cursor.execute("SELECT ledger_epoch(), pg_current_xact_id()::text::bigint")
    epoch, present = cursor.fetchone()
    needed: int = max(epoch, newest + 1 - present)
    if needed != epoch:
        body = f"SELECT {needed:d}::bigint"
        cursor.execute(
            sql.SQL(
                "CREATE OR REPLACE FUNCTION ledger_epoch() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS {}"
            ).format(sql.Literal(body))
        )
    return needed
