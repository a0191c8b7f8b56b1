"""What the database refuses about retention: a disposal's list never changes, nothing goes without two approvals."""

GUARDS: list[str] = [
    """
    CREATE OR REPLACE FUNCTION disposal_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'disposal % is kept', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'proposed' OR NEW.first_by_id IS NOT NULL OR NEW.second_by_id IS NOT NULL THEN
          RAISE EXCEPTION 'a disposal begins as a proposal' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF OLD.state IN ('done', 'rejected') THEN
        RAISE EXCEPTION 'disposal % has ended and never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF (NEW.record_type, NEW.items, NEW.items_digest, NEW.count, NEW.bytes, NEW.proposed_by_id)
         IS DISTINCT FROM
         (OLD.record_type, OLD.items, OLD.items_digest, OLD.count, OLD.bytes, OLD.proposed_by_id) THEN
        RAISE EXCEPTION 'what disposal % is about never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF (OLD.first_by_id IS NOT NULL AND (NEW.first_by_id, NEW.first_at) IS DISTINCT FROM (OLD.first_by_id, OLD.first_at))
         OR (OLD.second_by_id IS NOT NULL
             AND (NEW.second_by_id, NEW.second_at) IS DISTINCT FROM (OLD.second_by_id, OLD.second_at)) THEN
        RAISE EXCEPTION 'an approval of disposal % never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN
         (('proposed', 'approved'), ('proposed', 'rejected'), ('approved', 'running'), ('approved', 'rejected'),
          ('running', 'done')) THEN
        RAISE EXCEPTION 'a disposal does not go from % to %', OLD.state, NEW.state
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS disposal_forward ON governance_disposal",
    "CREATE TRIGGER disposal_forward BEFORE INSERT OR UPDATE OR DELETE ON governance_disposal"
    " FOR EACH ROW EXECUTE FUNCTION disposal_stands()",
    "ALTER TABLE governance_disposal ENABLE ALWAYS TRIGGER disposal_forward",
    # A tombstone stands only for a file on the list of a disposal at work, that is: approved by two.
    """
    CREATE OR REPLACE FUNCTION tombstone_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM governance_disposal d WHERE d.id = NEW.disposal_id AND d.state = 'running'
                     AND d.items @> jsonb_build_array(jsonb_build_object('file', NEW.file_id::text,
                                                                         'digest', NEW.digest))) THEN
        RAISE EXCEPTION 'no disposal approved by two names this file' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS tombstone_guard ON governance_disposedfile",
    "CREATE TRIGGER tombstone_guard BEFORE INSERT ON governance_disposedfile"
    " FOR EACH ROW EXECUTE FUNCTION tombstone_stands()",
    "ALTER TABLE governance_disposedfile ENABLE ALWAYS TRIGGER tombstone_guard",
]
