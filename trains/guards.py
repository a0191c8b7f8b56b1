"""What the database itself refuses in trains: an artifact that becomes another one."""

GUARDS = [
    """
    CREATE OR REPLACE FUNCTION artifact_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.digest <> OLD.digest OR NEW.service_id <> OLD.service_id
         OR (OLD.version <> '' AND NEW.version <> OLD.version) THEN
        RAISE EXCEPTION 'artifact % never changes its service, version or digest', OLD.id
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS artifact_immutable ON trains_artifact",
    "CREATE TRIGGER artifact_immutable BEFORE UPDATE ON trains_artifact"
    " FOR EACH ROW EXECUTE FUNCTION artifact_is_immutable()",
    "ALTER TABLE trains_artifact ENABLE ALWAYS TRIGGER artifact_immutable",
]
