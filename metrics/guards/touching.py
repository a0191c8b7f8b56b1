"""Every write that changes what a day of a service delivered is noted by the database, whichever way it came.

One statement makes one note for each service and moment it concerns. Notes are never unique, so that writers do not
wait for each other. A deployment concerns its own moment, that of the deployment it rolls back, and those of the
deployments that carry the same commits, because another may now be the first to carry them.
"""

# ruff: noqa: S608 - statements are put together from constants of this module

_NOTE = """
      INSERT INTO metrics_touched (id, organization_id, row_version, created_at, service_id, at)
      SELECT gen_random_uuid(), found.organization_id, 1, now(), found.service_id, found.finished_at
      FROM (
        SELECT DISTINCT d.organization_id, d.service_id, d.finished_at
        FROM trains_deployment d
        JOIN trains_environment e ON e.organization_id = d.organization_id AND e.id = d.environment_id
        WHERE d.finished_at IS NOT NULL AND {live} AND {where}
      ) AS found;
"""
_LIVE = "e.kind = 'production'"
_COLUMNS = (
    "service_id", "environment_id", "release_id", "kind", "state", "outcome", "finished_at", "emergency", "rework",
    "rolls_back_id",
)  # fmt: skip
_UNCHANGED = "({}) IS NOT DISTINCT FROM ({})".format(
    ", ".join(f"n.{c}" for c in _COLUMNS), ", ".join(f"o.{c}" for c in _COLUMNS)
)


def _note(where: str, live: str = _LIVE) -> str:
    return _NOTE.format(where=where, live=live)


def _same_commits(rows: str) -> str:
    return (
        "(d.organization_id, d.id) IN (SELECT c.organization_id, c.deployment_id FROM trains_deploymentcommit c"
        f" WHERE (c.organization_id, c.commit_id) IN ({rows}))"
    )


def _trigger(name: str, table: str, event: str, body: str) -> list[str]:
    tables = {
        "INSERT": "NEW TABLE AS fresh",
        "UPDATE": "OLD TABLE AS stale NEW TABLE AS fresh",
        "DELETE": "OLD TABLE AS stale",
    }[event]
    return [
        f"""
    CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
{body}
      RETURN NULL;
    END $$
    """,
        f"DROP TRIGGER IF EXISTS {name} ON {table}",
        f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {tables}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
    ]


_OWN = "d.id IN (SELECT id FROM fresh)"
_UNDONE = "(d.organization_id, d.id) IN (SELECT organization_id, rolls_back_id FROM {} WHERE rolls_back_id IS NOT NULL)"
_MOVED = f"SELECT n.id FROM fresh n JOIN stale o ON o.id = n.id WHERE NOT ({_UNCHANGED})"

GUARDS: list[str] = [
    *_trigger(
        "touch_deployment_made",
        "trains_deployment",
        "INSERT",
        _note(_OWN)
        + "IF EXISTS (SELECT 1 FROM fresh WHERE rolls_back_id IS NOT NULL) THEN"
        + _note(_UNDONE.format("fresh"))
        + "END IF;",
    ),
    *_trigger(
        "touch_deployment_changed",
        "trains_deployment",
        "UPDATE",
        f"""
      IF NOT EXISTS ({_MOVED}) THEN
        RETURN NULL;
      END IF;
      INSERT INTO metrics_touched (id, organization_id, row_version, created_at, service_id, at)
      SELECT gen_random_uuid(), o.organization_id, 1, now(), o.service_id, o.finished_at
      FROM stale o WHERE o.finished_at IS NOT NULL AND o.id IN ({_MOVED});
"""
        + _note(f"d.id IN ({_MOVED})")
        + _note(_UNDONE.format("(SELECT * FROM fresh UNION ALL SELECT * FROM stale) AS both_sides"))
        + _note(
            _same_commits(
                "SELECT organization_id, commit_id FROM trains_deploymentcommit WHERE (organization_id, deployment_id)"
                f" IN (SELECT organization_id, id FROM fresh WHERE id IN ({_MOVED}))"
            )
        ),
    ),
    *_trigger(
        "touch_deployment_gone",
        "trains_deployment",
        "DELETE",
        """
      INSERT INTO metrics_touched (id, organization_id, row_version, created_at, service_id, at)
      SELECT gen_random_uuid(), o.organization_id, 1, now(), o.service_id, o.finished_at
      FROM stale o WHERE o.finished_at IS NOT NULL;
""",
    ),
    *_trigger(
        "touch_commit_carried",
        "trains_deploymentcommit",
        "INSERT",
        _note(_same_commits("SELECT organization_id, commit_id FROM fresh")),
    ),
    *_trigger(
        "touch_commit_left",
        "trains_deploymentcommit",
        "DELETE",
        _note("(d.organization_id, d.id) IN (SELECT organization_id, deployment_id FROM stale)")
        + _note(_same_commits("SELECT organization_id, commit_id FROM stale")),
    ),
    *_trigger(
        "touch_commit_changed",
        "trains_commit",
        "UPDATE",
        _note(
            _same_commits(
                "SELECT n.organization_id, n.id FROM fresh n JOIN stale o ON o.id = n.id WHERE (n.authored_at,"
                " n.opened_at, n.merged_at, n.lines_added, n.lines_removed) IS DISTINCT FROM (o.authored_at, o.opened_at,"
                " o.merged_at, o.lines_added, o.lines_removed)"
            )
        ),
    ),
    *(
        statement
        for event, rows in (("INSERT", "fresh"), ("UPDATE", "fresh"), ("DELETE", "stale"))
        for statement in _trigger(
            f"touch_link_{event.lower()}",
            "problems_failurelink",
            event,
            _note(f"(d.organization_id, d.id) IN (SELECT organization_id, deployment_id FROM {rows})")
            + (
                _note("(d.organization_id, d.id) IN (SELECT organization_id, deployment_id FROM stale)")
                if event == "UPDATE"
                else ""
            ),
        )
    ),
    *_trigger(
        "touch_incident_changed",
        "problems_incident",
        "UPDATE",
        _note(
            "(d.organization_id, d.id) IN (SELECT l.organization_id, l.deployment_id FROM problems_failurelink l"
            " WHERE l.incident_id IN (SELECT n.id FROM fresh n JOIN stale o ON o.id = n.id WHERE (n.started_at,"
            " n.detected_at, n.mitigated_at, n.resolved_at) IS DISTINCT FROM (o.started_at, o.detected_at,"
            " o.mitigated_at, o.resolved_at)))"
        ),
    ),
    *_trigger(
        "touch_release_changed",
        "trains_release",
        "UPDATE",
        _note(
            "(d.organization_id, d.release_id) IN (SELECT n.organization_id, n.id FROM fresh n JOIN stale o"
            " ON o.id = n.id WHERE n.classification IS DISTINCT FROM o.classification)"
        ),
    ),
    *_trigger(
        "touch_environment_changed",
        "trains_environment",
        "UPDATE",
        # Production before or after: both count.
        _note(
            "d.environment_id IN (SELECT n.id FROM fresh n JOIN stale o ON o.id = n.id WHERE n.kind <> o.kind)",
            live="true",
        ),
    ),
    # Days are the organization's: in another time zone all of them begin at another moment.
    """
    CREATE OR REPLACE FUNCTION touch_zone_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      outer_scope text := coalesce(current_setting('releasetrain.organization', true), '');
    BEGIN
      PERFORM set_config('releasetrain.organization', NEW.id::text, true);
      DELETE FROM metrics_serviceday WHERE organization_id = NEW.id;
      INSERT INTO metrics_touched (id, organization_id, row_version, created_at, service_id, at)
      SELECT gen_random_uuid(), d.organization_id, 1, now(), d.service_id, d.finished_at
      FROM trains_deployment d WHERE d.organization_id = NEW.id AND d.finished_at IS NOT NULL;
      PERFORM set_config('releasetrain.organization', outer_scope, true);
      RETURN NULL;
    END $$
    """,
    "DROP TRIGGER IF EXISTS touch_zone_changed ON tenancy_organization",
    "CREATE TRIGGER touch_zone_changed AFTER UPDATE OF time_zone ON tenancy_organization FOR EACH ROW"
    " WHEN (NEW.time_zone IS DISTINCT FROM OLD.time_zone) EXECUTE FUNCTION touch_zone_changed()",
]
