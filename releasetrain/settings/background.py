"""Broker, cache and Celery. The database is the truth; the broker is only a bell."""

from .environment import env

__all__ = [
    "CACHES",
    "CELERY_BEAT_SCHEDULE",
    "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP",
    "CELERY_BROKER_TRANSPORT_OPTIONS",
    "CELERY_BROKER_URL",
    "CELERY_DB_REUSE_MAX",
    "CELERY_TASK_ACKS_LATE",
    "CELERY_TASK_IGNORE_RESULT",
    "CELERY_TASK_REJECT_ON_WORKER_LOST",
    "CELERY_TASK_SOFT_TIME_LIMIT",
    "CELERY_TASK_TIME_LIMIT",
    "CELERY_TIMEZONE",
    "CELERY_WORKER_HIJACK_ROOT_LOGGER",
    "CELERY_WORKER_PREFETCH_MULTIPLIER",
    "REDIS_URL",
]

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Longer than the longest task, so that a slow task is not handed out twice.
# A broker that is away must not hold up a request.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
# Celery would open a connection to the database for every task, which costs more than most tasks do. How long one
# lives is DATABASE_CONN_MAX_AGE's to say, for workers as for the web: releasetrain.celery sees to it.
CELERY_DB_REUSE_MAX = 2**31
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SOFT_TIME_LIMIT = 600
CELERY_TASK_TIME_LIMIT = 660
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "releasetrain.interface.tasks.heartbeat", "schedule": 30.0},
    "seal-ledger": {"task": "releasetrain.audit.tasks.seal_all", "schedule": 15.0},
    "sweep-evaluations": {"task": "governance.tasks.sweep_evaluations", "schedule": 15.0},
    "sweep-evidence": {"task": "governance.tasks.sweep_packages", "schedule": 15.0},
    "sweep-auditing": {"task": "governance.tasks.sweep_auditing", "schedule": 15.0},
    "sweep-replays": {"task": "governance.tasks.sweep_replays", "schedule": 30.0},
    "roll-up-deliveries": {"task": "metrics.tasks.roll_up_all", "schedule": 20.0},
    "send-reports": {"task": "metrics.tasks.send_reports", "schedule": 300.0},
    "sweep-reviews": {"task": "reviews.tasks.sweep_reviews", "schedule": 600.0},
    "settle-observations": {"task": "problems.tasks.settle_all", "schedule": 300.0},
    "propose-disposals": {"task": "governance.tasks.propose_disposals", "schedule": 86400.0},
    "sweep-disposals": {"task": "governance.tasks.sweep_disposals", "schedule": 60.0},
    "end-acceptances": {"task": "governance.tasks.end_acceptances", "schedule": 300.0},
    "sum-up-changes": {"task": "governance.tasks.sum_up_changes", "schedule": 600.0},
    "sweep-changes": {"task": "governance.tasks.sweep_changes", "schedule": 30.0},
    "advance-delivery": {"task": "trains.tasks.advance_delivery", "schedule": 15.0},
    "remind-of-rollouts": {"task": "trains.tasks.remind_of_rollouts", "schedule": 3600.0},
    "sweep-escalations": {"task": "trains.tasks.sweep_escalations", "schedule": 15.0},
    "act-on-events": {"task": "releasetrain.exchange.tasks.sweep_events", "schedule": 30.0},
    "send-webhooks": {"task": "releasetrain.exchange.tasks.send_webhooks", "schedule": 15.0},
    "post-statuses": {"task": "releasetrain.exchange.tasks.post_statuses", "schedule": 15.0},
    "send-mail": {"task": "releasetrain.exchange.tasks.send_mail", "schedule": 30.0},
    "pull-series": {"task": "releasetrain.exchange.tasks.pull_series", "schedule": 60.0},
    "ask-vaults": {"task": "releasetrain.exchange.tasks.ask_vaults", "schedule": 3600.0},
    "clear-series": {"task": "trains.tasks.clear_series", "schedule": 21600.0},
    "follow-error-budgets": {"task": "metrics.tasks.follow_error_budgets", "schedule": 300.0},
    "remind-of-kpis": {"task": "metrics.tasks.remind_of_kpis", "schedule": 21600.0},
    "sweep-access": {"task": "releasetrain.access.tasks.sweep_access", "schedule": 60.0},
    "index-search": {"task": "releasetrain.interface.tasks.index_search", "schedule": 5.0},
    "forget-search-words": {"task": "releasetrain.interface.tasks.forget_search_words", "schedule": 86400.0},
    "consume-ledger": {"task": "releasetrain.audit.tasks.consume_all", "schedule": 5.0},
}
