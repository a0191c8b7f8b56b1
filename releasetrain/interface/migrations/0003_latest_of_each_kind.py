from django.db import migrations, models

# The versions before learned only longer words without digits.
_LEARN = """
DO $$
DECLARE
  o record;
BEGIN
  FOR o IN SELECT id FROM tenancy_organization LOOP
    PERFORM set_config('releasetrain.organization', o.id::text, true);
    INSERT INTO interface_searchword (organization_id, word)
    SELECT o.id, word FROM ts_stat('SELECT document FROM interface_searchentry')
    WHERE word NOT LIKE '@%' AND (word ~ '[^0-9a-f]' OR word ~ '^[a-f]+$')
    ON CONFLICT (organization_id, word) DO NOTHING;
  END LOOP;
  PERFORM set_config('releasetrain.organization', '', true);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("interface", "0002_search_index"),
        ("tenancy", "0004_language_and_region"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="searchentry", name="search_entry_recent"),
        migrations.AddIndex(
            model_name="searchentry",
            index=models.Index(fields=["organization", "kind", "-changed_at"], name="search_entry_latest"),
        ),
        migrations.RunSQL(_LEARN, migrations.RunSQL.noop),
    ]
