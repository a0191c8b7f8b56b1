"""Lost work with a real worker: kill -9 in the middle, a broker that forgets. It delays a verdict and never fakes one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from governance.models import Evaluation
from governance.tasks.gates import sweep
from releasetrain.kernel.clock import now
from tests.governance.gateway import digest_of, junit

ASK = "/api/v1/orgs/northwind/gates/evaluate"
QUESTION = {"environment": "production", "digest": digest_of("1.0.0")}

pytestmark = pytest.mark.timeout(300)


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
    return found


def only(gateway: Any) -> Evaluation:
    with gateway.scope("auditor"):
        return Evaluation.objects.get()


def test_a_worker_killed_in_the_middle_only_delays(
    committed_db: Any, celery_worker: Any, gateway: Any, api: Any, superuser_connection: Any
) -> None:
    gateway.post(junit(3))
    pipeline = api("service_account")
    with superuser_connection.cursor() as held:
        # The worker claims the evaluation and then waits for the results it wants to read.
        held.execute("LOCK TABLE governance_result IN ACCESS EXCLUSIVE MODE")
        location = pipeline.post(ASK, QUESTION)["Location"]
        until(lambda: only(gateway).state == "running")
        celery_worker.kill()
    superuser_connection.rollback()
    left = only(gateway)
    assert (left.state, left.verdict, left.attempts) == ("running", None, 1)
    assert pipeline.post(ASK, QUESTION).status_code == 202
    assert pipeline.get(location).json()["verdict"] == "pending"
    celery_worker.start()
    # Nobody takes it before the lease has run out.
    assert sweep(gateway.cast.organization) == 0
    with gateway.scope("auditor"):
        Evaluation.objects.update(claimed_until=now() - timedelta(seconds=1))
    assert sweep(gateway.cast.organization) == 1
    until(lambda: only(gateway).state == "done")
    done = only(gateway)
    assert (done.verdict, done.attempts) == ("pass", 2)
    answer = pipeline.post(ASK, QUESTION)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "pass")


def test_a_broker_that_forgets_only_delays(
    committed_db: Any, gateway: Any, api: Any, celery_worker: Any, redis_url: str
) -> None:
    import redis

    gateway.post(junit(0, 1))
    celery_worker.stop()
    pipeline = api("service_account")
    pipeline.post(ASK, QUESTION)
    with redis.from_url(redis_url) as broker:
        broker.flushdb()
    celery_worker.start()
    assert only(gateway).state == "queued"
    with gateway.scope("auditor"):
        Evaluation.objects.update(requested_at=now() - timedelta(minutes=1))
    assert sweep(gateway.cast.organization) == 1
    until(lambda: only(gateway).state == "done")
    assert only(gateway).verdict == "fail"


def test_asking_while_the_broker_is_away_still_queues(
    committed_db: Any, gateway: Any, api: Any, settings: Any, monkeypatch: Any
) -> None:
    from governance.tasks.gates import evaluate

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(evaluate, "apply_async", away)
    gateway.artifact()
    assert api("service_account").post(ASK, QUESTION).status_code == 202
    assert only(gateway).state == "queued"


def test_the_short_way_works_outside_a_transaction(
    committed_db: Any, gateway: Any, api: Any, django_assert_num_queries: Any
) -> None:
    """As in production: one read, no transaction, and the scope is gone with the statement that set it."""
    from django.db import connection

    from governance.evaluating import work_off
    from releasetrain.accounts.models import ApiToken

    gateway.post(junit(3))
    pipeline = api("service_account")
    pipeline.post(ASK, QUESTION)
    work_off(gateway.cast.organization.pk, only(gateway).pk)
    ordinary = pipeline.post(ASK, QUESTION)
    ApiToken.objects.update(last_used_at=now())
    with django_assert_num_queries(1):
        short = pipeline.post(ASK, QUESTION)
    assert short.json() == ordinary.json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM governance_settledanswer")
        assert cursor.fetchone()[0] == 0
