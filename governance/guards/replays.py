"""What the database refuses about replays: a settled one stands as it is."""

GUARDS = [
    """
    CREATE OR REPLACE FUNCTION replay_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'replay % is kept', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF OLD.state IN ('done', 'dead') THEN
        RAISE EXCEPTION 'replay % is settled and never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF (NEW.organization_id, NEW.gate_id, NEW.checks, NEW.starts, NEW.ends, NEW.most)
         IS DISTINCT FROM (OLD.organization_id, OLD.gate_id, OLD.checks, OLD.starts, OLD.ends, OLD.most) THEN
        RAISE EXCEPTION 'what replay % is about never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS replay_forward ON governance_replay",
    "CREATE TRIGGER replay_forward BEFORE UPDATE OR DELETE ON governance_replay"
    " FOR EACH ROW EXECUTE FUNCTION replay_moves_forward()",
    "ALTER TABLE governance_replay ENABLE ALWAYS TRIGGER replay_forward",
]
