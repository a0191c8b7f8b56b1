"""Create the product's roles, database and extensions on any PostgreSQL, as a superuser, once."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from psycopg2.extensions import parse_dsn

from releasetrain.embedded.provisioning import Login, provision


class Command(BaseCommand):
    help = (
        "Create the roles that DATABASE_OWNER_URL and DATABASE_URL name, their database and its extensions, "
        "logged in by DATABASE_SUPERUSER_URL. Safe to repeat."
    )
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        names = ("DATABASE_SUPERUSER_URL", "DATABASE_OWNER_URL", "DATABASE_URL")
        missing = [name for name in names if not os.environ.get(name)]
        if missing:
            raise CommandError(f"Set {', '.join(missing)}: the connection URLs of the three roles.")
        superuser, owner, application = (os.environ[name] for name in names)
        database = parse_dsn(application)["dbname"]
        logins = {"owner": Login.of(owner), "application": Login.of(application)}
        new = provision(superuser, database=database, **logins)
        self.stdout.write(f"Database {database} {'created' if new else 'was there'}; both roles are set.")
