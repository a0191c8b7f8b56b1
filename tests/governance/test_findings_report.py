"""What a release's scans found, before it is approved: page, REST, CSV and the cockpit say the same."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from governance.models import Finding
from releasetrain.kernel.clock import now
from tests.governance.gateway import cyclonedx, digest_of, sarif
from tests.governance.test_supply_chain import deploy

API = "/api/v1/orgs/northwind"


@pytest.fixture
def release(gateway: Any) -> Any:
    """Build 1.0.0 runs in production with A; the release carries 1.1.0 with A, B and a vulnerability, B accepted."""
    from governance.actions.findings import accept
    from trains.actions.releases import create_release
    from trains.actions.scope import attach_artifact

    gateway.post(sarif(("A", "error")), "1.0.0")
    deploy(gateway, "1.0.0")
    gateway.post(sarif(("A", "error"), ("B", "warning")), "1.1.0")
    gateway.post(
        cyclonedx(
            {"id": "CVE-1", "severity": "critical"},
            {"id": "CVE-2", "severity": "high", "state": "not_affected"},
        ),
        "1.1.0",
    )
    with gateway.scope("compliance_officer") as actor:
        accept(
            actor,
            Finding.objects.get(rule="B"),
            reason="Behind the firewall",
            until=now() + timedelta(days=9),
        )
    with gateway.scope("release_manager") as manager:
        release = create_release(manager, train=gateway.train, version="1.1.0", name="Spring", tier=1)
        attach_artifact(manager, release, artifact=gateway.artifact("1.1.0"))
    return release


def test_rest_counts_what_is_open_new_accepted_and_not_scanned(release: Any, api: Any) -> None:
    said = api("auditor").get(f"{API}/releases/{release.key}/findings-report").json()
    assert (said["open"], said["open_by_severity"]["critical"], said["open_by_severity"]["high"]) == (2, 1, 1)
    assert said["counts"]["medium"]["accepted"] == 1
    assert (said["new_since_production"], said["overdue"], said["exempt"]) == (1, 0, 1)
    assert [a["title"] for a in said["accepted"]] == ["B found"]
    (build,) = said["builds"]
    assert build["in_production"] == digest_of("1.0.0")
    assert build["not_scanned_for"] == ["Secrets scan"]


def test_every_number_of_the_page_opens_its_rows(release: Any, api: Any, web: Any) -> None:
    import re

    client = api("auditor")
    for path in (f"/o/northwind/releases/{release.key}/findings/", f"/o/northwind/releases/{release.key}/"):
        page = web("auditor").get(path)
        assert page.status_code == 200
        cells = re.findall(r'href="(/o/northwind/findings/\?[^"]+)"[^>]*>\s*(\d+)', page.content.decode())
        assert cells, path
        for address, number in cells:
            rows = client.get(
                address.replace("/o/northwind/", f"{API}/")
                .replace("findings/?", "findings?")
                .replace("&amp;", "&")
            )
            assert rows.status_code == 200, rows.content
            assert len(rows.json()["items"]) == int(number), address


def test_the_csv_has_the_rows_worst_first_and_no_formulas(release: Any, api: Any, web: Any) -> None:
    answer = api("auditor").get(f"{API}/releases/{release.key}/findings-report.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [r["severity"] for r in rows] == ["critical", "high", "medium"]
    assert rows[2]["accepted_until"] and not any(r["title"].startswith("=") for r in rows)
    page = web("auditor").get(f"/o/northwind/releases/{release.key}/findings/export.csv")
    assert b"".join(page.streaming_content).startswith(b"severity,state,service")


def test_a_service_has_its_report_too(gateway: Any, release: Any, api: Any, web: Any) -> None:
    said = api("auditor").get(f"{API}/services/{gateway.service.pk}/findings-report").json()
    assert said["open"] == 3  # for the service the exempted one counts: another scan may see it
    assert web("auditor").get(f"/o/northwind/services/{gateway.service.pk}/findings/").status_code == 200
    assert api("auditor").get(f"{API}/services/nowhere/findings-report").status_code == 404


def test_the_report_takes_the_same_few_queries_for_many_findings(gateway: Any, release: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from governance.queries.findings_report import report_of

    def cost() -> int:
        with gateway.scope("auditor"), CaptureQueriesContext(connection) as seen:
            report_of(release)
        return len(seen)

    before = cost()
    gateway.post(sarif(*[(f"R{n}", "warning") for n in range(60)]), "1.1.0")
    assert cost() == before < 22


def test_where_a_library_is_on_the_page_and_over_rest(gateway: Any, release: Any, api: Any, web: Any) -> None:
    deploy(gateway, "1.1.0")
    client = api("auditor")
    said = client.get(f"{API}/where-is?q=pkg:pypi/lib0&versions=<2").json()
    assert said["running"] == 1
    assert said["places"][0]["environments"] == ["production"] and said["places"][0]["releases"] == [
        release.key
    ]
    page = web("auditor").get("/o/northwind/components/where/?q=lib0&versions=%3C2&environment=production")
    assert page.status_code == 200 and b"1 of 1 builds" in page.content
    assert web("auditor").get("/o/northwind/components/where/?q=lib0&versions=%3E%3D").status_code == 422
    assert web("auditor").get("/o/northwind/components/where/").status_code == 200
    for query in ("", "?q=lib0&versions=>=", "?q=lib0&environment=nowhere"):
        answer = client.get(f"{API}/where-is{query}")
        assert answer.status_code == 422 and answer.json()["errors"], query


def test_feeds_are_posted_over_rest(gateway: Any, release: Any, api: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    feed = json.dumps({"id": "X-1", "affected": [{"package": {"purl": "pkg:pypi/lib0"}}]}).encode()
    answer = api("service_account").post(
        f"{API}/advisories/post", {"file": SimpleUploadedFile("feed.json", feed)}, format="multipart"
    )
    assert answer.status_code in (200, 201), answer.content
    assert api("auditor").get(f"{API}/advisories?q=X-1").json()["items"]
