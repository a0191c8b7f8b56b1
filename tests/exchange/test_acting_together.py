"""Workers act upon events while pipelines report the same by themselves: neither waits for one who waits for it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from governance.models import Result
from releasetrain.exchange import acting
from releasetrain.exchange.models import InboundEvent
from tests.exchange.test_acting_at_once import chain, deliver, source  # noqa: F401 - a fixture
from trains.actions.artifacts import register_artifact
from trains.models import Artifact, Deployment, Service


def until_somebody_waits_for_a_lock():
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("Nobody waits.")


def test_a_pipeline_that_reports_the_same_build_in_the_same_moment_waits_for_nobody_who_waits_for_it(
    committed_db,
    source,  # noqa: F811
    cast,
    within,
    caplog,
):
    """Its report holds the service and then registers the build; the worker was told of the same build and service."""
    with within(cast, "owner"):
        deliver(source, list(chain(1)), 10)

    def work():
        try:
            return acting.act_on_due(source.organization_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with within(cast, "service_account") as pipeline:
            service = Service.objects.select_for_update(no_key=True).get(name="payments")
            working = pool.submit(work)
            until_somebody_waits_for_a_lock()
            register_artifact(pipeline, service=service, digest=f"sha256:{1:064x}", version="2.1")
        assert working.result(timeout=30) == 3
    assert [r.getMessage() for r in caplog.records if r.name.startswith(acting.__package__)] == []
    with within(cast, "owner"):
        assert set(InboundEvent.objects.values_list("state", "attempts")) == {("done", 1)}
        assert (Artifact.objects.count(), Result.objects.count(), Deployment.objects.count()) == (1, 1, 1)


def test_one_worker_acts_for_an_organization_and_the_next_leaves_it_to_that(
    committed_db,
    source,  # noqa: F811
    cast,
    within,
    monkeypatch,
):
    """What arrives while it acts is acted upon by it as well: it goes on until nothing is due."""
    act_on_plain = acting.at_once.act_on_plain
    others = []

    def meanwhile(*given):
        if not others:
            with ThreadPoolExecutor(1) as pool:
                others.append(pool.submit(another).result(timeout=30))
        return act_on_plain(*given)

    def another():
        try:
            with within(cast, "owner"):
                deliver(source, list(chain(2)), 10)
            return acting.act_on_due(source.organization_id)
        finally:
            connection.close()

    monkeypatch.setattr(acting.at_once, "act_on_plain", meanwhile)
    with within(cast, "owner"):
        deliver(source, list(chain(1)), 10)
    assert acting.act_on_due(source.organization_id) == 6
    assert others == [0]
    with within(cast, "owner"):
        assert set(InboundEvent.objects.values_list("state", "attempts")) == {("done", 1)}
