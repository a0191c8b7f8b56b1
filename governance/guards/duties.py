"""Who did what on a change's chain, and what the conflict matrix makes of it, in the database.

`duty_acts` is the one derivation: pages, guards in code and the triggers here all read it. The table of levels is made
from `governance.rules.duties`, so that the floor is written once.
"""

from governance.models.duties import floor_rows

_LEVELS = ", ".join(
    f"('{pair}', '{tier}', {floor}, {standard})" for pair, tier, floor, standard in floor_rows()
)

GUARDS: list[str] = [
    # The people whom an e-mail address stands for, here and now.
    """
    CREATE OR REPLACE FUNCTION duty_people(address text) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
      SELECT u.id FROM accounts_user u JOIN accounts_membership m ON m.user_id = u.id
        WHERE address <> '' AND lower(u.email) = lower(address)
          AND m.organization_id = nullif(current_setting('releasetrain.organization', true), '')::uuid
      UNION
      SELECT a.user_id FROM governance_personalias a
        WHERE address <> '' AND lower(a.email) = lower(address) AND a.removed_at IS NULL
    $$
    """,
    # Who deployed: the account, whoever it names as the one who pressed the button, else whoever answers for its token.
    """
    CREATE OR REPLACE FUNCTION duty_deployers(which uuid) RETURNS TABLE (user_id uuid, said text) LANGUAGE sql STABLE AS $$
      SELECT d.deployed_by_id, '' FROM trains_deployment d WHERE d.id = which AND d.deployed_by_id IS NOT NULL
      UNION
      SELECT p, 'named by the pipeline' FROM trains_deployment d, duty_people(d.deployed_by_name) p WHERE d.id = which
      UNION
      SELECT s.responsible_id, 'answers for ' || s.name FROM trains_deployment d
        JOIN accounts_serviceaccount s ON s.user_id = d.deployed_by_id
        WHERE d.id = which AND NOT EXISTS (SELECT 1 FROM duty_people(d.deployed_by_name))
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION duty_acts(of_change uuid)
    RETURNS TABLE (user_id uuid, act text, said text, at timestamptz) LANGUAGE sql STABLE AS $$
      WITH change AS (SELECT * FROM governance_changerequest WHERE id = of_change),
      carried AS (
        SELECT d.id, d.started_at, e.kind AS where_to, d.kind FROM trains_deployment d
          JOIN trains_environment e ON e.id = d.environment_id
          WHERE d.release_id = (SELECT release_id FROM change)
        UNION
        SELECT d.id, d.started_at, e.kind, d.kind FROM governance_changedeployment l
          JOIN trains_deployment d ON d.id = l.deployment_id JOIN trains_environment e ON e.id = d.environment_id
          WHERE l.change_id = of_change
      ),
      builds AS (
        SELECT a.id, a.service_id, a.commit FROM trains_releaseartifact r JOIN trains_artifact a ON a.id = r.artifact_id
          WHERE r.release_id = (SELECT release_id FROM change)
      ),
      written AS (
        SELECT c.author_email, c.sha, c.authored_at FROM carried
          JOIN trains_deploymentcommit l ON l.deployment_id = carried.id JOIN trains_commit c ON c.id = l.commit_id
          WHERE c.author_email <> ''
        UNION
        SELECT c.author_email, c.sha, c.authored_at FROM builds
          JOIN trains_commit c ON c.service_id = builds.service_id AND c.sha = builds.commit WHERE c.author_email <> ''
      ),
      -- As many addresses as people, however many commits: an address is looked up once.
      authors AS (
        SELECT author_email, count(*) AS commits, min(sha) AS sha, min(authored_at) AS at FROM written GROUP BY 1
      )
      SELECT c.user_id, c.act::text, 'named on the change', c.created_at
        FROM governance_changecontributor c WHERE c.change_id = of_change
      UNION ALL
      SELECT p, 'coded', CASE WHEN a.commits = 1 THEN 'commit ' || left(a.sha, 10) ELSE a.commits || ' commits' END, a.at
        FROM authors a, duty_people(a.author_email) p
      UNION ALL
      SELECT r.reported_by, 'tested', r.name, r.reported_at FROM builds
        JOIN governance_result r ON r.artifact_id = builds.id AND r.kind = 'tests'
        JOIN accounts_user u ON u.id = r.reported_by AND u.kind = 'person'
      UNION ALL
      SELECT p.id, 'approved', CASE WHEN v.voter_id = v.cast_by_id THEN 'vote' WHEN p.id = v.voter_id THEN 'vote cast by a deputy'
          ELSE 'vote cast for another' END, v.cast_at
        FROM governance_vote v JOIN change ON v.revision = change.revision
        CROSS JOIN LATERAL (SELECT v.voter_id AS id UNION SELECT v.cast_by_id) p
        WHERE v.change_id = of_change AND v.choice IN ('approve', 'approve_with_conditions')
      UNION ALL
      SELECT p.user_id, 'deployed', p.said, carried.started_at FROM carried, duty_deployers(carried.id) p
        WHERE carried.where_to = 'production' AND carried.kind <> 'rollback'
      UNION ALL
      SELECT v.validator_id, 'validated', v.outcome::text, v.validated_at FROM carried
        JOIN governance_deploymentvalidation v ON v.deployment_id = carried.id WHERE carried.where_to = 'production'
    $$
    """,
    # 0 allowed, 1 needs a second person, 2 forbidden: the stricter of the floor and of what the organization says.
    f"""
    CREATE OR REPLACE FUNCTION duty_level(first text, second text, in_tier text) RETURNS integer LANGUAGE sql STABLE AS $$
      SELECT greatest(l.floor, coalesce(
        CASE (SELECT m.cells -> l.pair ->> l.tier FROM governance_dutymatrix m
              WHERE m.state = 'in_force' ORDER BY m.number DESC LIMIT 1)
          WHEN 'allowed' THEN 0 WHEN 'second_person' THEN 1 WHEN 'forbidden' THEN 2 END, l.standard))
      FROM (VALUES {_LEVELS}) AS l (pair, tier, floor, standard)
      WHERE l.pair = least(first COLLATE "C", second COLLATE "C") || '+' || greatest(first COLLATE "C", second COLLATE "C")
        AND l.tier = in_tier
    $$
    """,  # noqa: S608 - words and numbers of our own table
    # What stands against this person doing this act; null when nothing does, or an exception in force lifts it.
    """
    CREATE OR REPLACE FUNCTION duty_conflict(of_change uuid, person uuid, wanted text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
      risk_tier text;
      done record;
      excepted integer;
    BEGIN
      SELECT risk INTO risk_tier FROM governance_changerequest WHERE id = of_change;
      SELECT coalesce(max(CASE kind WHEN 'break_glass' THEN 2 ELSE 1 END), 0) INTO excepted FROM governance_dutyexception
        WHERE change_id = of_change AND user_id = person AND act = wanted AND state = 'granted' AND expires_at > now();
      FOR done IN SELECT DISTINCT a.act FROM duty_acts(of_change) a WHERE a.user_id = person AND a.act <> wanted ORDER BY 1 LOOP
        IF coalesce(duty_level(done.act, wanted, risk_tier), 2) > excepted THEN
          RETURN format('whoever %s does not %s',
            CASE done.act WHEN 'coded' THEN 'wrote the code' WHEN 'authored' THEN 'wrote the change'
              WHEN 'resolved' THEN 'resolved the problem' ELSE done.act || ' it' END,
            CASE wanted WHEN 'approved' THEN 'approve it' WHEN 'deployed' THEN 'deploy it' WHEN 'tested' THEN 'test it'
              WHEN 'validated' THEN 'validate it' ELSE 'do it' END);
        END IF;
      END LOOP;
      RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE FUNCTION guard_vote_duties() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      hand uuid;
      against text;
    BEGIN
      IF NEW.choice NOT IN ('approve', 'approve_with_conditions') THEN
        RETURN NEW;
      END IF;
      -- A deputy inherits what stands against the member, and the other way round.
      FOREACH hand IN ARRAY ARRAY[NEW.voter_id, NEW.cast_by_id] LOOP
        against := duty_conflict(NEW.change_id, hand, 'approved');
        IF against IS NOT NULL THEN
          RAISE EXCEPTION '%', against USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END LOOP;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS vote_segregation ON governance_vote",
    "CREATE TRIGGER vote_segregation BEFORE INSERT ON governance_vote FOR EACH ROW EXECUTE FUNCTION guard_vote_duties()",
    "ALTER TABLE governance_vote ENABLE ALWAYS TRIGGER vote_segregation",
    # A deployment is authorised by an approval that still counts, and deployed by hands that may.
    """
    CREATE OR REPLACE FUNCTION guard_authorisation_duties() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      hand uuid;
      against text;
    BEGIN
      IF NOT NEW.authorised THEN
        RETURN NEW;
      END IF;
      FOR hand IN SELECT d.user_id FROM duty_deployers(NEW.deployment_id) d
          UNION SELECT nullif(current_setting('releasetrain.user', true), '')::uuid LOOP
        against := duty_conflict(NEW.change_id, hand, 'deployed');
        IF hand IS NOT NULL AND against IS NOT NULL THEN
          RAISE EXCEPTION '%', against USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END LOOP;
      FOR hand IN SELECT DISTINCT a.user_id FROM duty_acts(NEW.change_id) a WHERE a.act = 'approved' LOOP
        -- What was done after the approval, or found out since, counts as well; the deployment itself is judged above.
        IF EXISTS (SELECT 1 FROM duty_acts(NEW.change_id) a JOIN governance_changerequest c ON c.id = NEW.change_id
                   WHERE a.user_id = hand AND a.act IN ('coded', 'authored', 'resolved')
                     AND duty_level(a.act, 'approved', c.risk) = 2) THEN
          RAISE EXCEPTION 'an approval of somebody who had a hand in the change does not count'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END LOOP;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS authorisation_segregation ON governance_changedeployment",
    "CREATE TRIGGER authorisation_segregation BEFORE INSERT ON governance_changedeployment"
    " FOR EACH ROW EXECUTE FUNCTION guard_authorisation_duties()",
    "ALTER TABLE governance_changedeployment ENABLE ALWAYS TRIGGER authorisation_segregation",
    # Nobody validates what they had a hand in; without a change the deployers at least are known.
    """
    CREATE OR REPLACE FUNCTION guard_validation() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      of_change uuid;
      against text;
      found boolean := false;
    BEGIN
      FOR of_change IN SELECT l.change_id FROM governance_changedeployment l
            WHERE l.deployment_id = NEW.deployment_id AND l.change_id IS NOT NULL
          UNION SELECT c.id FROM governance_changerequest c JOIN trains_deployment d ON d.release_id = c.release_id
            WHERE d.id = NEW.deployment_id AND c.state NOT IN ('cancelled', 'rejected') LOOP
        found := true;
        against := duty_conflict(of_change, NEW.validator_id, 'validated');
        IF against IS NOT NULL THEN
          RAISE EXCEPTION '%', against USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END LOOP;
      IF NOT found AND EXISTS (SELECT 1 FROM duty_deployers(NEW.deployment_id) d WHERE d.user_id = NEW.validator_id) THEN
        RAISE EXCEPTION 'whoever deployed it does not validate it' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS validation_guard ON governance_deploymentvalidation",
    "CREATE TRIGGER validation_guard BEFORE INSERT ON governance_deploymentvalidation"
    " FOR EACH ROW EXECUTE FUNCTION guard_validation()",
    "ALTER TABLE governance_deploymentvalidation ENABLE ALWAYS TRIGGER validation_guard",
    # The second person is somebody whom the matrix would have let do the act.
    """
    CREATE OR REPLACE FUNCTION guard_duty_exception() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' AND NEW.state <> 'requested' THEN
        RAISE EXCEPTION 'an exception is asked for before it is granted' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF TG_OP = 'UPDATE' AND (NEW.change_id, NEW.user_id, NEW.act, NEW.kind, NEW.requested_by_id, NEW.hours)
         IS DISTINCT FROM (OLD.change_id, OLD.user_id, OLD.act, OLD.kind, OLD.requested_by_id, OLD.hours) THEN
        RAISE EXCEPTION 'what an exception is for never changes' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF TG_OP = 'UPDATE' AND NEW.state = 'granted' AND OLD.state <> 'granted' THEN
        IF OLD.state <> 'requested' OR NEW.expires_at > now() + make_interval(hours => NEW.hours::integer) + interval '1 minute' THEN
          RAISE EXCEPTION 'an exception ends in its time' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF duty_conflict(NEW.change_id, NEW.granted_by_id, NEW.act) IS NOT NULL THEN
          RAISE EXCEPTION 'the second person had a hand in it as well' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      ELSIF TG_OP = 'UPDATE' AND NEW.expires_at IS DISTINCT FROM OLD.expires_at THEN
        RAISE EXCEPTION 'an exception is never prolonged' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS duty_exception_guard ON governance_dutyexception",
    "CREATE TRIGGER duty_exception_guard BEFORE INSERT OR UPDATE ON governance_dutyexception"
    " FOR EACH ROW EXECUTE FUNCTION guard_duty_exception()",
    "ALTER TABLE governance_dutyexception ENABLE ALWAYS TRIGGER duty_exception_guard",
]
