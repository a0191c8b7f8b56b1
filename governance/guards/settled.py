"""The database's part of the short way to a settled verdict: one function, so that each connection plans it once.

Planning the question costs several times as much as answering it.
"""

GUARDS = [
    """
    CREATE OR REPLACE FUNCTION settled_answer(asking_token text, asked_slug text, asked_question text, at timestamptz)
    RETURNS TABLE (secret_hash bytea, last_used_at timestamptz, organization_id uuid, body text)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan AS $$
    #variable_conflict use_column
    DECLARE
      outer_scope text := coalesce(current_setting('releasetrain.organization', true), '');
    BEGIN
      -- The scope is that of the token's organization. The caller throws away what was read unless the secret proves right.
      PERFORM set_config('releasetrain.organization', t.organization_id::text, true)
      FROM accounts_apitoken t WHERE t.id = asking_token;
      RETURN QUERY
      SELECT t.secret_hash, t.last_used_at, o.id, (
        SELECT a.body FROM governance_settledanswer a
        WHERE a.organization_id = o.id AND a.question = asked_question AND a.valid_until > at
          AND a.stamp = (SELECT coalesce(sum(c.weight), 0) FROM governance_inputchange c
                         WHERE c.organization_id = o.id AND c.subject = ANY(a.subjects))
          -- The permission is judged as `Actor.may` does: held now, on any of the scopes that count for what was asked about.
          AND EXISTS (SELECT 1 FROM accounts_objectpermission p
                      JOIN auth_permission x ON x.id = p.permission_id AND x.codename = 'gates.ask'
                      JOIN accounts_scope s ON s.id = p.scope_id AND s.organization_id = p.organization_id
                      WHERE p.organization_id = o.id AND p.user_id = u.id AND p.starts_at <= at
                        AND (p.ends_at IS NULL OR p.ends_at > at) AND s.kind || ':' || s.object_id = ANY(a.scopes))
      )
      FROM accounts_apitoken t
      JOIN accounts_user u ON u.id = t.user_id AND u.is_active
      JOIN tenancy_organization o ON o.id = t.organization_id AND o.slug = asked_slug AND o.suspended_at IS NULL
      JOIN accounts_membership m ON m.user_id = u.id AND m.organization_id = o.id AND m.suspended_at IS NULL
      WHERE t.id = asking_token AND t.revoked_at IS NULL AND t.expires_at > at;
      PERFORM set_config('releasetrain.organization', outer_scope, true);
    END $$
    """,
]
