"""How the database counts changes of what gates read: a function, so that each connection plans it once."""

GUARDS: list[str] = [
    """
    CREATE OR REPLACE FUNCTION count_changes(organization uuid, at timestamptz, subjects uuid[])
    RETURNS void LANGUAGE plpgsql AS $$
    #variable_conflict use_variable
    BEGIN
      INSERT INTO governance_inputchange (id, organization_id, row_version, created_at, subject, weight)
      SELECT gen_random_uuid(), organization, 1, at, each.subject, 1 FROM unnest(subjects) AS each (subject);
    END
    $$
    """,
]
