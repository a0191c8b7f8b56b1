"""What the database holds of boards beyond the plain count: recusals, delegations in time, roles, signatures, policies.

These triggers stand beside those of `changes`; each of them alone can refuse.
"""

GUARDS = [
    # Somebody recused casts no vote, in whatever place; a delegation counts only in its time.
    """
    CREATE OR REPLACE FUNCTION guard_vote_seat() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM governance_recusal
                 WHERE change_id = NEW.change_id AND user_id IN (NEW.voter_id, NEW.cast_by_id)) THEN
        RAISE EXCEPTION 'whoever is recused takes no part in the decision' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.cast_by_id <> NEW.voter_id AND NOT EXISTS (
          SELECT 1 FROM governance_boardmember WHERE board_id = NEW.board_id AND user_id = NEW.cast_by_id
          AND deputy_of_id = NEW.voter_id AND removed_at IS NULL
          AND (starts_at IS NULL OR starts_at <= NEW.cast_at) AND (ends_at IS NULL OR ends_at > NEW.cast_at)) THEN
        RAISE EXCEPTION 'the delegation is not in force' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF EXISTS (SELECT 1 FROM governance_changerequest WHERE id = NEW.change_id AND decide_by <= NEW.cast_at) THEN
        RAISE EXCEPTION 'the time to vote is over' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS vote_seat_guard ON governance_vote",
    "CREATE TRIGGER vote_seat_guard BEFORE INSERT ON governance_vote FOR EACH ROW EXECUTE FUNCTION guard_vote_seat()",
    "ALTER TABLE governance_vote ENABLE ALWAYS TRIGGER vote_seat_guard",
    # Nobody is recused behind their own vote.
    """
    CREATE OR REPLACE FUNCTION guard_recusal() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      present integer;
    BEGIN
      SELECT revision INTO present FROM governance_changerequest WHERE id = NEW.change_id FOR UPDATE;
      IF EXISTS (SELECT 1 FROM governance_vote WHERE change_id = NEW.change_id AND revision = present
                 AND NEW.user_id IN (voter_id, cast_by_id)) THEN
        RAISE EXCEPTION 'this person has voted on the present revision' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS recusal_guard ON governance_recusal",
    "CREATE TRIGGER recusal_guard BEFORE INSERT ON governance_recusal FOR EACH ROW EXECUTE FUNCTION guard_recusal()",
    "ALTER TABLE governance_recusal ENABLE ALWAYS TRIGGER recusal_guard",
    # A signature is for the content that is being decided, by somebody who had no hand in it.
    """
    CREATE OR REPLACE FUNCTION guard_change_signature() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      decided record;
    BEGIN
      SELECT state, revision, content_digest INTO decided
        FROM governance_changerequest WHERE id = NEW.change_id FOR UPDATE;
      IF decided.state <> 'awaiting_approval' OR (NEW.revision, NEW.content_digest)
         IS DISTINCT FROM (decided.revision, decided.content_digest) THEN
        RAISE EXCEPTION 'a signature is for the content that is being decided'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF EXISTS (SELECT 1 FROM governance_changecontributor WHERE change_id = NEW.change_id AND user_id = NEW.user_id)
         OR EXISTS (SELECT 1 FROM governance_recusal WHERE change_id = NEW.change_id AND user_id = NEW.user_id) THEN
        RAISE EXCEPTION 'whoever contributed to a change does not sign it' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS change_signature_guard ON governance_changesignature",
    "CREATE TRIGGER change_signature_guard BEFORE INSERT ON governance_changesignature"
    " FOR EACH ROW EXECUTE FUNCTION guard_change_signature()",
    "ALTER TABLE governance_changesignature ENABLE ALWAYS TRIGGER change_signature_guard",
    # Approval by a board takes its share of members, its roles, and the signature on a high-impact fix.
    """
    CREATE OR REPLACE FUNCTION guard_board_approval() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      rules record;
      eligible integer;
      cast_votes integer;
      asked record;
      agreed integer;
    BEGIN
      IF EXISTS (SELECT 1 FROM governance_policydecision WHERE change_id = NEW.id AND revision = NEW.revision
                 AND content_digest = NEW.content_digest AND outcome = 'approved') THEN
        RETURN NEW;
      END IF;
      IF NEW.joint AND NOT EXISTS (
          SELECT 1 FROM governance_changesignature WHERE change_id = NEW.id AND revision = NEW.revision
          AND content_digest = NEW.content_digest AND agrees) THEN
        RAISE EXCEPTION 'a problem manager has not signed this fix' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      SELECT share, role_quorum INTO rules FROM governance_board WHERE id = NEW.board_id FOR SHARE;
      SELECT count(*) INTO cast_votes FROM governance_vote
        WHERE change_id = NEW.id AND revision = NEW.revision AND content_digest = NEW.content_digest;
      SELECT count(*) INTO eligible FROM governance_boardmember m
        WHERE m.board_id = NEW.board_id AND m.deputy_of_id IS NULL AND m.removed_at IS NULL
        AND m.user_id NOT IN (SELECT user_id FROM governance_changecontributor WHERE change_id = NEW.id)
        AND m.user_id NOT IN (SELECT user_id FROM governance_recusal WHERE change_id = NEW.id);
      IF cast_votes * 100 < rules.share * eligible THEN
        RAISE EXCEPTION '% %% of the members must take part, % of % did', rules.share, cast_votes, eligible
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      FOR asked IN SELECT key, value::integer AS least FROM jsonb_each_text(rules.role_quorum) LOOP
        SELECT count(DISTINCT v.id) INTO agreed FROM governance_vote v JOIN governance_boardmember m
          ON m.board_id = v.board_id AND m.user_id = v.voter_id AND m.deputy_of_id IS NULL AND m.removed_at IS NULL
          WHERE v.change_id = NEW.id AND v.revision = NEW.revision AND v.content_digest = NEW.content_digest
          AND v.choice IN ('approve', 'approve_with_conditions') AND m.represents = asked.key;
        IF agreed < asked.least THEN
          RAISE EXCEPTION 'the seat of % has not agreed', asked.key USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END LOOP;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS change_guard_board ON governance_changerequest",
    "CREATE TRIGGER change_guard_board BEFORE UPDATE ON governance_changerequest FOR EACH ROW"
    " WHEN (NEW.state = 'approved' AND OLD.state IS DISTINCT FROM 'approved') EXECUTE FUNCTION guard_board_approval()",
    "ALTER TABLE governance_changerequest ENABLE ALWAYS TRIGGER change_guard_board",
    # No policy approves an emergency, a fix that needs a signature, or what is neither of low risk nor of a pre-approved model.
    """
    CREATE OR REPLACE FUNCTION guard_policy_decision() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      decided record;
      earned boolean;
      standing text;
      verdict text;
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        IF (to_jsonb(NEW) - ARRAY['reviewed_by_id', 'reviewed_at', 'review', 'review_note', 'row_version'])
           IS DISTINCT FROM
           (to_jsonb(OLD) - ARRAY['reviewed_by_id', 'reviewed_at', 'review', 'review_note', 'row_version'])
           OR OLD.review <> '' THEN
          RAISE EXCEPTION 'a decision of the policy never changes' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF NEW.review <> '' THEN
        RAISE EXCEPTION 'a decision is looked at afterwards' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.outcome <> 'approved' THEN
        RETURN NEW;
      END IF;
      SELECT state, type, risk, joint, revision, content_digest, model_id INTO decided
        FROM governance_changerequest WHERE id = NEW.change_id FOR UPDATE;
      IF decided.state <> 'awaiting_approval' OR (NEW.revision, NEW.content_digest)
         IS DISTINCT FROM (decided.revision, decided.content_digest) THEN
        RAISE EXCEPTION 'a policy decides on the content that awaits approval'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF decided.type = 'emergency' OR decided.joint THEN
        RAISE EXCEPTION 'this change is decided by people' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      -- The lock makes a model that is losing its pre-approval now be waited for, and its new state be seen.
      SELECT m.state INTO standing FROM governance_changemodel m WHERE m.id = NEW.model_id FOR SHARE;
      earned := NEW.model_id IS NOT DISTINCT FROM decided.model_id AND standing IS NOT DISTINCT FROM 'pre_approved';
      IF NOT earned THEN
        SELECT e.verdict INTO verdict FROM governance_evaluation e WHERE e.id = NEW.evaluation_id AND e.state = 'done';
        IF decided.risk <> 'low' OR NEW.policy_id IS NULL OR verdict IS NULL THEN
          RAISE EXCEPTION 'only a low risk with an evaluated gate, or a pre-approved model, is approved by policy'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS policy_decision_guard ON governance_policydecision",
    "CREATE TRIGGER policy_decision_guard BEFORE INSERT OR UPDATE ON governance_policydecision"
    " FOR EACH ROW EXECUTE FUNCTION guard_policy_decision()",
    "ALTER TABLE governance_policydecision ENABLE ALWAYS TRIGGER policy_decision_guard",
]
