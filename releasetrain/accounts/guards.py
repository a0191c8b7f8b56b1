"""What the database answers for accounts: one function, so that each connection plans the commonest question once."""

GUARDS = [
    """
    CREATE OR REPLACE FUNCTION grants_of(organization uuid, person uuid, at timestamptz)
    RETURNS TABLE (permission varchar, kind varchar, object_id text)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan AS $$
    #variable_conflict use_column
    BEGIN
      RETURN QUERY
      SELECT x.codename, s.kind, s.object_id::text
      FROM accounts_objectpermission p
      JOIN auth_permission x ON x.id = p.permission_id
      JOIN accounts_scope s ON s.id = p.scope_id
      WHERE p.organization_id = organization AND p.user_id = person AND p.starts_at <= at
        AND (p.ends_at IS NULL OR p.ends_at > at);
    END $$
    """,
]
