"""What Prometheus may read of us: the installation for its operators, releases for each organization."""

from __future__ import annotations

import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

pytestmark = pytest.mark.django_db
TOKEN = "t0ken-of-operators"


def read(client, **headers):
    return client.get("/metrics", headers=headers)


def names(text: str) -> dict[str, object]:
    return {family.name: family for family in prometheus(text)}


def test_the_installation_is_shown_to_its_operators_only(client, settings, northwind):
    settings.METRICS_TOKEN = ""
    assert read(client).status_code == 404
    settings.METRICS_TOKEN = TOKEN
    assert read(client).status_code == 401
    assert read(client, authorization="Bearer wrong").status_code == 401
    assert client.post("/metrics").status_code == 405
    answer = read(client, authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 200
    found = names(answer.content.decode())
    assert found["releasetrain_database_up"].samples[0].value == 1
    assert found["releasetrain_organizations"].samples[0].value >= 2
    assert {"releasetrain_ledger_entries_unsealed", "releasetrain_evaluations_waiting"} <= set(found)


def test_nothing_of_any_organization_stands_in_the_installations_state(client, settings, web):
    settings.METRICS_TOKEN = TOKEN
    web("release_manager").get("/o/northwind/releases/")
    text = read(client, authorization=f"Bearer {TOKEN}").content.decode()
    assert "northwind" not in text.lower()
    assert "contoso" not in text.lower()
    requests = names(text)["releasetrain_http_request_seconds"]
    assert any(sample.labels.get("route") == "o/<slug:org>/releases/" for sample in requests.samples)


def test_an_organizations_releases_are_read_with_a_token_of_its_own(api):
    rest = api("service_account")
    answer = rest.get("/api/v1/orgs/northwind/prometheus")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    found = names(answer.content.decode())
    assert {"releasetrain_releases", "releasetrain_changes", "releasetrain_series"} <= set(found)
    assert rest.get("/api/v1/orgs/contoso-health/prometheus").status_code in (401, 403, 404)


def test_openmetrics_is_given_where_it_is_asked_for(api):
    answer = api("service_account").get(
        "/api/v1/orgs/northwind/prometheus", headers={"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert list(openmetrics(answer.content.decode()))
    assert re.search(r"# EOF\s*\Z", answer.content.decode())


def test_the_page_costs_the_same_queries_with_more_releases(api, django_assert_max_num_queries):
    rest = api("service_account")
    with django_assert_max_num_queries(40):
        rest.get("/api/v1/orgs/northwind/prometheus")


def test_threads_that_begin_at_once_count_into_one_histogram():
    from concurrent.futures import ThreadPoolExecutor

    from releasetrain.interface import observing

    observing._made.cache_clear()
    with ThreadPoolExecutor(16) as pool:
        made = {id(each) for each in pool.map(lambda _: observing._seconds(), range(64))}
    assert len(made) == 1
