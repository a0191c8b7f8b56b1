"""The function by which acts write the ledger: hosts of this version are not ready before it is there."""

from django.db import migrations

_APPEND_ENTRY = """
    CREATE OR REPLACE FUNCTION append_entry(organization uuid, entry text) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE
      made bigint;
    BEGIN
      INSERT INTO audit_ledgerentry (organization_id, body, at, verb, actor_name, route, subject_kind, subject_id,
        subject_label, request_id, leaf_hash)
      VALUES (organization, entry, 'epoch', '', '', '', '', '', '', '', '') RETURNING id INTO made;
      RETURN made;
    END $$
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(_APPEND_ENTRY, "DROP FUNCTION IF EXISTS append_entry(uuid, text)")]
