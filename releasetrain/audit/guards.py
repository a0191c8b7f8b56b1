"""The ledger's own rules in the database: the columns and the leaf hash follow from the body, always; its time never runs back."""

# Transactions are numbered by the cluster, and a restored database may find itself in one that has not counted as far.
# What was written before must stay before: a restore raises the epoch (audit.epoch), which this never resets.
TRANSACTION = """
    DO $$ BEGIN
      IF to_regprocedure('ledger_epoch()') IS NULL THEN
        CREATE FUNCTION ledger_epoch() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 0::bigint';
      END IF;
    END $$
    """

# Columns are filled by the trigger; the placeholders only satisfy NOT NULL before it runs.
APPEND_ENTRY = """
    CREATE OR REPLACE FUNCTION append_entry(organization uuid, entry text) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE
      made bigint;
    BEGIN
      INSERT INTO audit_ledgerentry (organization_id, body, at, verb, actor_name, route, subject_kind, subject_id,
        subject_label, request_id, leaf_hash)
      VALUES (organization, entry, 'epoch', '', '', '', '', '', '', '', '') RETURNING id INTO made;
      RETURN made;
    END $$
    """

GUARDS = [
    TRANSACTION,
    """
    CREATE OR REPLACE FUNCTION ledger_transaction() RETURNS bigint LANGUAGE sql STABLE
      AS 'SELECT pg_current_xact_id()::text::bigint + ledger_epoch()'
    """,
    """
    CREATE OR REPLACE FUNCTION ledger_from_body() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      entry jsonb := NEW.body::jsonb;
    BEGIN
      IF (entry->>'organization')::uuid IS DISTINCT FROM NEW.organization_id THEN
        RAISE EXCEPTION 'ledger entry names another organization' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      NEW.xid := ledger_transaction();
      NEW.at := (entry->>'at')::timestamptz;
      NEW.verb := entry->>'verb';
      NEW.actor_id := (entry#>>'{actor,id}')::uuid;
      NEW.actor_name := entry#>>'{actor,name}';
      NEW.route := entry#>>'{actor,route}';
      NEW.subject_kind := entry#>>'{subject,kind}';
      NEW.subject_id := entry#>>'{subject,id}';
      NEW.subject_label := entry#>>'{subject,label}';
      NEW.request_id := entry->>'request';
      NEW.leaf_hash := sha256('\\x00'::bytea || convert_to(NEW.body, 'UTF8'));
      RETURN NEW;
    END $$
    """,
    APPEND_ENTRY,
    "DROP TRIGGER IF EXISTS ledger_body ON audit_ledgerentry",
    "CREATE TRIGGER ledger_body BEFORE INSERT ON audit_ledgerentry FOR EACH ROW EXECUTE FUNCTION ledger_from_body()",
    "ALTER TABLE audit_ledgerentry ENABLE ALWAYS TRIGGER ledger_body",
]
