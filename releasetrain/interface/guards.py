"""What the database does for search: it notes what was written, and answers questions by the index.

PostgreSQL uses a condition that is not leakproof, such as a text match, for an index only where it comes before row
security. The question is therefore part of row security: a restrictive policy, which can but narrow what the policy of
the organization shows. Without a question it lets everything pass.
"""

from __future__ import annotations

from releasetrain.interface.resources import Resource, resources

NOTES = "interface_searchnote"
ENTRIES = "interface_searchentry"
_NO_QUESTION = "!''@''"

_EVENTS = (("inserted", "INSERT", "NEW"), ("updated", "UPDATE", "NEW"), ("deleted", "DELETE", "OLD"))


def _noting(resource: Resource) -> list[str]:
    table = resource.model._meta.db_table
    statements = []
    for name, event, side in _EVENTS:
        statements.append(f'DROP TRIGGER IF EXISTS search_{name} ON "{table}"')
        if event != "INSERT" or not resource.search_waits:
            statements.append(
                f'CREATE TRIGGER search_{name} AFTER {event} ON "{table}" REFERENCING {side} TABLE AS written'
                f" FOR EACH STATEMENT EXECUTE FUNCTION note_for_search('{resource.kind}')"
            )
    return statements


GUARDS: list[str] = [
    f"""
    CREATE OR REPLACE FUNCTION note_for_search() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO {NOTES} (organization_id, kind, object_id) SELECT organization_id, TG_ARGV[0], id FROM written;
      RETURN NULL;
    END $$
    """,  # noqa: S608 - our own table
    f"CREATE INDEX IF NOT EXISTS search_entry_document ON {ENTRIES} USING gin (document)",
    f"DROP POLICY IF EXISTS asked_for ON {ENTRIES}",
    f"CREATE POLICY asked_for ON {ENTRIES} AS RESTRICTIVE FOR SELECT USING (document @@"
    f" coalesce(nullif(current_setting('releasetrain.asked', true), ''), '{_NO_QUESTION}')::tsquery)",
    *(statement for each in resources() for statement in _noting(each)),
]
