"""What the database refuses about assessments: a drawn sample stands, a conclusion stands, and no operator concludes."""

GUARDS: list[str] = [
    """
    CREATE OR REPLACE FUNCTION control_assessment_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      operator uuid;
    BEGIN
      IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'assessment % is kept', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF TG_OP = 'UPDATE' THEN
        IF OLD.state IN ('concluded', 'cancelled') THEN
          RAISE EXCEPTION 'assessment % has ended and never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF (NEW.control_id, NEW.starts, NEW.ends) IS DISTINCT FROM (OLD.control_id, OLD.starts, OLD.ends) THEN
          RAISE EXCEPTION 'what assessment % is about never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF OLD.sampled_at IS NOT NULL AND
           (NEW.sampled_at, NEW.population_size, NEW.population_digest, NEW.seed, NEW.operators,
            jsonb_array_length(NEW.sample)) IS DISTINCT FROM
           (OLD.sampled_at, OLD.population_size, OLD.population_digest, OLD.seed, OLD.operators,
            jsonb_array_length(OLD.sample)) THEN
          RAISE EXCEPTION 'the sample of assessment % is drawn and never changes', OLD.key
            USING ERRCODE = 'insufficient_privilege';
        END IF;
      END IF;
      IF NEW.state = 'concluded' THEN
        SELECT owner_id INTO operator FROM governance_control WHERE id = NEW.control_id;
        IF NEW.concluded_by_id = operator OR NEW.concluded_by_id = ANY(NEW.operators) THEN
          RAISE EXCEPTION 'whoever operates a control does not conclude its assessment'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS control_assessment_forward ON governance_controlassessment",
    "CREATE TRIGGER control_assessment_forward BEFORE INSERT OR UPDATE OR DELETE ON governance_controlassessment"
    " FOR EACH ROW EXECUTE FUNCTION control_assessment_stands()",
    "ALTER TABLE governance_controlassessment ENABLE ALWAYS TRIGGER control_assessment_forward",
]
