"""What a balancer and a monitor are told: whether this host can serve, and what else is amiss."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError

from releasetrain.interface import health


@pytest.fixture(autouse=True)
def forgotten() -> Any:
    """Each test looks for itself whether migrations are missing."""
    health._migrated.cache_clear()
    yield
    health._migrated.cache_clear()


@pytest.mark.django_db
def test_a_host_is_ready_and_tells_of_worker_and_scheduler(client: Any, redis_url: str) -> None:
    cache.delete(health.HEARTBEAT)
    told = client.get("/readyz")
    assert (told.status_code, told.json()["status"]) == (200, "degraded")
    assert told.json()["checks"] == {"database": True, "migrations": True, "cache": True, "worker": False}
    from releasetrain.interface.tasks import heartbeat

    heartbeat()
    assert client.get("/readyz").json()["status"] == "ok"


@pytest.mark.django_db
def test_without_the_broker_hosts_stay_in_service(client: Any, settings: Any, monkeypatch: Any) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(health.cache, "set", away)
    monkeypatch.setattr(health.cache, "get", away)
    told = client.get("/readyz")
    assert (told.status_code, told.json()["status"]) == (200, "degraded")
    assert told.json()["checks"]["cache"] is False


@pytest.mark.django_db
def test_a_program_newer_than_the_schema_is_not_ready(client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "django.db.migrations.graph.MigrationGraph.leaf_nodes",
        lambda self, app=None: [("trains", "9999_next")],
    )
    told = client.get("/readyz")
    assert (told.status_code, told.json()["checks"]["migrations"]) == (503, False)


@pytest.mark.django_db
def test_while_the_database_is_away_pipelines_and_people_are_told_to_come_back(
    api: Any, web: Any, monkeypatch: Any
) -> None:
    rest, browser = api("service_account"), web("rte")
    rest.raise_request_exception = browser.raise_request_exception = False

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr("releasetrain.interface.middleware.enter", away)
        answer = rest.get("/api/v1/orgs/northwind/releases")
        page = browser.get("/o/northwind/releases/")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "try_again", "1")
    assert (page.status_code, page["Retry-After"]) == (503, "1")
