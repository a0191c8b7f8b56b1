"""The bank's gates in depth: rules of production, a sign-off, an advisory gate with a replay, a waiver, a queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance import evaluating, replaying
from governance.actions import gates, promotion, replays, sign_offs, waivers
from governance.models import EnvironmentRule, Gate
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from trains.models import Environment, Release, Service

STRICTER: list[dict[str, Any]] = [
    {"kind": "test-results", "name": "tests", "parameters": {"minimum_tests": 100}, "max_age_hours": 720},
    {"kind": "coverage", "name": "coverage", "parameters": {"minimum": 85}, "max_age_hours": 720},
    {
        "kind": "expression",
        "name": "small-and-tested",
        "parameters": {
            "expression": "release != null && items.size() <= 12 && tests.failed == 0"
            " && items.all(i, i.classification != 'hotfix' || i.tier <= 2)",
            "says": "At most twelve items, no failing test, hotfixes only of tier 1 or 2",
        },
        "max_age_hours": 24,
    },
    {"kind": "sign-off", "name": "operations", "parameters": {"topic": "operations"}, "max_age_hours": 336},
    {"kind": "rollback-plan", "name": "rollback-plan", "parameters": {}, "max_age_hours": 720},
]

# What the history of deployments alone can be asked about.
ON_TRIAL: list[dict[str, Any]] = [
    {"kind": "failure-history", "name": "few-failures", "parameters": {"days": 30, "most": 0}},
    {"kind": "freeze", "name": "no-freeze", "parameters": {}},
]


def build_gates(bank: Any) -> None:
    """Rules before production, who waits there, and what a stricter gate would have said."""
    production = Environment.objects.filter(kind=Environment.Kind.PRODUCTION).order_by("name").first()
    release = Release.objects.filter(train=bank.payments).order_by("-created_at").first()
    if production is None or release is None:
        return
    promotion.set_environment_rule(
        bank.rte,
        environment=production,
        at_once=4,
        tags=[EnvironmentRule.Tag.STAGED],
        open_problems="flag",
        quorum="flag",
        reason="Agreed after the review of the last incident.",
    )
    for name in ("ledger", "card-authorisation", *bank.services)[:4]:
        service = Service.objects.filter(name=name).first()
        if service is not None:
            promotion.request_turn(bank.pipeline, service=service, environment=production)
    sign_offs.give_sign_off(
        bank.chair,
        release=release,
        topic="operations",
        statement="Runbook and alerts were walked through with the operations desk.",
    )
    stricter = gates.create_gate(
        bank.manager,
        name="Stricter gate on trial",
        environment=production,
        train=bank.payments,
        description="Advisory: shown beside the binding gate until it has proved itself.",
        advisory=True,
        checks=STRICTER,
    )
    asked = gates.evaluate_gate(bank.manager, gate=stricter, release=release)
    evaluating.work_off(bank.cast.organization.pk, asked.pk)
    replay = replays.replay_gate(bank.manager, stricter, checks=ON_TRIAL, days=365, most=200)
    replaying.work_off(bank.cast.organization.pk, replay.pk)
    _waive(bank, bank.gate, release)


def _waive(bank: Any, gate: Gate, release: Any) -> None:
    version = gate.current_version
    named = next((c["name"] for c in version.checks if c["kind"] == "pending-reviews"), "") if version else ""
    if not named:
        return
    waiver = waivers.request_waiver(
        bank.manager,
        gate=gate,
        release=release,
        check=named,
        reason="The review of the last incident waits for the supplier's report.",
        risk="Its findings may concern this release too.",
        mitigation="The supplier's engineer stands by during the deployment.",
        expires_at=now() + timedelta(days=6),
    )
    waivers.grant_waiver(
        bank.cast.one(Role.COMPLIANCE_OFFICER), waiver, decision="Acceptable with the engineer standing by."
    )
