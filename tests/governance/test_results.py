"""Posting results: what is kept, what is refused, and what the checks make of it."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from governance import files
from governance.models import Finding, Result, StoredFile
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import cyclonedx, digest_of, junit, lcov, sarif

POST = "/api/v1/orgs/northwind/results/post"


def gate(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"kind": kind, "name": "check", "parameters": parameters, "max_age_hours": 24}


def verdict(gateway: Any, seed: str = "1.0.0") -> tuple[str, str]:
    check = gateway.check(gateway.evaluate(seed), "check")
    return check["verdict"], check["reason"]


def test_a_pipeline_posts_a_file_and_registers_its_artifact(gateway: Any, api: Any) -> None:
    body = {
        "digest": digest_of("2.0.0"),
        "service": "ledger",
        "version": "2.0.0",
        "file": SimpleUploadedFile("junit.xml", junit(3)),
    }
    response = api("service_account").post(POST, body, format="multipart")
    assert response.status_code == 201, response.content
    shown = response.json()
    assert (shown["kind"], shown["summary"]["total"]) == ("tests", 3)
    with gateway.scope("auditor"):
        result = Result.objects.select_related("file", "artifact").get()
        assert result.artifact.version == "2.0.0"
        assert files.read(result.file) == junit(3)
        assert str(files.path_of(result.file)).endswith(result.digest[7:])
        assert result.reported_by == gateway.cast.user("service_account").pk


def test_json_with_base64_does_as_well(gateway: Any, api: Any) -> None:
    file = {"name": "junit.xml", "base64": base64.b64encode(junit(3)).decode()}
    body = {"digest": digest_of("2.0.0"), "service": "ledger", "version": "2.0.0", "file": file}
    response = api("service_account").post(POST, body)
    assert response.status_code == 201, response.content
    for odd in ("junit", {"name": "x"}, {"base64": "%%%"}, {"base64": 5}, None, []):
        assert api("service_account").post(POST, {**body, "file": odd}).status_code == 422


def test_the_standing_report_posted_again_changes_nothing(gateway: Any) -> None:
    first = gateway.post(sarif(("B101", "error")))
    assert gateway.post(sarif(("B101", "error"))).pk == first.pk
    with gateway.scope("auditor"):
        assert (Result.objects.count(), StoredFile.objects.count()) == (1, 1)
        assert Finding.history.count() == 1


def test_an_old_report_posted_after_a_newer_one_counts_as_the_newest(gateway: Any) -> None:
    """Otherwise a red run could be hidden: green, red, green again, and the second red looks like the first."""
    gateway.publish(gate("test-results"))
    red, green = junit(2, 1), junit(3)
    for content, expected in ((red, "fail"), (green, "pass"), (red, "fail")):
        gateway.post(content, name="junit.xml")
        assert verdict(gateway)[0] == expected
    with gateway.scope("auditor"):
        assert (Result.objects.count(), StoredFile.objects.count()) == (3, 2)


def test_a_passing_report_never_hides_a_failing_one_of_another_file(gateway: Any) -> None:
    gateway.publish(gate("test-results"))
    gateway.post(junit(1, 1, "integration"), name="integration.xml")
    gateway.post(junit(5, 0, "unit"), name="unit.xml")
    assert verdict(gateway) == (
        "fail",
        "6 of 7 tests passed for ledger 1.0.0: 1 failed, 0 could not run. First: integration f0.",
    )


@pytest.mark.parametrize(
    ("content", "parameters", "expected"),
    [
        (junit(3), {}, "pass"),
        (junit(3), {"minimum_tests": 4}, "fail"),
        (junit(99, 1), {"pass_rate": 99}, "pass"),
        (junit(98, 2), {"pass_rate": 99}, "fail"),
        (junit(2).replace(b'tests="2"', b'tests="9"'), {}, "fail"),  # declares more than it lists
        (b'<testsuite name="s"><testcase name="a"><skipped/></testcase></testsuite>', {}, "fail"),
    ],
)
def test_test_results(gateway: Any, content: bytes, parameters: dict[str, Any], expected: str) -> None:
    gateway.publish(gate("test-results", **parameters))
    gateway.post(content)
    assert verdict(gateway)[0] == expected


def test_coverage_is_absolute_and_not_lower_than_in_production(gateway: Any) -> None:
    from trains.actions.deployments import record_deployment

    gateway.publish(gate("coverage", minimum=70))
    gateway.post(lcov(90, 100), "1.0.0", name="lcov.info")
    assert verdict(gateway, "1.0.0")[0] == "pass"
    with gateway.scope("service_account") as pipeline:
        record_deployment(
            pipeline,
            service=gateway.service,
            environment=gateway.production,
            version="1.0.0",
            digest=digest_of("1.0.0"),
            status="succeeded",
        )
    gateway.post(lcov(89, 100), "1.1.0", name="lcov.info")
    assert verdict(gateway, "1.1.0") == (
        "fail",
        "89.00 % of the lines of ledger 1.1.0 are covered, fewer than the 90.00 % of ledger 1.0.0 in production.",
    )
    gateway.post(lcov(180, 200), "1.2.0", name="lcov.info")
    assert verdict(gateway, "1.2.0")[0] == "pass"
    gateway.post(lcov(69, 100), "1.3.0", name="lcov.info")
    assert "70 % are required" in verdict(gateway, "1.3.0")[1]


def test_static_analysis_counts_by_severity_and_believes_no_failed_scan(gateway: Any) -> None:
    gateway.publish(gate("static-analysis", medium=1))
    gateway.post(sarif(("B1", "warning")))
    assert verdict(gateway)[0] == "pass"
    gateway.post(sarif(("B1", "warning"), ("B2", "warning")))
    assert verdict(gateway) == ("fail", "ledger 1.0.0 has 2 medium (at most 1).")
    gateway.post(sarif(ok=False))
    assert "The scan of ledger 1.0.0 is incomplete" in verdict(gateway)[1]
    gateway.post(sarif())
    assert verdict(gateway)[0] == "pass"
    gateway.post(sarif(("X9", "error"), tool="Semgrep"))  # another tool stands beside, it does not replace
    assert verdict(gateway)[0] == "fail"


@pytest.mark.parametrize(
    ("vulnerability", "expected"),
    [
        ({"id": "CVE-1", "severity": "high"}, "fail"),
        ({"id": "CVE-1", "severity": "unknown"}, "fail"),
        ({"id": "CVE-1", "severity": "low"}, "pass"),
        ({"id": "CVE-1", "severity": "critical", "state": "not_affected"}, "pass"),
        ({"id": "CVE-1", "severity": "critical", "state": "resolved"}, "pass"),
        ({"id": "CVE-1", "severity": "critical", "state": "in_triage"}, "fail"),
        ({"id": "CVE-1", "severity": "critical", "state": "exploitable"}, "fail"),
    ],
)
def test_composition_respects_vex(gateway: Any, vulnerability: dict[str, str], expected: str) -> None:
    gateway.publish(gate("composition"))
    gateway.post(cyclonedx(vulnerability))
    assert verdict(gateway)[0] == expected


def openvex(status: str, product: str, at: str = "2026-01-01T00:00:00Z") -> bytes:
    said: dict[str, Any] = {
        "vulnerability": {"name": "CVE-1"},
        "products": [{"@id": product}],
        "status": status,
    }
    if status == "not_affected":
        said["justification"] = "vulnerable_code_not_in_execute_path"
    head = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"vex-{at}",
        "author": "Security",
        "timestamp": at,
    }
    return json.dumps({**head, "version": 1, "statements": [said]}).encode()


@pytest.mark.parametrize(
    ("status", "product", "expected"),
    [
        ("not_affected", "pkg:pypi/lib0@1.0.0", "pass"),
        ("fixed", "pkg:oci/ledger@" + digest_of("1.0.0"), "pass"),
        ("not_affected", "pkg:oci/ledger@" + digest_of("another"), "fail"),
        ("not_affected", "pkg:pypi/other@1.0.0", "fail"),
        ("affected", "pkg:pypi/lib0@1.0.0", "fail"),
        ("under_investigation", "pkg:pypi/lib0@1.0.0", "fail"),
    ],
)
def test_openvex_statements_decide_about_the_components_or_the_build_they_name(
    gateway: Any, status: str, product: str, expected: str
) -> None:
    gateway.publish(gate("composition"))
    gateway.post(openvex(status, product), name="vex.json")
    assert verdict(gateway)[0] == "pending"  # statements alone are no bill of materials
    gateway.post(cyclonedx({"id": "CVE-1", "severity": "critical"}))
    assert verdict(gateway)[0] == expected


def test_composition_denies_licences_and_empty_bills(gateway: Any) -> None:
    gateway.publish(gate("composition", denied_licences=["AGPL-3.0"]))
    gateway.post(cyclonedx(licence="AGPL-3.0-only"))
    assert verdict(gateway) == (
        "fail",
        "ledger 1.0.0 contains lib0 1.0.0 (AGPL-3.0-only), which the policy denies.",
    )
    gateway.post(cyclonedx(components=0))
    assert "lists 0 components" in verdict(gateway)[1]
    gateway.post(cyclonedx())
    assert verdict(gateway)[0] == "pass"


def test_a_library_is_found_wherever_it_is(gateway: Any, api: Any) -> None:
    gateway.post(cyclonedx(components=3))
    found = api("auditor").get("/api/v1/orgs/northwind/components?q=lib2").json()["items"]
    assert [c["name"] for c in found] == ["lib2"]


def test_the_promoted_build_must_be_the_tested_one(gateway: Any) -> None:
    from trains.actions.deployments import record_deployment

    gateway.publish(gate("artifact-tested"))
    assert verdict(gateway) == ("fail", "ledger 1.0.0 has never run in a test environment.")
    with gateway.scope("service_account") as pipeline:
        record_deployment(
            pipeline,
            service=gateway.service,
            environment=gateway.test,
            version="0.9.0",
            digest=digest_of("0.9.0"),
            status="succeeded",
        )
        assert verdict(gateway)[0] == "fail"  # another build was tested
        record_deployment(
            pipeline,
            service=gateway.service,
            environment=gateway.test,
            version="1.0.0",
            digest=digest_of("1.0.0"),
            status="succeeded",
        )
    assert verdict(gateway)[0] == "pass"


def test_a_freeze_fails_the_gate_from_its_start_to_its_end(gateway: Any) -> None:
    from datetime import timedelta

    import time_machine

    from releasetrain.kernel.clock import now
    from trains.actions.freezes import create_freeze

    gateway.publish({"kind": "freeze", "name": "check", "max_age_hours": 24})
    begins, ends = now() + timedelta(hours=1), now() + timedelta(hours=3)
    with gateway.scope("rte") as rte:
        create_freeze(
            rte, name="Year end", starts=begins, ends=ends, reason="Books close", train=gateway.train
        )
    before = gateway.evaluate()
    # It passes now, and no longer than until the freeze begins.
    assert (before.verdict, before.valid_until) == ("pass", begins)
    with time_machine.travel(begins, tick=False):
        during = gateway.evaluate()
        assert (during.verdict, during.valid_until) == ("fail", ends)
    with time_machine.travel(ends, tick=False):
        assert gateway.evaluate().verdict == "pass"


HOSTILE = {
    "billion laughs": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><testsuite name="&b;"/>',
    "external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite name="&a;"/>',
    "deep XML": b"<testsuite>" + b"<a>" * 5_000 + b"</a>" * 5_000 + b"</testsuite>",
    "deep JSON": b'{"version": "2.1.0", "runs": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "cut off": junit(3)[:-20],
    "zip": b"PK\x03\x04" + b"\0" * 100,
    "gzip": b"\x1f\x8b\x08" + b"\0" * 100,
    "nothing": b"",
    "white space": b"   \n",
    "HTML": b"<html><script>alert(1)</script></html>",
    "text": b"all tests passed, trust me",
    "zero characters": b"\0" * 1000,
    "not UTF-8": b'<?xml version="1.0" encoding="utf-8"?><testsuite name="\xff\xfe"/>',
    "strange encoding": b'<?xml version="1.0" encoding="rot13"?><testsuite/>',
    "NaN": b'{"version": "2.1.0", "runs": [], "x": NaN}',
    "huge number": b'{"version": "2.1.0", "runs": [], "x": ' + b"9" * 100_000 + b"}",
    "wrong SARIF": b'{"version": "1.0.0", "runs": []}',
    "wrong types": b'{"version": "2.1.0", "runs": "all"}',
    "doubled key": b'{"version": "2.1.0", "runs": [], "runs": []}',
    "no CycloneDX": b'{"bomFormat": "CycloneDX", "specVersion": "9.9", "components": []}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_broken_reports_are_refused_and_nothing_is_kept(
    gateway: Any, api: Any, name: str
) -> None:
    file = SimpleUploadedFile("../../etc/passwd\x00.xml", HOSTILE[name])
    body = {"digest": digest_of("9.9.9"), "service": "ledger", "version": "9.9.9", "file": file}
    response = api("service_account").post(POST, body, format="multipart")
    assert response.status_code in (400, 422), response.content
    assert response["Content-Type"] == "application/problem+json"
    with gateway.scope("auditor"):
        from trains.models import Artifact

        assert not Result.objects.exists()
        assert not StoredFile.objects.exists()
        assert not Artifact.objects.filter(version="9.9.9").exists()


def test_a_file_above_its_limit_is_refused_before_it_is_read(gateway: Any, api: Any) -> None:
    big = SimpleUploadedFile("big.xml", b" " * (51 * 1024 * 1024))
    response = api("service_account").post(
        POST, {"digest": digest_of("1"), "service": "ledger", "file": big}, format="multipart"
    )
    assert response.status_code == 422
    assert "larger than" in response.json()["detail"]


def test_a_declared_kind_must_be_what_the_file_is(gateway: Any) -> None:
    from governance.models import ResultKind

    with pytest.raises(Refused) as caught:
        gateway.post(junit(3), kind=ResultKind.COVERAGE)
    assert caught.value.code.startswith("report.")


@pytest.mark.parametrize(
    ("role", "status"),
    [("service_account", 201), ("release_manager", 201), ("team_member", 403), ("auditor", 403)],
)
def test_who_may_post(gateway: Any, api: Any, role: str, status: int) -> None:
    body = {
        "digest": digest_of("2.0.0"),
        "service": "ledger",
        "version": "2.0.0",
        "file": SimpleUploadedFile("j.xml", junit(1)),
    }
    assert api(role).post(POST, body, format="multipart").status_code == status


def test_an_unknown_digest_without_its_service_is_refused(gateway: Any, api: Any) -> None:
    file = io.BytesIO(junit(1))
    file.name = "junit.xml"
    response = api("service_account").post(
        POST, {"digest": digest_of("never"), "file": file}, format="multipart"
    )
    assert (response.status_code, response.json()["code"]) == (422, "artifact.unknown")


def test_results_never_change(gateway: Any) -> None:
    from django.db import connection, transaction
    from django.db.utils import ProgrammingError

    gateway.post(junit(3))
    for statement in ("UPDATE governance_result SET summary = '{}'", "DELETE FROM governance_result"):
        with (
            gateway.scope("service_account"),
            pytest.raises(ProgrammingError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_changed_bytes_on_disk_are_noticed(gateway: Any, web: Any) -> None:
    result = gateway.post(junit(3))
    address = f"/o/northwind/results/{result.pk}/file"
    response = web("auditor").get(address)
    assert response.content == junit(3)
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]
    with gateway.scope("auditor"):
        files.path_of(result.file).write_bytes(junit(4))
    assert web("auditor").get(address).status_code == 404
    gateway.post(junit(3))
    assert web("auditor").get(address).content == junit(3), "the same report posted again puts the file right"
