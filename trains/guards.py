"""What the database itself refuses in trains: an artifact that becomes another one, a unit that is not there."""

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
    # The canary marker goes only with a name and a reason, whoever writes it.
    """
    CREATE OR REPLACE FUNCTION canary_marker_is_lifted_openly() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.canary_lifted_at IS NULL OR btrim(NEW.canary_lift_reason) = '' OR NEW.canary_lifted_by = '' THEN
        RAISE EXCEPTION 'the canary marker of item % is lifted by somebody, for a reason', OLD.id
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS canary_marker_lifted_openly ON trains_scopeitem",
    "CREATE TRIGGER canary_marker_lifted_openly BEFORE UPDATE ON trains_scopeitem"
    " FOR EACH ROW WHEN (OLD.canary AND NOT NEW.canary) EXECUTE FUNCTION canary_marker_is_lifted_openly()",
    "ALTER TABLE trains_scopeitem ENABLE ALWAYS TRIGGER canary_marker_lifted_openly",
    """
    CREATE OR REPLACE FUNCTION booking_unit_is_there() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.unit > (SELECT capacity FROM trains_sharedresource WHERE id = NEW.resource_id) THEN
        RAISE EXCEPTION 'unit % of resource % does not exist', NEW.unit, NEW.resource_id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_unit_is_there';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS booking_unit_is_there ON trains_booking",
    "CREATE TRIGGER booking_unit_is_there BEFORE INSERT OR UPDATE ON trains_booking"
    " FOR EACH ROW WHEN (NEW.unit IS NOT NULL) EXECUTE FUNCTION booking_unit_is_there()",
    """
    CREATE OR REPLACE FUNCTION resource_keeps_booked_units() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT FROM trains_booking WHERE resource_id = NEW.id AND unit > NEW.capacity AND ends > now()) THEN
        RAISE EXCEPTION 'units of resource % above % are booked', NEW.id, NEW.capacity
          USING ERRCODE = 'check_violation', CONSTRAINT = 'resource_keeps_booked_units';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS resource_keeps_booked_units ON trains_sharedresource",
    "CREATE TRIGGER resource_keeps_booked_units BEFORE UPDATE ON trains_sharedresource"
    " FOR EACH ROW WHEN (NEW.capacity < OLD.capacity) EXECUTE FUNCTION resource_keeps_booked_units()",
]
