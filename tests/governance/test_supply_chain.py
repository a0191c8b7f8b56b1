"""What pipelines post about secrets, images, licences, load tests and provenance, and what gates make of it."""

from __future__ import annotations

import base64
import copy
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ecdsa_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.models import Advisory, Finding, FindingOccurrence, Result
from releasetrain.audit.models import LedgerEntry
from releasetrain.audit.rules.dsse import pae
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from tests.governance import scanner_samples as samples
from tests.governance.gateway import cyclonedx, digest_of
from tests.governance.scanner_samples import coded

DAY = 24


def guarded(gateway: Any, kind: str, **parameters: Any) -> None:
    gateway.publish({"kind": kind, "name": "check", "parameters": parameters, "max_age_hours": DAY})


def outcome(gateway: Any, seed: str = "1.0.0") -> tuple[str, str]:
    check = gateway.check(gateway.evaluate(seed), "check")
    return check["verdict"], check["reason"]


def found(gateway: Any) -> list[Finding]:
    with gateway.scope("auditor"):
        return list(Finding.objects.order_by("fingerprint"))


def report(*rows: dict[str, Any], tool: str = "inhouse") -> bytes:
    return coded({"tool": tool, "findings": list(rows)})


LIBRARY = {
    "title": "Old library",
    "severity": "medium",
    "cve": "CVE-2021-44906",
    "package": "pkg:npm/minimist@1.2.5",
}


def test_two_tools_reporting_one_vulnerability_make_one_finding_that_the_last_of_them_fixes(
    gateway: Any,
) -> None:
    gateway.post(coded(samples.TRIVY), "1.0.0")
    gateway.post(coded(samples.SNYK), "1.0.0")
    (one,) = [f for f in found(gateway) if f.package == "pkg:npm/minimist"]
    assert (one.severity, len(one.reporters), one.fixed_in) == ("critical", 2, "1.2.6")
    clean = {**copy.deepcopy(samples.TRIVY), "Results": []}
    gateway.post(coded(clean), "1.1.0")
    (one,) = [f for f in found(gateway) if f.package == "pkg:npm/minimist"]
    assert (one.state, one.severity, list(one.reporters)) == ("open", "medium", ["Snyk / composition"])
    gateway.post(coded({**samples.SNYK, "vulnerabilities": []}), "1.1.0")
    (one,) = [f for f in found(gateway) if f.package == "pkg:npm/minimist"]
    assert (one.state, one.reporters) == ("fixed", {})


def test_the_same_report_again_changes_nothing(gateway: Any) -> None:
    data = coded(samples.TRIVY)
    first = gateway.post(data)
    with gateway.scope("auditor"):
        before = (
            Finding.history.count(),
            FindingOccurrence.objects.count(),
            Result.objects.count(),
        )
    assert gateway.post(data) == first
    again = coded({**samples.TRIVY, "CreatedAt": "2026-02-02T00:00:00Z"})
    gateway.post(again)
    with gateway.scope("auditor"):
        history, occurrences, results = before
        assert Finding.history.count() == history
        assert FindingOccurrence.objects.count() == 2 * occurrences
        assert Result.objects.count() == results + 1


def test_a_broken_report_leaves_nothing_and_names_its_place(gateway: Any) -> None:
    broken = copy.deepcopy(samples.GRYPE)
    broken["matches"].append({"vulnerability": {"id": "CVE-1"}, "artifact": {}})
    with pytest.raises(Refused) as caught:
        gateway.post(coded(broken))
    assert "matches[1].artifact.name" in caught.value.refusals[0].sentence
    assert caught.value.refusals[0].field == "file"
    with gateway.scope("auditor"):
        assert not Result.objects.exists() and not Finding.objects.exists()


def test_secrets_are_found_counted_and_never_stored(gateway: Any) -> None:
    from governance import files

    guarded(gateway, "secrets-scan")
    assert outcome(gateway)[0] == "pending"
    result = gateway.post(coded(samples.GITLEAKS))
    verdict, reason = outcome(gateway)
    assert verdict == "fail" and "1 high" in reason
    with gateway.scope("auditor"):
        assert b"very-secret" not in files.read(result.file)
        assert "very-secret" not in json.dumps(
            list(LedgerEntry.objects.values_list("body", flat=True)), default=str
        )
    gateway.post(b"[]", kind="secrets")
    assert outcome(gateway)[0] == "pass"


def test_an_empty_list_without_a_word_about_its_tool_is_refused(gateway: Any) -> None:
    with pytest.raises(Refused) as caught:
        gateway.post(b"[]")
    assert caught.value.refusals[0].code == "report.unknown_format"


def test_an_image_is_judged_with_its_vex_statements(gateway: Any) -> None:
    guarded(gateway, "container-scan", critical=0, high=None, medium=None, low=None)
    gateway.post(coded(samples.GRYPE))
    assert outcome(gateway)[0] == "pass"  # Grype says high
    image = {**copy.deepcopy(samples.TRIVY)}
    del image["Results"][0]["Misconfigurations"], image["Results"][0]["Secrets"]
    gateway.post(coded(image))
    assert outcome(gateway)[0] == "fail"
    vex = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": "Northwind",
        "timestamp": now().isoformat(),
        "statements": [
            {
                "vulnerability": {"name": "CVE-2021-44906"},
                "products": [{"@id": "pkg:npm/minimist@1.2.5"}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            }
        ],
    }
    gateway.post(coded(vex))
    assert outcome(gateway)[0] == "pass"


def test_a_running_service_is_judged(gateway: Any) -> None:
    guarded(gateway, "dynamic-scan", low=0)
    gateway.post(samples.ZAP)
    assert outcome(gateway)[0] == "fail"


def test_a_sarif_file_counts_as_what_its_sender_says_it_is(gateway: Any) -> None:
    from tests.governance.gateway import sarif

    guarded(gateway, "secrets-scan")
    result = gateway.post(sarif(("key", "error"), tool="Gitleaks"), kind="secrets")
    assert result.kind == "secrets"
    assert outcome(gateway)[0] == "fail"
    with pytest.raises(Refused):
        gateway.post(sarif(("key", "error")), kind="tests")


def set_policy(gateway: Any, **said: Any) -> Any:
    from governance.actions.supply_chain import set_licence_policy

    with gateway.scope("release_manager") as actor:
        return set_licence_policy(actor, **{"name": "House policy", **said})


def test_licences_are_held_against_the_policy_in_force(gateway: Any) -> None:
    guarded(gateway, "licence-policy")
    gateway.post(cyclonedx(licence="GPL-3.0-only"))
    verdict, reason = outcome(gateway)
    assert verdict == "pending" and "No licence policy" in reason
    set_policy(gateway, denied=["AGPL-3.0"])
    assert outcome(gateway)[0] == "pass"
    set_policy(gateway, denied=["GPL-3.0"])
    verdict, reason = outcome(gateway)
    assert verdict == "fail" and "lib0 1.0.0 (GPL-3.0-only)" in reason
    set_policy(gateway, denied=["GPL-3.0"], excepted=["pkg:pypi/lib0", "pkg:pypi/lib1"])
    assert outcome(gateway)[0] == "pass"
    set_policy(gateway, allowed=["MIT"])
    assert outcome(gateway)[0] == "fail"


@pytest.mark.parametrize("unknown", ["deny", "allow"])
def test_a_component_without_a_licence_passes_only_if_the_policy_says_so(gateway: Any, unknown: str) -> None:
    guarded(gateway, "licence-policy")
    bill = json.loads(cyclonedx())
    for component in bill["components"]:
        del component["licenses"]
    gateway.post(coded(bill))
    set_policy(gateway, denied=["AGPL-3.0"], unknown=unknown)
    assert outcome(gateway)[0] == ("pass" if unknown == "allow" else "fail")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"denied": ["Not a licence"]}, "denied"),
        ({"allowed": ["MIT"], "denied": ["MIT"]}, "denied"),
        ({"excepted": ["left-pad"]}, "excepted"),
    ],
)
def test_a_policy_of_nonsense_is_refused(gateway: Any, said: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as caught:
        set_policy(gateway, **said)
    assert caught.value.refusals[0].field == field


@pytest.mark.parametrize(
    ("parameters", "verdict", "word"),
    [
        ({"own_thresholds": False}, "pass", "1000 requests"),
        ({}, "fail", "p(90)<100"),
        ({"own_thresholds": False, "p95": 149}, "fail", "p95 of 150 ms"),
        ({"own_thresholds": False, "p99": 1000}, "fail", "p99"),
        ({"own_thresholds": False, "errors": 0.5}, "fail", "1.00 %"),
        ({"own_thresholds": False, "minimum_requests": 1001}, "fail", "1001 are required"),
        ({"own_thresholds": False, "minimum_rate": 51}, "fail", "50 requests a second"),
    ],
)
def test_a_load_test_is_held_against_its_limits(
    gateway: Any, parameters: dict[str, Any], verdict: str, word: str
) -> None:
    guarded(gateway, "performance", **parameters)
    gateway.post(coded(samples.K6))
    said = outcome(gateway)
    assert said[0] == verdict and word in said[1]


COMMIT = "c" * 40


def statement(seed: str = "1.0.0", **changed: Any) -> dict[str, Any]:
    body = copy.deepcopy(samples.STATEMENT)
    body["subject"][0]["digest"]["sha256"] = digest_of(seed).removeprefix("sha256:")
    return {**body, **changed}


def signed(body: dict[str, Any], key: Any) -> bytes:
    payload, kind = json.dumps(body).encode(), "application/vnd.in-toto+json"
    message = pae(kind, payload)
    signature = (
        key.sign(message) if isinstance(key, Ed25519PrivateKey) else key.sign(message, ECDSA(SHA256()))
    )
    return coded(
        {
            "payloadType": kind,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
        }
    )


def register(gateway: Any, key: Any, builder: str = "") -> Any:
    from governance.actions.supply_chain import register_builder_key

    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with gateway.scope("release_manager") as actor:
        return register_builder_key(actor, name="Builder", public_key=pem, builder=builder)


@pytest.mark.parametrize("make", [Ed25519PrivateKey.generate, lambda: ecdsa_key(SECP256R1())])
def test_provenance_counts_when_a_registered_key_signed_it(gateway: Any, make: Any) -> None:
    key = make()
    guarded(gateway, "provenance")
    assert outcome(gateway)[0] == "pending"
    gateway.post(signed(statement(), key), commit=COMMIT)
    verdict, reason = outcome(gateway)
    assert verdict == "fail" and "unverified" in reason
    registered = register(gateway, key)
    result = gateway.post(signed(statement(), key) + b"\n")
    assert result.summary["verified"] and result.summary["signed_by"] == [registered.fingerprint]
    assert outcome(gateway)[0] == "pass"
    from governance.actions.supply_chain import retire_builder_key

    with gateway.scope("release_manager") as actor:
        retire_builder_key(actor, registered, reason="leaked")
    assert outcome(gateway)[0] == "fail"


def test_a_key_speaks_for_its_own_builder_only(gateway: Any) -> None:
    key = Ed25519PrivateKey.generate()
    register(gateway, key, builder="https://other.example/")
    assert not gateway.post(signed(statement(), key)).summary["verified"]


def test_an_unsigned_statement_and_a_changed_one_are_recorded_as_unverified(gateway: Any) -> None:
    key = Ed25519PrivateKey.generate()
    register(gateway, key)
    assert not gateway.post(coded(statement())).summary["verified"]
    envelope = json.loads(signed(statement(), key))
    other = statement()
    other["predicate"]["runDetails"]["builder"]["id"] = "https://evil.example"
    envelope["payload"] = base64.b64encode(json.dumps(other).encode()).decode()
    assert not gateway.post(coded(envelope)).summary["verified"]


def test_a_statement_about_another_artifact_is_refused(gateway: Any) -> None:
    with pytest.raises(Refused) as caught:
        gateway.post(coded(statement("2.0.0")), "1.0.0")
    assert caught.value.refusals[0].code == "provenance.other_subject"


def test_the_older_predicate_is_read_too(gateway: Any) -> None:
    old = statement(
        predicateType="https://slsa.dev/provenance/v0.2",
        predicate={
            "builder": {"id": "https://ci.example/runner"},
            "invocation": {
                "configSource": {
                    "uri": "git+https://git.example/l",
                    "entryPoint": "ci.yml",
                    "digest": {"sha1": COMMIT},
                }
            },
        },
    )
    result = gateway.post(coded(old))
    assert (result.summary["commit"], result.summary["builder"]) == (COMMIT, "https://ci.example/runner")


def test_the_pipelines_definition_must_be_an_approved_one(gateway: Any) -> None:
    from trains.actions.observations import record_pipeline_run

    key = Ed25519PrivateKey.generate()
    register(gateway, key)
    good, bad = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    guarded(gateway, "provenance", definitions=[good])
    gateway.post(signed(statement(), key), commit=COMMIT)
    assert outcome(gateway)[1].startswith("No pipeline run")
    for number, definition, verdict in ((1, bad, "fail"), (2, good, "pass")):
        with gateway.scope("service_account") as robot:
            record_pipeline_run(
                robot,
                service=gateway.service,
                source="ci",
                external_id=str(number),
                definition_digest=definition,
                commit=COMMIT,
                builder="https://ci.example/runner",
                digest=digest_of("1.0.0"),
            )
        assert outcome(gateway)[0] == verdict


def advise(gateway: Any, body: Any, name: str = "feed.json") -> dict[str, int]:
    from governance.actions.advisories import post_advisories

    data = body if isinstance(body, bytes) else coded(body)
    with gateway.scope("service_account") as robot:
        return post_advisories(robot, file=Upload(name, data), source="OSV")


def osv(
    fixed: str = "1.0.1", name: str = "GHSA-aaaa-bbbb-cccc", package: str = "lib0", **more: Any
) -> dict[str, Any]:
    return {
        "id": name,
        "aliases": ["CVE-2026-1"],
        "summary": "Bad",
        "severity": [{"type": "CVSS_V3", "score": samples.VECTOR}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
        ],
        **more,
    }


def deploy(gateway: Any, seed: str = "1.0.0") -> None:
    from trains.actions.deployments import record_deployment

    with gateway.scope("service_account") as robot:
        record_deployment(
            robot,
            service=gateway.service,
            environment=gateway.production,
            status="succeeded",
            digest=digest_of(seed),
            version=seed,
            source="ci",
            external_id=f"deploy-{seed}",
        )


def test_a_newly_published_vulnerability_ends_the_verdict_of_what_is_deployed(gateway: Any) -> None:
    from governance.queries import verdicts

    guarded(gateway, "composition", denied_licences=[])
    gateway.post(cyclonedx(), "1.0.0")
    deploy(gateway)
    gateway.post(cyclonedx(components=3), "1.1.0")
    done = gateway.evaluate("1.0.0")
    assert done.verdict == "pass"
    said = advise(gateway, [osv(), osv("0.9", "GHSA-none", "lib1")])
    assert (said["created"], said["findings_opened"], said["builds_affected"]) == (2, 1, 2)
    with gateway.scope("auditor"):
        assert not verdicts.stands(done)
        finding = Finding.objects.get()
        assert (finding.severity, finding.package, finding.fixed_in) == ("critical", "pkg:pypi/lib0", "1.0.1")
    assert gateway.evaluate("1.0.0").verdict == "fail"
    again = advise(gateway, [osv(), osv("0.9", "GHSA-none", "lib1")])
    assert (again["created"], again["changed"], again["unchanged"], again["findings_opened"]) == (0, 0, 2, 0)


def test_a_bill_of_materials_that_comes_later_is_matched_and_a_better_one_fixes(gateway: Any) -> None:
    advise(gateway, osv())
    gateway.post(cyclonedx(), "1.0.0")
    (one,) = found(gateway)
    assert (one.state, one.rule) == ("open", "GHSA-aaaa-bbbb-cccc")
    better = json.loads(cyclonedx())
    better["components"][0].update({"version": "1.0.1", "purl": "pkg:pypi/lib0@1.0.1"})
    gateway.post(coded(better), "1.1.0")
    (one,) = found(gateway)
    assert one.state == "fixed"


def test_a_withdrawn_advisory_takes_its_findings_back(gateway: Any) -> None:
    gateway.post(cyclonedx(), "1.0.0")
    advise(gateway, osv())
    said = advise(gateway, osv(withdrawn="2026-03-01T00:00:00Z"))
    assert said["findings_withdrawn"] == 1
    assert found(gateway)[0].state == "false_positive"


def test_feeds_of_other_forms_are_matched(gateway: Any) -> None:
    gateway.post(cyclonedx(), "1.0.0")
    said = advise(gateway, b"id,package,affected,severity,title\nX-1,pkg:pypi/lib0,<2,high,Bad\n", "feed.csv")
    assert said["findings_opened"] == 1
    vex = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "vulnerabilities": [
            {
                "id": "CVE-2026-2",
                "ratings": [{"severity": "low"}],
                "affects": [
                    {
                        "ref": "pkg:pypi/lib1@1.0.0",
                        "versions": [{"range": "vers:pypi/<3", "status": "affected"}],
                    }
                ],
            }
        ],
    }
    assert advise(gateway, vex)["findings_opened"] == 1


@pytest.mark.parametrize(
    ("feed", "where"),
    [
        (b"id,package,affected\nX-1,pkg:pypi/lib0,<2\nX-2,pkg:pypi/lib0,sooner\n", "line 3"),
        (b"id,package\nX-1,lib0\n", "line 2"),
        (b'{"id": "A"}\n{"id": }\n', "line 2"),
        (b'[{"id": "A"}, {"aliases": []}]', "[1].id"),
        (b"[]", "no advisories"),
        (b"colour\nred\n", "columns"),
    ],
)
def test_a_broken_feed_is_refused_whole(gateway: Any, feed: bytes, where: str) -> None:
    with pytest.raises(Refused) as caught:
        advise(gateway, feed)
    assert where in caught.value.refusals[0].sentence
    with gateway.scope("auditor"):
        assert not Advisory.objects.exists()


def test_where_a_library_is_and_runs(gateway: Any) -> None:
    from governance.queries.components import where_is

    gateway.post(cyclonedx(), "1.0.0")
    deploy(gateway)
    with gateway.scope("auditor"):
        for asked in ("lib0", "pkg:pypi/lib0", "pkg:pypi/lib0@9"):
            (place,) = where_is(asked)
            assert [e.name for e in place.environments] == ["production"]
        assert [p.component.version for p in where_is("lib0", ">=1.0, <1.0.1")] == ["1.0.0"]
        assert (
            where_is("lib0", ">1.0") == [] and where_is("lib0", "2.0.0") == [] and where_is("nothing") == []
        )
        assert where_is("lib0", environment=gateway.test) == []
        with pytest.raises(Refused):
            where_is("lib0", ">=")


def test_an_acceptance_that_has_ended_is_open_again(gateway: Any) -> None:
    import time_machine

    from governance.actions.findings import accept
    from governance.scanning import end_acceptances

    gateway.post(report(LIBRARY))
    with gateway.scope("compliance_officer") as actor:
        accept(actor, Finding.objects.get(), reason="Later", until=now() + timedelta(days=1))
    with gateway.scope("auditor"):
        assert end_acceptances() == 0
    with time_machine.travel(now() + timedelta(days=2)), gateway.scope("auditor"):
        assert end_acceptances() == 1
        assert Finding.objects.get().state == "reopened"
