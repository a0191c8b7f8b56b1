"""Problems' own rules in the database: the second person of a root cause, honest windows, independent closure.

Who counts as "the release's people" is written twice, here and in `problems.queries.people`; a test compares them.
"""

GUARDS = [
    # Content that was validated never changes under its validation; the author never changes at all.
    """
    CREATE OR REPLACE FUNCTION guard_root_cause() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'validated' THEN
          RAISE EXCEPTION 'a root cause is proposed before it is validated' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF NEW.author_id <> OLD.author_id OR NEW.problem_id <> OLD.problem_id THEN
        RAISE EXCEPTION 'the author of a root cause does not change' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.state = 'validated' THEN
        IF OLD.state NOT IN ('proposed', 'validated') THEN
          RAISE EXCEPTION 'only a proposed root cause is validated' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF (NEW.statement, NEW.method, NEW.category, NEW.evidence)
           IS DISTINCT FROM (OLD.statement, OLD.method, OLD.category, OLD.evidence) THEN
          RAISE EXCEPTION 'what was edited has to be validated again' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS root_cause_guard ON problems_rootcause",
    "CREATE TRIGGER root_cause_guard BEFORE INSERT OR UPDATE ON problems_rootcause"
    " FOR EACH ROW EXECUTE FUNCTION guard_root_cause()",
    "ALTER TABLE problems_rootcause ENABLE ALWAYS TRIGGER root_cause_guard",
    # A settled window stays as it is; a window with recurrences in it does not pass.
    """
    CREATE OR REPLACE FUNCTION guard_observation() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      recurrences integer;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'running' THEN
          RAISE EXCEPTION 'an observation window begins running' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF OLD.state <> 'running' THEN
        RAISE EXCEPTION 'a settled observation window never changes' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF (NEW.problem_id, NEW.deployment_id, NEW.starts, NEW.ends, NEW.fingerprint, NEW.threshold, NEW.min_exposure)
         IS DISTINCT FROM
         (OLD.problem_id, OLD.deployment_id, OLD.starts, OLD.ends, OLD.fingerprint, OLD.threshold, OLD.min_exposure) THEN
        RAISE EXCEPTION 'what is observed is agreed before it is observed' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.state = 'passed' THEN
        PERFORM 1 FROM problems_problem WHERE id = NEW.problem_id FOR UPDATE;
        SELECT count(*) INTO recurrences FROM problems_incident i
          WHERE coalesce(i.started_at, i.detected_at) >= NEW.starts AND coalesce(i.started_at, i.detected_at) < NEW.ends
            AND ((NEW.fingerprint <> '' AND i.fingerprint = NEW.fingerprint)
              OR EXISTS (SELECT 1 FROM problems_problemincident pi
                         WHERE pi.problem_id = NEW.problem_id AND pi.incident_id = i.id)
              OR (NEW.fingerprint = '' AND EXISTS (
                    SELECT 1 FROM problems_incidentservice s JOIN problems_problem p ON p.id = NEW.problem_id
                    WHERE s.incident_id = i.id AND s.service_id = p.service_id)));
        IF recurrences >= NEW.threshold THEN
          RAISE EXCEPTION 'the problem came back % times while it was observed', recurrences
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS observation_guard ON problems_observationwindow",
    "CREATE TRIGGER observation_guard BEFORE INSERT OR UPDATE ON problems_observationwindow"
    " FOR EACH ROW EXECUTE FUNCTION guard_observation()",
    "ALTER TABLE problems_observationwindow ENABLE ALWAYS TRIGGER observation_guard",
    # Closed only after its last observation passed, by somebody who had no hand in the fix.
    """
    CREATE OR REPLACE FUNCTION guard_problem_closure() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      last_state text;
    BEGIN
      IF NEW.state <> 'closed' OR (TG_OP = 'UPDATE' AND OLD.state = 'closed') THEN
        RETURN NEW;
      END IF;
      SELECT state INTO last_state FROM problems_observationwindow
        WHERE problem_id = NEW.id ORDER BY starts DESC, id DESC LIMIT 1;
      IF last_state IS DISTINCT FROM 'passed' THEN
        RAISE EXCEPTION 'a problem is closed only after its observation passed'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF EXISTS (
        SELECT 1 FROM problems_problemfix f WHERE f.problem_id = NEW.id AND f.withdrawn_at IS NULL AND (
          f.resolver_id = NEW.closed_by_id
          OR EXISTS (SELECT 1 FROM trains_deployment d
                     WHERE d.release_id = f.release_id AND d.deployed_by_id = NEW.closed_by_id)
          OR EXISTS (SELECT 1 FROM governance_changecontributor c JOIN governance_changerequest r ON r.id = c.change_id
                     WHERE r.release_id = f.release_id AND c.user_id = NEW.closed_by_id)
          OR EXISTS (SELECT 1 FROM trains_historicalrelease h
                     WHERE h.id = f.release_id AND h.history_type = '+' AND h.history_user_id = NEW.closed_by_id))) THEN
        RAISE EXCEPTION 'whoever had a hand in the fix does not close its problem'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS problem_closure_guard ON problems_problem",
    "CREATE TRIGGER problem_closure_guard BEFORE INSERT OR UPDATE ON problems_problem"
    " FOR EACH ROW EXECUTE FUNCTION guard_problem_closure()",
    "ALTER TABLE problems_problem ENABLE ALWAYS TRIGGER problem_closure_guard",
]
