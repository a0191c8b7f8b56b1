"""Problems' own rules in the database: second persons, honest windows, signatures on fixes, independent closure.

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
        IF (NEW.statement, NEW.method, NEW.category, NEW.evidence, NEW.analysis)
           IS DISTINCT FROM (OLD.statement, OLD.method, OLD.category, OLD.evidence, OLD.analysis) THEN
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
        IF EXISTS (SELECT 1 FROM problems_signalreading r WHERE r.window_id = NEW.id AND r.crossed) THEN
          RAISE EXCEPTION 'a signal of the problem crossed its threshold while it was observed'
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
      IF EXISTS (SELECT 1 FROM problems_successcriterion c
                 WHERE c.problem_id = NEW.id AND c.withdrawn_at IS NULL AND c.met IS DISTINCT FROM true) THEN
        RAISE EXCEPTION 'a problem is closed only when its success criteria are met'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF EXISTS (SELECT 1 FROM problems_deviation d WHERE d.problem_id = NEW.id AND d.caught_up_at IS NULL) THEN
        RAISE EXCEPTION 'a problem is closed only when what was left out for it is caught up'
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
    # A fix of high risk, or one for a systemic problem that goes as an emergency, is not approved without the signature.
    """
    CREATE OR REPLACE FUNCTION guard_joint_fix() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      many integer;
    BEGIN
      IF NEW.state <> 'approved' OR OLD.state = 'approved' OR NEW.joint OR NEW.release_id IS NULL THEN
        RETURN NEW;
      END IF;
      IF NEW.type <> 'emergency' AND NEW.risk <> 'high' THEN
        RETURN NEW;
      END IF;
      SELECT coalesce((SELECT systemic_incidents FROM problems_problempolicy ORDER BY number DESC LIMIT 1), 3) INTO many;
      IF EXISTS (
        SELECT 1 FROM problems_problem p
        WHERE (EXISTS (SELECT 1 FROM problems_problemfix f
                       WHERE f.problem_id = p.id AND f.release_id = NEW.release_id AND f.withdrawn_at IS NULL)
               OR EXISTS (SELECT 1 FROM trains_scopeitem i WHERE i.release_id = NEW.release_id
                          AND i.source_kind = 'problem' AND i.source_id = p.id AND i.removed_at IS NULL))
          AND (NEW.risk = 'high' OR p.reopened_count > 0 OR p.workaround <> ''
               OR (SELECT count(*) FROM problems_problemincident l WHERE l.problem_id = p.id) >= many)) THEN
        RAISE EXCEPTION 'the problem manager signs this fix besides the board'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS joint_fix_guard ON governance_changerequest",
    "CREATE TRIGGER joint_fix_guard BEFORE UPDATE ON governance_changerequest"
    " FOR EACH ROW EXECUTE FUNCTION guard_joint_fix()",
    "ALTER TABLE governance_changerequest ENABLE ALWAYS TRIGGER joint_fix_guard",
    # Whoever resolved a problem does not alone bring the fix to production: others approved it, or a second person did.
    """
    CREATE OR REPLACE FUNCTION guard_fix_deployment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.state <> 'running' OR NEW.kind = 'rollback' OR NEW.release_id IS NULL OR NEW.deployed_by_id IS NULL THEN
        RETURN NEW;
      END IF;
      IF EXISTS (SELECT 1 FROM trains_environment e WHERE e.id = NEW.environment_id AND e.kind = 'production')
         AND EXISTS (SELECT 1 FROM problems_problemfix f WHERE f.release_id = NEW.release_id
                     AND f.withdrawn_at IS NULL AND f.resolver_id = NEW.deployed_by_id)
         AND NOT EXISTS (SELECT 1 FROM governance_changerequest c
                         WHERE c.release_id = NEW.release_id AND c.state IN ('approved', 'scheduled', 'implementing')) THEN
        RAISE EXCEPTION 'whoever resolved the problem does not alone release its fix'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS fix_deployment_guard ON trains_deployment",
    "CREATE TRIGGER fix_deployment_guard BEFORE INSERT ON trains_deployment"
    " FOR EACH ROW EXECUTE FUNCTION guard_fix_deployment()",
    "ALTER TABLE trains_deployment ENABLE ALWAYS TRIGGER fix_deployment_guard",
    # A deviation keeps what happened; accepted by a second person, never by whoever recorded it.
    """
    CREATE OR REPLACE FUNCTION guard_deviation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (NEW.problem_id, NEW.step, NEW.what, NEW.happened_at, NEW.recorded_by_id, NEW.source_id)
         IS DISTINCT FROM (OLD.problem_id, OLD.step, OLD.what, OLD.happened_at, OLD.recorded_by_id, OLD.source_id)
         OR (OLD.accepted_at IS NOT NULL AND NEW.accepted_at IS DISTINCT FROM OLD.accepted_at)
         OR NEW.catch_up_by > OLD.catch_up_by
         OR (OLD.caught_up_at IS NOT NULL AND NEW.caught_up_at IS DISTINCT FROM OLD.caught_up_at) THEN
        RAISE EXCEPTION 'what happened stays as it was recorded, and is not put off' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS deviation_guard ON problems_deviation",
    "CREATE TRIGGER deviation_guard BEFORE UPDATE ON problems_deviation FOR EACH ROW EXECUTE FUNCTION guard_deviation()",
    "ALTER TABLE problems_deviation ENABLE ALWAYS TRIGGER deviation_guard",
    # A window is agreed by everybody who was asked, and settled proposals stay as they are.
    """
    CREATE OR REPLACE FUNCTION guard_window_proposal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' AND OLD.state <> 'proposed' THEN
        RAISE EXCEPTION 'a settled proposal never changes' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.state = 'agreed' AND (jsonb_array_length(NEW.positions) = 0
          OR EXISTS (SELECT 1 FROM jsonb_array_elements(NEW.positions) p WHERE p->>'stance' IS DISTINCT FROM 'agrees')) THEN
        RAISE EXCEPTION 'a window is set once everybody agrees' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS window_proposal_guard ON problems_windowproposal",
    "CREATE TRIGGER window_proposal_guard BEFORE INSERT OR UPDATE ON problems_windowproposal"
    " FOR EACH ROW EXECUTE FUNCTION guard_window_proposal()",
    "ALTER TABLE problems_windowproposal ENABLE ALWAYS TRIGGER window_proposal_guard",
]
