"""Gates' own rules in the database: a settled evaluation never changes, and work is only finished under its lease."""

GUARDS = [
    """
    CREATE OR REPLACE FUNCTION evaluation_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'evaluation % is kept', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF OLD.state IN ('done', 'dead') THEN
        RAISE EXCEPTION 'evaluation % is settled and never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF (NEW.organization_id, NEW.gate_id, NEW.gate_version_id, NEW.environment_id, NEW.release_id, NEW.artifact_id)
         IS DISTINCT FROM
         (OLD.organization_id, OLD.gate_id, OLD.gate_version_id, OLD.environment_id, OLD.release_id, OLD.artifact_id) THEN
        RAISE EXCEPTION 'what evaluation % is about never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF NEW.state = 'done' AND (OLD.state <> 'running' OR NEW.lease IS DISTINCT FROM OLD.lease) THEN
        RAISE EXCEPTION 'evaluation % is finished only under its lease', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS evaluation_forward ON governance_evaluation",
    "CREATE TRIGGER evaluation_forward BEFORE UPDATE OR DELETE ON governance_evaluation"
    " FOR EACH ROW EXECUTE FUNCTION evaluation_moves_forward()",
    "ALTER TABLE governance_evaluation ENABLE ALWAYS TRIGGER evaluation_forward",
]
