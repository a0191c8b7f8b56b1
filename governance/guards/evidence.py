"""What the database refuses about evidence packages: a finished one stands as it is, and none is deleted."""

GUARDS: list[str] = [
    """
    CREATE OR REPLACE FUNCTION evidence_package_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'evidence package % is kept', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF (NEW.organization_id, NEW.subject_kind, NEW.subject_id, NEW.starts, NEW.ends, NEW.requested_by_id,
          NEW.version, NEW.schedule_id)
         IS DISTINCT FROM
         (OLD.organization_id, OLD.subject_kind, OLD.subject_id, OLD.starts, OLD.ends, OLD.requested_by_id,
          OLD.version, OLD.schedule_id) THEN
        RAISE EXCEPTION 'what evidence package % is about never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF OLD.state = 'done' AND (NEW.state, NEW.file_id, NEW.manifest_digest, NEW.facts_digest, NEW.checkpoint_size,
         NEW.checkpoint_root, NEW.finished_at) IS DISTINCT FROM
         (OLD.state, OLD.file_id, OLD.manifest_digest, OLD.facts_digest, OLD.checkpoint_size, OLD.checkpoint_root,
         OLD.finished_at) THEN
        RAISE EXCEPTION 'evidence package % is finished and never changes', OLD.key USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF NEW.state = 'done' AND OLD.state <> 'done' AND (OLD.state <> 'running' OR NEW.lease IS DISTINCT FROM OLD.lease) THEN
        RAISE EXCEPTION 'evidence package % is finished only under its lease', OLD.key
          USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS evidence_package_forward ON governance_evidencepackage",
    "CREATE TRIGGER evidence_package_forward BEFORE UPDATE OR DELETE ON governance_evidencepackage"
    " FOR EACH ROW EXECUTE FUNCTION evidence_package_stands()",
    "ALTER TABLE governance_evidencepackage ENABLE ALWAYS TRIGGER evidence_package_forward",
]
