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
      -- By its key each, instead of a join: a join reads all permissions of the product in their order.
      SELECT (SELECT x.codename FROM auth_permission x WHERE x.id = p.permission_id), s.kind, s.object_id::text
      FROM accounts_objectpermission p
      JOIN accounts_scope s ON s.id = p.scope_id
      WHERE p.organization_id = organization AND p.user_id = person AND p.starts_at <= at
        AND (p.ends_at IS NULL OR p.ends_at > at);
    END $$
    """,
]
