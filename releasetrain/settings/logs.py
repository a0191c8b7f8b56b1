"""Structured logs on standard output: JSON, or lines for people (LOG_FORMAT=line); neither with secrets."""

from releasetrain.kernel.logs import secrets_in

from .background import REDIS_URL
from .core import METRICS_TOKEN, SECRET_KEY
from .environment import env

__all__ = ["LOGGING"]

_known = secrets_in(
    SECRET_KEY,
    METRICS_TOKEN,
    REDIS_URL,
    env.str("DATABASE_URL", default=""),
    env.str("DATABASE_OWNER_URL", default=""),
    env.str("DATABASE_SUPERUSER_URL", default=""),
    env.str("EMAIL_HOST_PASSWORD", default=""),
)
_level = env.str("LOG_LEVEL", default="INFO")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "releasetrain.kernel.logs.JSONFormatter", "known": _known},
        "line": {
            "()": "releasetrain.kernel.logs.LineFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "known": _known,
        },
    },
    "handlers": {
        "out": {"class": "logging.StreamHandler", "formatter": env.str("LOG_FORMAT", default="json")},
    },
    "root": {"handlers": ["out"], "level": _level},
    "loggers": {
        # One line for each request is ours to write (releasetrain.requests); these would write more of it in other words.
        "django.server": {"handlers": [], "propagate": False},
    },
}
