"""Who may not sign, in the database: the team of a service, the authors of a release, the owners of audited items."""

GUARDS = [
    """
    CREATE OR REPLACE FUNCTION guard_readiness_review() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
          RAISE EXCEPTION 'a review begins as a draft' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF OLD.state = 'signed_off' THEN
        RAISE EXCEPTION 'a signed review does not change' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.state = 'signed_off' THEN
        IF NEW.answers IS DISTINCT FROM OLD.answers OR OLD.state <> 'submitted' THEN
          RAISE EXCEPTION 'what was submitted is signed' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF NEW.contributors ? NEW.signed_by_id::text THEN
          RAISE EXCEPTION 'whoever took part in a review does not sign it'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF EXISTS (
            SELECT FROM accounts_grant held
            JOIN accounts_scope place ON place.id = held.scope_id AND place.organization_id = held.organization_id
            JOIN trains_service service ON service.id = NEW.service_id AND service.organization_id = NEW.organization_id
            WHERE held.organization_id = NEW.organization_id AND held.user_id = NEW.signed_by_id
              AND place.kind = 'team' AND place.object_id = service.team_id
              AND held.revoked_at IS NULL AND (held.ends_at IS NULL OR held.ends_at > now())) THEN
          RAISE EXCEPTION 'a review is signed outside the team of the service'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS readiness_review_guard ON governance_readinessreview",
    "CREATE TRIGGER readiness_review_guard BEFORE INSERT OR UPDATE ON governance_readinessreview"
    " FOR EACH ROW EXECUTE FUNCTION guard_readiness_review()",
    "ALTER TABLE governance_readinessreview ENABLE ALWAYS TRIGGER readiness_review_guard",
    """
    CREATE OR REPLACE FUNCTION guard_checkpoint_sign_off() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (
          SELECT FROM governance_changerequest change
          LEFT JOIN governance_changecontributor part
            ON part.change_id = change.id AND part.organization_id = change.organization_id
          WHERE change.organization_id = NEW.organization_id AND change.release_id = NEW.release_id
            AND NEW.signed_by_id IN (change.author_id, part.user_id)) THEN
        RAISE EXCEPTION 'an author of a release does not sign for it'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS checkpoint_sign_off_guard ON governance_checkpointsignoff",
    "CREATE TRIGGER checkpoint_sign_off_guard BEFORE INSERT ON governance_checkpointsignoff"
    " FOR EACH ROW EXECUTE FUNCTION guard_checkpoint_sign_off()",
    "ALTER TABLE governance_checkpointsignoff ENABLE ALWAYS TRIGGER checkpoint_sign_off_guard",
    """
    CREATE OR REPLACE FUNCTION guard_configuration_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' AND OLD.conclusion <> '' THEN
        RAISE EXCEPTION 'a concluded audit does not change' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.conclusion <> '' AND NEW.report -> 'owners' ? NEW.concluded_by_id::text THEN
        RAISE EXCEPTION 'the owner of an item does not conclude its audit'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS configuration_audit_guard ON governance_configurationaudit",
    "CREATE TRIGGER configuration_audit_guard BEFORE INSERT OR UPDATE ON governance_configurationaudit"
    " FOR EACH ROW EXECUTE FUNCTION guard_configuration_audit()",
    "ALTER TABLE governance_configurationaudit ENABLE ALWAYS TRIGGER configuration_audit_guard",
]
