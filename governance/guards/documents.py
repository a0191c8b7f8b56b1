"""What the database refuses about documents: the content of a version never changes, and its states only go forward."""

GUARDS: list[str] = [
    """
    CREATE OR REPLACE FUNCTION document_version_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'versions of documents are kept' USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF (NEW.document_id, NEW.number, NEW.text, NEW.file_id, NEW.url, NEW.digest, NEW.author_id)
         IS DISTINCT FROM
         (OLD.document_id, OLD.number, OLD.text, OLD.file_id, OLD.url, OLD.digest, OLD.author_id) THEN
        RAISE EXCEPTION 'the content of a version never changes' USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN
         (('draft', 'approved'), ('draft', 'rejected'), ('approved', 'superseded')) THEN
        RAISE EXCEPTION 'a version goes from draft to approved or rejected, and from approved to superseded'
          USING ERRCODE = 'insufficient_privilege';
      END IF;
      IF OLD.decided_at IS NOT NULL AND (NEW.decided_by_id, NEW.decided_at, NEW.decision, NEW.expires_on)
         IS DISTINCT FROM (OLD.decided_by_id, OLD.decided_at, OLD.decision, OLD.expires_on) THEN
        RAISE EXCEPTION 'a decision about a version never changes' USING ERRCODE = 'insufficient_privilege';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS document_version_forward ON governance_documentversion",
    "CREATE TRIGGER document_version_forward BEFORE UPDATE OR DELETE ON governance_documentversion"
    " FOR EACH ROW EXECUTE FUNCTION document_version_stands()",
    "ALTER TABLE governance_documentversion ENABLE ALWAYS TRIGGER document_version_forward",
]
