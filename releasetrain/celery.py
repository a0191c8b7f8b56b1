"""The Celery application: workers evaluate gates, build evidence and consume the ledger."""

import os
from typing import Any

from celery import Celery, signals
from django.db import close_old_connections

from releasetrain import tracing
from releasetrain.kernel import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releasetrain.settings")
app = Celery("releasetrain")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.before_task_publish.connect
def _carry_request(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """What a task writes into the log carries the id of the request that asked for it."""
    if headers is not None and logs.request_id.get():
        headers["releasetrain_request"] = logs.request_id.get()


@signals.task_prerun.connect
def _begin(task: Any = None, task_id: str = "", **_: Any) -> None:
    logs.request_id.set(getattr(task.request, "releasetrain_request", None) or task_id)


@signals.task_prerun.connect
@signals.task_postrun.connect
def _look_after_connections(task: Any = None, **_: Any) -> None:
    """A connection that is too old or does not work any more is replaced between tasks, as it is between requests."""
    if not task.request.is_eager:
        close_old_connections()


@signals.task_postrun.connect
def _end(**_: Any) -> None:
    logs.request_id.set("")


@signals.worker_process_init.connect
def _begin_traces(**_: Any) -> None:
    """In each child, for a tracer's threads do not survive a fork."""
    tracing.begin("worker")
