"""Findings: recognised again, fixed and reopened by scans, decided by people; ten thousand in seconds."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from governance.models import Finding, FindingOccurrence
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import cyclonedx, sarif

CHECK = {"kind": "static-analysis", "name": "check", "max_age_hours": 10_000 / 24}


def states(gateway: Any) -> dict[str, str]:
    with gateway.scope("auditor"):
        return dict(Finding.objects.order_by("rule").values_list("rule", "state"))


def one(gateway: Any, rule: str) -> Finding:
    with gateway.scope("auditor"):
        return Finding.objects.get(rule=rule)


def decide(gateway: Any, verb: str, rule: str, role: str = "compliance_officer", **said: Any) -> Any:
    from governance.actions import findings

    with gateway.scope(role) as actor:
        return getattr(findings, verb)(actor, one(gateway, rule), **said)


def test_later_scans_of_the_same_tool_fix_and_reopen(gateway: Any) -> None:
    gateway.post(sarif(("A", "error"), ("B", "warning")), "1.0.0")
    assert states(gateway) == {"A": "open", "B": "open"}
    gateway.post(sarif(("B", "warning"), ("C", "note")), "1.1.0")
    assert states(gateway) == {"A": "fixed", "B": "open", "C": "open"}
    gateway.post(sarif(("A", "error"), ("B", "warning")), "1.2.0")
    assert states(gateway) == {"A": "reopened", "B": "open", "C": "fixed"}
    with gateway.scope("auditor"):
        assert Finding.objects.count() == 3
        assert FindingOccurrence.objects.count() == 6
        assert [h.state for h in one(gateway, "A").history.order_by("history_id")] == [
            "open",
            "fixed",
            "reopened",
        ]


def test_another_tool_an_old_build_and_a_failed_scan_fix_nothing(gateway: Any) -> None:
    gateway.post(sarif(("A", "error")), "1.0.0")
    gateway.post(sarif(("A", "error"), ("B", "error")), "1.1.0")
    gateway.post(sarif(tool="Semgrep"), "1.1.0")
    gateway.post(sarif(ok=False), "1.1.0")
    gateway.post(sarif(), "1.0.0")  # a rescan of what has been replaced
    assert states(gateway) == {"A": "open", "B": "open"}


def test_parts_of_a_scan_in_several_files_stand_side_by_side(gateway: Any) -> None:
    gateway.post(sarif(("A", "error")), source="backend")
    gateway.post(sarif(("B", "error")), source="frontend")
    assert states(gateway) == {"A": "open", "B": "open"}
    gateway.post(sarif(), "1.1.0", source="frontend")
    assert states(gateway) == {"A": "open", "B": "fixed"}


def test_a_fixed_finding_still_counts_in_the_build_that_has_it(gateway: Any) -> None:
    gateway.publish(CHECK)
    gateway.post(sarif(("A", "error")), "1.0.0")
    gateway.post(sarif(), "1.1.0")
    assert states(gateway) == {"A": "fixed"}
    assert gateway.evaluate("1.0.0").verdict == "fail"
    assert gateway.evaluate("1.1.0").verdict == "pass"


def test_a_new_vulnerability_in_an_old_build_ends_its_verdict(gateway: Any) -> None:
    from governance.queries import verdicts

    gateway.publish({"kind": "composition", "name": "check", "max_age_hours": 24})
    gateway.post(cyclonedx())
    done = gateway.evaluate()
    assert done.verdict == "pass"
    gateway.post(cyclonedx({"id": "CVE-2", "severity": "critical"}))
    with gateway.scope("auditor"):
        assert not verdicts.stands(done)
    assert gateway.evaluate().verdict == "fail"


def test_an_accepted_risk_does_not_count_until_it_ends(gateway: Any) -> None:
    gateway.publish(CHECK)
    gateway.post(sarif(("A", "error")))
    assert gateway.evaluate().verdict == "fail"
    until = now() + timedelta(days=2)
    decide(gateway, "accept", "A", reason="Behind the firewall", until=until)
    done = gateway.evaluate()
    assert (done.verdict, done.valid_until) == ("pass", until)
    with time_machine.travel(until + timedelta(seconds=1), tick=False):
        assert gateway.evaluate().verdict == "fail"


def test_false_positives_do_not_count_and_can_be_taken_back(gateway: Any) -> None:
    gateway.publish(CHECK)
    gateway.post(sarif(("A", "error")))
    decide(gateway, "mark_false_positive", "A", reason="Test data")
    assert gateway.evaluate().verdict == "pass"
    gateway.post(sarif(("A", "error")), "1.1.0")
    assert states(gateway) == {"A": "false_positive"}  # the decision holds for later scans
    decide(gateway, "reopen", "A", reason="It was none")
    assert gateway.evaluate().verdict == "fail"


def test_a_triaged_finding_still_counts(gateway: Any) -> None:
    gateway.publish(CHECK)
    gateway.post(sarif(("A", "error")))
    decide(gateway, "triage", "A", assessment="Being fixed")
    assert gateway.evaluate().verdict == "fail"


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_an_acceptance_must_end_in_good_time(gateway: Any, days: int) -> None:
    gateway.post(sarif(("A", "error")))
    with pytest.raises(Refused) as caught:
        decide(gateway, "accept", "A", reason="r", until=now() + timedelta(days=days))
    assert caught.value.status == 422


def test_pipelines_and_release_managers_decide_nothing(gateway: Any) -> None:
    gateway.post(sarif(("A", "error")))
    for role in ("service_account", "release_manager", "auditor"):
        with pytest.raises(Refused) as caught:
            decide(gateway, "mark_false_positive", "A", role=role, reason="r")
        assert caught.value.status == 403


def test_due_dates_follow_severity(gateway: Any) -> None:
    gateway.post(sarif(("A", "error"), ("B", "none")))
    high, info = one(gateway, "A"), one(gateway, "B")
    assert high.due_at - high.first_seen_at == timedelta(days=30)
    assert info.due_at is None


def test_ten_thousand_findings_in_seconds(gateway: Any) -> None:
    results = [
        {
            "ruleId": f"R{n % 97}",
            "level": ("error", "warning", "note")[n % 3],
            "message": {"text": f"finding {n}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"src/f{n}.py"},
                        "region": {"startLine": n + 1},
                    }
                }
            ],
        }
        for n in range(10_000)
    ]

    def report(rows: list[Any]) -> bytes:
        run = {
            "tool": {"driver": {"name": "Big"}},
            "results": rows,
            "invocations": [{"executionSuccessful": True}],
        }
        return json.dumps({"version": "2.1.0", "runs": [run]}).encode()

    gateway.artifact("1.0.0")
    spent = []
    for seed, rows in (
        ("1.0.0", results),
        ("1.1.0", [*results[100:], {**results[0], "message": {"text": "new"}}]),
    ):
        started = time.perf_counter()
        gateway.post(report(rows), seed)
        spent.append(time.perf_counter() - started)
    print(f"10 000 findings: first scan {spent[0]:.1f} s, next scan {spent[1]:.1f} s")
    assert max(spent) < 60  # a bound against quadratic work; the figure itself belongs to the benchmarks
    with gateway.scope("auditor"):
        assert Counter(Finding.objects.values_list("state", flat=True)) == {"open": 9_901, "fixed": 100}
