"""A committed plan's scores stay as they were, whoever writes."""

GUARDS = [
    """
    CREATE OR REPLACE FUNCTION guard_frozen_score() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.score_frozen_at IS NOT NULL AND NEW.score_frozen_at IS NOT NULL
         AND (NEW.value, NEW.time_criticality, NEW.risk_reduction, NEW.job_size, NEW.wsjf)
             IS DISTINCT FROM (OLD.value, OLD.time_criticality, OLD.risk_reduction, OLD.job_size, OLD.wsjf) THEN
        RAISE EXCEPTION 'the score of % is frozen by a committed plan', OLD.key
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS frozen_score_guard ON planning_feature",
    "CREATE TRIGGER frozen_score_guard BEFORE UPDATE ON planning_feature"
    " FOR EACH ROW EXECUTE FUNCTION guard_frozen_score()",
    "ALTER TABLE planning_feature ENABLE ALWAYS TRIGGER frozen_score_guard",
]
