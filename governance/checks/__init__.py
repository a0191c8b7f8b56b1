"""Gate checks: the registry that every app adds its kinds to, and governance's own kinds."""
