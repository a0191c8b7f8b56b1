"""A worker keeps its connection to the database from task to task, and replaces one that does not work any more."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery import signals
from celery.fixups.django import DjangoWorkerFixup
from django.db import connection

from releasetrain.celery import app


class Task:
    """As much of a task as the signals read."""

    request = SimpleNamespace(is_eager=False, releasetrain_request=None)


TASK = Task()


@pytest.fixture
def worker(committed_db):
    """What celery does to connections around each task of a worker."""
    fixup = DjangoWorkerFixup(app)

    def task():
        for signal, own in (
            (signals.task_prerun, fixup.on_task_prerun),
            (signals.task_postrun, fixup.on_task_postrun),
        ):
            own(sender=TASK)
            for _, answer in signal.send(sender=TASK, task=TASK, task_id="1"):
                assert not isinstance(answer, Exception)
            if signal is signals.task_prerun:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    backend = cursor.fetchone()[0]
        return backend

    return task


def test_one_connection_serves_many_tasks(worker):
    assert len({worker() for _ in range(5)}) == 1


def test_a_connection_that_died_between_tasks_is_replaced(worker):
    first = worker()
    connection.connection.close()
    assert worker() != first


def test_a_connection_that_is_old_enough_is_replaced(worker):
    first = worker()
    connection.close_at = 0
    assert worker() != first
