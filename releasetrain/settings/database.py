"""PostgreSQL: the application's role by default; migrations run as the owner (`DATABASE_OWNER_URL`)."""

import sys

from .environment import env

__all__ = ["DATABASES"]

# Only the commands that change the schema, or remove a closed organization, log in as the owner; everything else is the application's role,
# which owns nothing and cannot bypass row-level security.
OWNER_COMMANDS = {"migrate", "guard_database", "remove_organization"}

_url = env.str("DATABASE_URL", default="postgres://releasetrain_app@127.0.0.1:5432/releasetrain")
if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
    _url = env.str("DATABASE_OWNER_URL", default=_url)

DATABASES = {
    "default": {
        **env.db_url_config(_url),
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": env.bool("DATABASE_BEHIND_PGBOUNCER", default=False),
    }
}

# History is read by object; an index by date would cost every write and serve nobody.
SIMPLE_HISTORY_DATE_INDEX = False
