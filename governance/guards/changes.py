"""Segregation of duties and quorum, in the database: races and forgetful code cannot pass them.

Every trigger locks the change row first, so that concurrent votes, edits and deployments are decided one after the other.
"""

GUARDS = [
    # Who may vote, and on what.
    """
    CREATE OR REPLACE FUNCTION guard_vote() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      decided record;
    BEGIN
      SELECT state, revision, content_digest, board_id INTO decided
        FROM governance_changerequest WHERE id = NEW.change_id FOR UPDATE;
      IF decided.state <> 'awaiting_approval' THEN
        RAISE EXCEPTION 'this change is not awaiting approval' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF (NEW.revision, NEW.content_digest, NEW.board_id)
         IS DISTINCT FROM (decided.revision, decided.content_digest, decided.board_id) THEN
        RAISE EXCEPTION 'the content has changed since: revision % is being decided', decided.revision
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF EXISTS (SELECT 1 FROM governance_changecontributor
                 WHERE change_id = NEW.change_id AND user_id IN (NEW.voter_id, NEW.cast_by_id)) THEN
        RAISE EXCEPTION 'whoever contributed to a change does not decide it' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      -- Held until the vote is in: a member who is being taken off the board either has voted before, or does not vote.
      PERFORM 1 FROM governance_boardmember WHERE board_id = NEW.board_id AND user_id = NEW.voter_id
        AND deputy_of_id IS NULL AND removed_at IS NULL FOR SHARE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'only members of the board vote' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.cast_by_id <> NEW.voter_id AND NOT EXISTS (
          SELECT 1 FROM governance_boardmember WHERE board_id = NEW.board_id AND user_id = NEW.cast_by_id
          AND deputy_of_id = NEW.voter_id AND removed_at IS NULL) THEN
        RAISE EXCEPTION 'only the named deputy votes in a member''s place' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF EXISTS (SELECT 1 FROM governance_vote WHERE change_id = NEW.change_id AND revision = NEW.revision
                 AND (voter_id IN (NEW.voter_id, NEW.cast_by_id) OR cast_by_id IN (NEW.voter_id, NEW.cast_by_id))) THEN
        RAISE EXCEPTION 'one person has one vote, in whatever place' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS vote_guard ON governance_vote",
    "CREATE TRIGGER vote_guard BEFORE INSERT ON governance_vote FOR EACH ROW EXECUTE FUNCTION guard_vote()",
    "ALTER TABLE governance_vote ENABLE ALWAYS TRIGGER vote_guard",
    # A contributor cannot be added behind their own vote: the revision has to rise first.
    """
    CREATE OR REPLACE FUNCTION guard_contributor() RETURNS trigger LANGUAGE plpgsql AS $$
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
    "DROP TRIGGER IF EXISTS contributor_guard ON governance_changecontributor",
    "CREATE TRIGGER contributor_guard BEFORE INSERT ON governance_changecontributor"
    " FOR EACH ROW EXECUTE FUNCTION guard_contributor()",
    "ALTER TABLE governance_changecontributor ENABLE ALWAYS TRIGGER contributor_guard",
    # Approval is the database's own count, at the present revision; changed content drops it.
    """
    CREATE OR REPLACE FUNCTION guard_change() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      rules record;
      counted record;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.approved_revision IS NOT NULL THEN
          RAISE EXCEPTION 'a change begins as a draft' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF NEW.author_id <> OLD.author_id THEN
        RAISE EXCEPTION 'the author of a change does not change' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.revision NOT IN (OLD.revision, OLD.revision + 1) THEN
        RAISE EXCEPTION 'revisions rise one by one' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF (NEW.content_digest <> OLD.content_digest OR NEW.board_id <> OLD.board_id)
         AND NEW.revision = OLD.revision AND OLD.state NOT IN ('draft', 'assessed') THEN
        RAISE EXCEPTION 'changed content is a new revision' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.revision > OLD.revision AND NEW.state NOT IN ('draft', 'assessed', 'awaiting_approval', 'cancelled') THEN
        RAISE EXCEPTION 'a new revision has to be approved again' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF NEW.state IN ('approved', 'scheduled', 'implementing')
         AND OLD.state NOT IN ('approved', 'scheduled', 'implementing') THEN
        IF OLD.state <> 'awaiting_approval' OR NEW.state <> 'approved' THEN
          RAISE EXCEPTION 'a change is approved only while it awaits approval' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- The policy's own decision on this very content stands for votes; its guard says what a policy may decide.
        IF EXISTS (SELECT 1 FROM governance_policydecision WHERE change_id = NEW.id AND revision = NEW.revision
                   AND content_digest = NEW.content_digest AND outcome = 'approved') THEN
          RETURN NEW;
        END IF;
        SELECT quorum, rule INTO rules FROM governance_board WHERE id = NEW.board_id FOR SHARE;
        SELECT count(*) AS cast_votes,
               count(*) FILTER (WHERE choice IN ('approve', 'approve_with_conditions')) AS approvals,
               count(*) FILTER (WHERE choice = 'reject') AS rejections
          INTO counted FROM governance_vote
          WHERE change_id = NEW.id AND revision = NEW.revision AND content_digest = NEW.content_digest;
        IF counted.cast_votes < rules.quorum THEN
          RAISE EXCEPTION 'quorum is % votes, % were cast', rules.quorum, counted.cast_votes
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF counted.approvals = 0 OR counted.approvals <= counted.rejections
           OR (rules.rule = 'unanimous' AND counted.rejections > 0) THEN
          RAISE EXCEPTION 'the votes do not approve this change' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS change_guard ON governance_changerequest",
    "CREATE TRIGGER change_guard BEFORE INSERT OR UPDATE ON governance_changerequest"
    " FOR EACH ROW EXECUTE FUNCTION guard_change()",
    "ALTER TABLE governance_changerequest ENABLE ALWAYS TRIGGER change_guard",
    # A deployment is authorised only by a change that stands approved and did so when it started; by whose hands,
    # `guards.duties` says.
    """
    CREATE OR REPLACE FUNCTION guard_authorisation() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      decided record;
      started timestamptz;
    BEGIN
      IF NOT NEW.authorised THEN
        RETURN NEW;
      END IF;
      SELECT state, revision, approved_revision, content_digest, approved_digest, approved_at INTO decided
        FROM governance_changerequest WHERE id = NEW.change_id FOR UPDATE;
      IF decided.state NOT IN ('approved', 'scheduled', 'implementing')
         OR decided.approved_revision IS DISTINCT FROM decided.revision
         OR decided.approved_digest IS DISTINCT FROM decided.content_digest THEN
        RAISE EXCEPTION 'the change does not stand approved' USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      SELECT d.started_at INTO started FROM trains_deployment d WHERE d.id = NEW.deployment_id;
      IF (decided.approved_at <= started) IS NOT TRUE THEN
        RAISE EXCEPTION 'the deployment started before its change was approved'
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$
    """,
    "DROP TRIGGER IF EXISTS authorisation_guard ON governance_changedeployment",
    "CREATE TRIGGER authorisation_guard BEFORE INSERT ON governance_changedeployment"
    " FOR EACH ROW EXECUTE FUNCTION guard_authorisation()",
    "ALTER TABLE governance_changedeployment ENABLE ALWAYS TRIGGER authorisation_guard",
]
