"""Pages that belong to no single domain: landing, home, settings, audit trail."""
