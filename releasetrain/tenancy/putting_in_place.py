"""Running the guards' statements: all at once where nobody is at work, table by table where others are.

A guard is taken away and made anew in one transaction, so no table is ever without it; and a transaction touches one
table, waits for it briefly and tries again, so that nobody at work waits long behind it, and nobody can wait for us
while we wait for them. What stands unchanged since the last time is left alone. Functions that are new come first of all:
a function that is there may call one from the moment on in which it is replaced.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator

from django.db import OperationalError, connection, transaction

# Nobody at work waits longer behind us than we do; then everybody else goes first, and we try again.
PATIENCE = "700ms"
TRIES = 60
_LOCK_NOT_GIVEN = ("55P03", "40P01")  # lock_not_available, deadlock_detected

_TARGET = re.compile(
    r"""\s*(?:
      (?:DROP|CREATE)\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?(?:TRIGGER|POLICY)\b.*?\sON\s+"?(?P<on>\w+)
      | ALTER\s+TABLE\s+(?:ONLY\s+)?"?(?P<altered>\w+)
      | (?:REVOKE|GRANT)\s.*?\sON\s+"(?P<granted>\w+)"
    )""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_MAKES = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+(?P<name>\w+)", re.IGNORECASE)
# What has been put in place: a digest of the statements and of the table that they were for. Nobody but the owner reads it.
_KEPT = "CREATE TABLE IF NOT EXISTS guard_in_place (digest text PRIMARY KEY)"
_SHAPES = """
SELECT c.relname, md5(c.oid::text || string_agg(a.attnum || a.attname || a.atttypid, ',' ORDER BY a.attnum))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace GROUP BY c.oid, c.relname
"""
# Of other roles' backends an owner sees little more than that they are there.
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL
"""


def target(statement: str) -> str:
    """The table that a statement changes; empty for functions and whatever else stands alone."""
    found = _TARGET.match(statement)
    return (found["on"] or found["altered"] or found["granted"]) if found else ""


def groups(statements: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Neighbouring statements about one table, which belong into one transaction; all others one by one."""
    for table, together in itertools.groupby(statements, key=target):
        if table:
            yield table, list(together)
        else:
            for statement in together:
                yield "", [statement]


def put(statements: Iterable[str], *, others: bool | None = None) -> int:
    """Put guards in place; returns how many groups of statements were run. `others`: whether somebody is at work."""
    if others is None:
        others = _others_are_at_work()
    wanted = list(groups(statements))
    if not others:
        with transaction.atomic():
            _run([statement for _, listed in wanted for statement in listed])
            _remember(wanted, _shapes())
        return len(wanted)
    with connection.cursor() as cursor:
        cursor.execute("SET client_min_messages = warning")
        cursor.execute(_KEPT)
        cursor.execute("SELECT digest FROM guard_in_place")
        standing = {digest for (digest,) in cursor.fetchall()}
    _make_what_is_new([statement for table, listed in wanted if not table for statement in listed])
    shapes, run = _shapes(), 0
    for table, listed in wanted:
        if _digest(table, listed, shapes) not in standing:
            patiently(lambda listed=listed: _apart(listed))  # type: ignore[misc]
            run += 1
    with transaction.atomic():
        _remember(wanted, _shapes())
    return run


def _make_what_is_new(statements: list[str]) -> None:
    """Nobody calls these functions yet, so they disturb nobody. Their bodies may name what follows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = warning")
        cursor.execute("SET LOCAL check_function_bodies = off")
        cursor.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        known = {name for (name,) in cursor.fetchall()}
        for statement in statements:
            made = _MAKES.search(statement)
            if made and made["name"] not in known:
                cursor.execute(statement)


def patiently(work: Callable[[], object]) -> None:
    """Do it again when a lock was not given in time or a deadlock was ours to give way in."""
    for attempt in itertools.count(1):
        try:
            work()
            return
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", "") not in _LOCK_NOT_GIVEN or attempt == TRIES:
                raise
            time.sleep(min(2.0, 0.1 * attempt))


def _apart(listed: list[str]) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        _run(listed)


def _run(listed: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = warning")
        cursor.execute(";\n".join(listed))


def _others_are_at_work() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS)
        return bool(cursor.fetchone()[0])


def _shapes() -> dict[str, str]:
    """Each table as it is now: made anew, or with another column, it is not the one that had its guards."""
    with connection.cursor() as cursor:
        cursor.execute(_SHAPES)
        return dict(cursor.fetchall())


def _digest(table: str, listed: list[str], shapes: dict[str, str]) -> str:
    # A statement without a table of its own may look at any.
    shape = shapes.get(table, "") if table else "".join(f"{name}{shapes[name]}" for name in sorted(shapes))
    alone = not table and not listed[0].lstrip().upper().startswith("DO ")
    return hashlib.sha256("\n".join([*listed, "" if alone else shape]).encode()).hexdigest()


def _remember(wanted: list[tuple[str, list[str]]], shapes: dict[str, str]) -> None:
    digests = sorted({_digest(table, listed, shapes) for table, listed in wanted})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL client_min_messages = warning")
        cursor.execute(_KEPT)
        cursor.execute("DELETE FROM guard_in_place")
        cursor.execute("INSERT INTO guard_in_place SELECT unnest(%s)", [digests])
