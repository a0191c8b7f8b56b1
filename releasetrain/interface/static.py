"""Static files under names that carry their digest, so that browsers may keep them forever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also rewrites the addresses in `import` statements of ES modules, which need no import map then."""

    support_js_module_import_aggregation = True
