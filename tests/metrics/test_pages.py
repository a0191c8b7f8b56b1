"""Delivery performance on page and over REST: figures agree with their rows, bad questions are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from releasetrain.exchange.demo.history import generate
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope
from trains.actions import environments, services, trains
from trains.actions.commits import record_many as record_commits
from trains.actions.deployment_batch import record_many
from trains.models import Deployment, Environment

API = "/api/v1/orgs/northwind/metrics/dora"


@pytest.fixture
def busy(cast: Any) -> Any:
    """Two services with three months of deployments, commits and rollbacks."""
    with tenant_scope(cast.organization.pk, cast["owner"]):
        yield _filled(cast)


def _filled(cast: Any) -> Any:
    train = trains.create_train(
        cast["owner"], key="PAY", name="Payments", cadence_start=datetime(2026, 1, 5, tzinfo=UTC).date()
    )
    for name in ("ledger", "wallet"):
        services.create_service(cast["owner"], name=name, train=train, tier=3)
    for name, kind in (("staging", Environment.Kind.STAGING), ("production", Environment.Kind.PRODUCTION)):
        environments.create_environment(cast["owner"], name=name, kind=kind)
    past = generate([("ledger", 3), ("wallet", 3)], now(), days=100)
    record_many(cast["rte"], past.deployments)
    record_commits(cast["rte"], past.commits)
    return past


@pytest.mark.django_db
def test_figures_agree_with_a_plain_count(busy: Any, api: Any) -> None:
    since = now().date() - timedelta(days=59)
    answer = api("executive").get(f"{API}?from={since}").json()
    start = datetime.combine(since, datetime.min.time(), UTC)
    live = [
        d
        for d in Deployment.objects.filter(environment__name="production", finished_at__gte=start)
        if d.state in ("succeeded", "failed", "rolled_back")
    ]
    metrics = answer["metrics"]
    assert metrics["deployment_frequency"]["value"] == pytest.approx(len(live) / 60)
    failed = sum(d.state == "rolled_back" for d in live)
    assert metrics["change_fail_rate"]["value"] == pytest.approx(failed / len(live))
    assert metrics["deployment_rework_rate"]["counts"]["rework"] == sum(d.rework for d in live)
    assert set(metrics) >= {"change_lead_time", "failed_deployment_recovery_time"}


@pytest.mark.django_db
def test_every_number_opens_its_rows(busy: Any, web: Any) -> None:
    client = web("executive")
    page = client.get("/o/northwind/metrics/").text
    for metric in (
        "deployment_frequency",
        "change_lead_time",
        "change_fail_rate",
        "failed_deployment_recovery_time",
        "deployment_rework_rate",
    ):
        assert f'href="/o/northwind/metrics/delivery/{metric}/?' in page
        rows = client.get(f"/o/northwind/metrics/{metric}/", follow=True)
        assert rows.status_code == 200
        assert "Rows counted" in rows.text
    assert client.get("/o/northwind/metrics/vanity/").status_code == 404


@pytest.mark.django_db
def test_an_empty_period_says_so(web: Any) -> None:
    assert "No production deployment finished" in web("executive").get("/o/northwind/metrics/").text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("from=yesterday", "from"),
        ("from=2026-02-01&until=2026-01-01", "until"),
        ("from=1026-01-01", "from"),
        ("train=PAY", "train"),
        ("bucket=fortnight", "bucket"),
        ("start=wish", "start"),
    ],
)
def test_a_question_without_sense_is_refused_by_its_field(
    api: Any, web: Any, question: str, field: str
) -> None:
    answer = api("executive").get(f"{API}?{question}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].endswith(field)
    assert web("executive").get(f"/o/northwind/metrics/?{question}").status_code == 422


@pytest.mark.django_db
def test_the_dashboard_costs_a_bounded_number_of_queries(
    busy: Any, web: Any, django_assert_max_num_queries: Any
) -> None:
    client = web("executive")
    client.get("/o/northwind/metrics/")
    with django_assert_max_num_queries(29):
        client.get("/o/northwind/metrics/")


@pytest.mark.django_db
def test_another_organizations_deployments_count_for_nobody_else(cast: Any, api: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        _filled(cast)
    answer = api("executive", "contoso-health").get("/api/v1/orgs/contoso-health/metrics/dora").json()
    assert answer["metrics"]["deployment_frequency"]["value"] is None
    assert api("executive", "contoso-health").get(API).status_code == 404
