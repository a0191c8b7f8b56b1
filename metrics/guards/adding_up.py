"""Weeks and months are added up from their days by the database, in the statement that writes the days.

So nobody can write a day and leave its week as it was, and a reader may take either.
"""

# ruff: noqa: S608 - statements are put together from constants of this module

_COUNTS = (
    "deployments", "failed", "rework", "aborted", "unfinished", "deployed_before", "carrying_committed",
    "carrying_opened", "carrying_merged", "no_start_committed", "no_start_opened", "no_start_merged",
    "negative_committed", "negative_opened", "negative_merged", "not_restored", "restored_before", "proposed",
    "disputed", "contributed", "known_commits", "new_commits", "unsized_commits", "new_lines",
)  # fmt: skip
_TIMES = ("finished", "lead_committed", "lead_opened", "lead_merged", "recovery")
_SPANS = (
    "SELECT DISTINCT w.organization_id, w.service_id, l.length, date_trunc(l.length, w.day::timestamp)::date AS first,"
    " (date_trunc(l.length, w.day::timestamp) + ('1 ' || l.length)::interval)::date AS after"
    " FROM {written} w CROSS JOIN (VALUES ('week'), ('month')) AS l(length)"
)
_ADD = f"""
      DELETE FROM metrics_servicespan s USING ({_SPANS}) AS p
      WHERE s.organization_id = p.organization_id AND s.service_id = p.service_id AND s.length = p.length
        AND s.day = p.first;
      INSERT INTO metrics_servicespan (id, organization_id, row_version, created_at, service_id, length, day, purpose,
        {", ".join((*_COUNTS, *_TIMES))})
      SELECT gen_random_uuid(), p.organization_id, 1, now(), p.service_id, p.length, p.first, d.purpose,
        {", ".join((*(f"sum(d.{c})" for c in _COUNTS), *(f"string_agg(d.{t}, ''::bytea ORDER BY d.day)" for t in _TIMES)))}
      FROM ({_SPANS}) AS p JOIN metrics_serviceday d ON d.organization_id = p.organization_id
        AND d.service_id = p.service_id AND d.day >= p.first AND d.day < p.after
      GROUP BY p.organization_id, p.service_id, p.length, p.first, d.purpose;
"""
_EVENTS = {
    "INSERT": ("NEW TABLE AS fresh", "fresh"),
    "UPDATE": (
        "OLD TABLE AS stale NEW TABLE AS fresh",
        "(SELECT * FROM stale UNION ALL SELECT * FROM fresh)",
    ),
    "DELETE": ("OLD TABLE AS stale", "stale"),
}

GUARDS: list[str] = [
    statement
    for event, (tables, written) in _EVENTS.items()
    for statement in (
        f"CREATE OR REPLACE FUNCTION add_up_days_{event.lower()}() RETURNS trigger LANGUAGE plpgsql AS $$\n    BEGIN"
        f"{_ADD.format(written=written)}      RETURN NULL;\n    END $$",
        f"DROP TRIGGER IF EXISTS add_up_days_{event.lower()} ON metrics_serviceday",
        f"CREATE TRIGGER add_up_days_{event.lower()} AFTER {event} ON metrics_serviceday REFERENCING {tables}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION add_up_days_{event.lower()}()",
    )
]
