"""Keeping the index true: what the database noted as written is read anew; late work costs time, never truth (ADR 27)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from releasetrain.interface.models import SearchEntry, SearchNote
from releasetrain.interface.resources import Resource, resources
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import require_scope

from .texts import texts_of
from .words import is_learned, vector, weighed

BATCH = 2_000

_ENTER = """
    INSERT INTO interface_searchentry AS known (organization_id, kind, object_id, changed_at, document)
    SELECT %s, %s, fresh.id, fresh.at, fresh.document::tsvector
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[]) AS fresh (id, at, document)
    ON CONFLICT (organization_id, kind, object_id) DO UPDATE SET document = excluded.document,
      changed_at = CASE WHEN %s THEN known.changed_at ELSE excluded.changed_at END
      WHERE known.document <> excluded.document
"""
_OF_THE_INDEX = "hashtextextended(%s, 7)"
# What is written while we read has a note of its own.
_TAKE_NOTES = """
    WITH taken AS (
      DELETE FROM interface_searchnote WHERE id IN (SELECT id FROM interface_searchnote ORDER BY id LIMIT %s)
      RETURNING kind, object_id)
    SELECT kind, count(*), array_agg(DISTINCT object_id::text) FROM taken GROUP BY kind
"""
_LEARN = """
    INSERT INTO interface_searchword (organization_id, word)
    SELECT DISTINCT %s::uuid, fresh.word FROM unnest(%s::text[]) AS fresh (word)
    ON CONFLICT (organization_id, word) DO NOTHING
"""
# What is learned is the same as `words.is_learned` says.
_PUT_RIGHT = """
    WITH used AS MATERIALIZED (
      SELECT word FROM ts_stat('SELECT document FROM interface_searchentry')
      WHERE word NOT LIKE '@%%' AND (word ~ '[^0-9a-f]' OR word ~ '^[a-f]+$')),
    forgotten AS (
      DELETE FROM interface_searchword known WHERE NOT EXISTS (SELECT 1 FROM used WHERE used.word = known.word))
    INSERT INTO interface_searchword (organization_id, word) SELECT %s, word FROM used
    ON CONFLICT (organization_id, word) DO NOTHING
"""


def index_noted(most: int = BATCH) -> int:
    """Read anew what was noted, in the organization of the scope; returns how many notes. One worker at a time."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_xact_lock({_OF_THE_INDEX})", [_name()])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_TAKE_NOTES, [most])
        noted = cursor.fetchall()
    kinds = {resource.kind: resource for resource in resources()}
    for kind, _, ids in noted:
        if kind in kinds:
            enter(kinds[kind], [UUID(each) for each in ids], now())
    return sum(count for _, count, _ in noted)


def enter(resource: Resource, ids: Sequence[UUID], changed_at: datetime | None = None) -> int:
    """Bring the entries of these objects up to date; without a moment, they count as changed when they were made."""
    organization = require_scope().organization_id
    found = list(texts_of(resource, ids))
    gone = set(ids) - {each.id for each in found}
    if gone:
        SearchEntry.objects.filter(kind=resource.kind, object_id__in=gone).delete()
    learned: set[str] = set()
    with connection.cursor() as cursor:
        for part in _parts(found, 500):
            weights = [weighed(each.heading, each.body) for each in part]
            learned.update(word for each in weights for word in each if is_learned(word))
            documents = [vector(organization, resource.kind, each) for each in weights]
            # Of a row whose making nobody dated, the moment it is entered counts.
            moments = [changed_at or each.made_at or now() for each in part]
            # Ids of rows are in the order in which they were made: two writers never wait for each other in a circle.
            cursor.execute(
                _ENTER,
                [
                    organization,
                    resource.kind,
                    [each.id for each in part],
                    moments,
                    documents,
                    changed_at is None,
                ],
            )
        if learned:
            cursor.execute(_LEARN, [organization, sorted(learned)])
    return len(found)


def rebuild(batch: int = BATCH) -> int:
    """Index every object of the organization in scope from its row; entries of objects that are gone go as well."""
    _wait_for_others()
    total = 0
    for resource in resources():
        ids = list(resource.model._default_manager.order_by("pk").values_list("pk", flat=True))
        known = SearchEntry.objects.filter(kind=resource.kind)
        gone = set(known.values_list("object_id", flat=True)) - set(ids)
        for part in _parts(gone, batch):
            known.filter(object_id__in=part).delete()
        total += sum(enter(resource, part) for part in _parts(ids, batch))
    SearchEntry.objects.exclude(kind__in=[resource.kind for resource in resources()]).delete()
    put_words_right()
    return total


def put_words_right() -> None:
    """The known words become those that the documents hold: words that went with their objects are not proposed any more."""
    _wait_for_others()
    with connection.cursor() as cursor:
        cursor.execute(_PUT_RIGHT, [require_scope().organization_id])


def _wait_for_others() -> None:
    """Until the end of the transaction nobody else learns words, and none is forgotten that an object has just got."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_OF_THE_INDEX})", [_name()])


def _name() -> str:
    return f"search {require_scope().organization_id}"


def lag() -> tuple[int, datetime | None]:
    """How many notes wait (counted up to a thousand), and since when."""
    waiting = list(SearchNote.objects.order_by("id").values_list("noted_at", flat=True)[:1000])
    return len(waiting), waiting[0] if waiting else None


def _parts(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    held = list(rows)
    for start in range(0, len(held), size):
        yield held[start : start + size]
