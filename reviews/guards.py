"""Reviews' own rules in the database: accepted facts are frozen, causes wait for them, actions follow supported causes."""

GUARDS = [
    """
    CREATE OR REPLACE FUNCTION guard_review_fact() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      about uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.review_id ELSE NEW.review_id END;
    BEGIN
      PERFORM 1 FROM reviews_review WHERE id = about AND state = 'facts' FOR SHARE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'the facts of this review are accepted and stay as they are'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF TG_OP = 'UPDATE' AND NEW.review_id <> OLD.review_id THEN
        RAISE EXCEPTION 'a fact belongs to one review' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END $$
    """,
    "DROP TRIGGER IF EXISTS review_fact_guard ON reviews_reviewfact",
    "CREATE TRIGGER review_fact_guard BEFORE INSERT OR UPDATE OR DELETE ON reviews_reviewfact"
    " FOR EACH ROW EXECUTE FUNCTION guard_review_fact()",
    "ALTER TABLE reviews_reviewfact ENABLE ALWAYS TRIGGER review_fact_guard",
    """
    CREATE OR REPLACE FUNCTION guard_review_cause() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM 1 FROM reviews_review WHERE id = NEW.review_id AND state IN ('causes', 'actions') FOR SHARE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'causes are named between the acceptance of the facts and the end of the review'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.evidence_id IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM reviews_reviewfact WHERE id = NEW.evidence_id AND review_id = NEW.review_id) THEN
        RAISE EXCEPTION 'a cause rests on a fact of its own review' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS review_cause_guard ON reviews_reviewcause",
    "CREATE TRIGGER review_cause_guard BEFORE INSERT OR UPDATE ON reviews_reviewcause"
    " FOR EACH ROW EXECUTE FUNCTION guard_review_cause()",
    "ALTER TABLE reviews_reviewcause ENABLE ALWAYS TRIGGER review_cause_guard",
    """
    CREATE OR REPLACE FUNCTION guard_action_item() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        PERFORM 1 FROM reviews_review WHERE id = NEW.review_id AND state IN ('causes', 'actions') FOR SHARE;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'actions follow from accepted facts, while the review is open'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END IF;
      IF NEW.cause_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM reviews_reviewcause
          WHERE id = NEW.cause_id AND review_id = NEW.review_id AND state = 'supported') THEN
        RAISE EXCEPTION 'a hypothesis leads to no action' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS action_item_guard ON reviews_actionitem",
    "CREATE TRIGGER action_item_guard BEFORE INSERT OR UPDATE ON reviews_actionitem"
    " FOR EACH ROW EXECUTE FUNCTION guard_action_item()",
    "ALTER TABLE reviews_actionitem ENABLE ALWAYS TRIGGER action_item_guard",
    # A closed review stays closed; facts are accepted by acceptance only.
    """
    CREATE OR REPLACE FUNCTION guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.state = 'closed' THEN
        RAISE EXCEPTION 'a closed review never changes' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF OLD.state = 'facts' AND NEW.state NOT IN ('facts', 'causes') THEN
        RAISE EXCEPTION 'facts come before causes' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF OLD.state <> 'facts' AND NEW.state <> 'facts' AND NEW.facts_digest <> OLD.facts_digest THEN
        RAISE EXCEPTION 'accepted facts stay as they are' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF OLD.state <> 'facts' AND NEW.state = 'facts'
         AND EXISTS (SELECT 1 FROM reviews_reviewcause WHERE review_id = NEW.id) THEN
        RAISE EXCEPTION 'causes rest on these facts already' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS review_guard ON reviews_review",
    "CREATE TRIGGER review_guard BEFORE UPDATE ON reviews_review FOR EACH ROW EXECUTE FUNCTION guard_review()",
    "ALTER TABLE reviews_review ENABLE ALWAYS TRIGGER review_guard",
]
