"""A guarded production environment, builds, and reports about them, for tests of gates."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from releasetrain.kernel.fields import Upload
from releasetrain.tenancy.scope import tenant_scope


def junit(passed: int = 3, failed: int = 0, name: str = "suite") -> bytes:
    cases = [f'<testcase classname="{name}" name="t{n}"/>' for n in range(passed)]
    cases += [
        f'<testcase classname="{name}" name="f{n}"><failure message="no"/></testcase>' for n in range(failed)
    ]
    return f'<testsuite name="{name}" tests="{passed + failed}" failures="{failed}">{"".join(cases)}</testsuite>'.encode()


def lcov(covered: int, total: int) -> bytes:
    lines = [f"DA:{n},{1 if n <= covered else 0}" for n in range(1, total + 1)]
    return ("TN:\nSF:src/a.py\n" + "\n".join(lines) + f"\nLF:{total}\nLH:{covered}\nend_of_record\n").encode()


def sarif(*findings: tuple[str, str], tool: str = "Bandit", ok: bool = True) -> bytes:
    """Findings as (rule, level)."""
    results = [
        {
            "ruleId": rule,
            "level": level,
            "message": {"text": f"{rule} found"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"src/{rule}.py"},
                        "region": {"startLine": 4},
                    }
                }
            ],
            "partialFingerprints": {
                "primaryLocationLineHash": hashlib.sha256(rule.encode()).hexdigest()[:16]
            },
        }
        for rule, level in findings
    ]
    run = {
        "tool": {"driver": {"name": tool}},
        "results": results,
        "invocations": [{"executionSuccessful": ok}],
    }
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


def cyclonedx(*vulnerabilities: dict[str, Any], licence: str = "MIT", components: int = 2) -> bytes:
    """`vulnerabilities` as {"id", "severity", "state"?}, all in the first component."""
    listed = [
        {
            "type": "library",
            "name": f"lib{n}",
            "version": "1.0.0",
            "purl": f"pkg:pypi/lib{n}@1.0.0",
            "bom-ref": f"lib{n}",
            "licenses": [{"license": {"id": licence}}],
        }
        for n in range(components)
    ]
    found = [
        {
            "id": v["id"],
            "ratings": [{"severity": v["severity"]}],
            "affects": [{"ref": "lib0"}],
            **({"analysis": {"state": v["state"]}} if "state" in v else {}),
        }
        for v in vulnerabilities
    ]
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "components": listed,
            "vulnerabilities": found,
        }
    ).encode()


def digest_of(seed: str) -> str:
    return "sha256:" + hashlib.sha256(seed.encode()).hexdigest()


TESTS = {
    "kind": "test-results",
    "name": "unit-tests",
    "parameters": {"minimum_tests": 2},
    "max_age_hours": 24,
}


class Gateway:
    """Northwind's payments train with a gate before production; every method acts in the scope of its own."""

    def __init__(self, cast: Any, checks: list[dict[str, Any]] | None = None):
        from governance.actions.gates import create_gate
        from trains.actions.environments import create_environment
        from trains.actions.services import create_service
        from trains.actions.trains import create_train
        from trains.models import Environment

        self.cast = cast
        with self.scope("rte") as rte:
            self.train = create_train(rte, key="PAY", name="Payments", cadence_start=date(2026, 1, 5))
            self.service = create_service(rte, name="ledger", train=self.train, tier=1)
            self.test = create_environment(rte, name="test", kind=Environment.Kind.TEST)
            self.production = create_environment(rte, name="production", kind=Environment.Kind.PRODUCTION)
        with self.scope("release_manager") as manager:
            self.gate = create_gate(
                manager, name="Ready for production", environment=self.production, checks=checks or [TESTS]
            )

    def scope(self, role: str) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def entered() -> Any:
            with tenant_scope(self.cast.organization.pk, self.cast[role]):
                yield self.cast[role]

        return entered()

    def post(
        self,
        content: bytes,
        seed: str = "1.0.0",
        name: str = "report",
        role: str = "service_account",
        **said: Any,
    ) -> Any:
        from governance.actions.results import post_result

        with self.scope(role) as actor:
            return post_result(
                actor,
                digest=digest_of(seed),
                file=Upload(name, content),
                service=self.service,
                version=seed,
                **said,
            )

    def artifact(self, seed: str = "1.0.0") -> Any:
        from trains.actions.artifacts import register_artifact

        with self.scope("service_account") as actor:
            return register_artifact(actor, service=self.service, digest=digest_of(seed), version=seed)

    def publish(self, *checks: dict[str, Any]) -> Any:
        from governance.actions.gates import publish_version

        with self.scope("release_manager") as actor:
            return publish_version(actor, self.gate, checks=list(checks), note="test")

    def evaluate(self, seed: str = "1.0.0", role: str = "service_account") -> Any:
        """Ask, and do the worker's part at once; the settled evaluation."""
        from governance.actions.gates import evaluate_gate
        from governance.evaluating import work_off
        from governance.models import Evaluation

        artifact = self.artifact(seed)
        with self.scope(role) as actor:
            evaluation = evaluate_gate(actor, gate=self.gate, artifact=artifact)
        work_off(self.cast.organization.pk, evaluation.pk)
        with self.scope(role):
            return Evaluation.objects.select_related("gate", "gate_version", "environment").get(
                pk=evaluation.pk
            )

    def check(self, evaluation: Any, name: str) -> dict[str, Any]:
        return next(c for c in evaluation.checks if c["name"] == name)
