"""The bank's CMDB with its drift, and what makes its next release fit for production."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from governance.actions import compliance, configuration_audits, readiness, threats
from governance.models import FlagKind, ReadinessReview, ThreatModel
from governance.models.compliance import Function, Point, Regime, SecurityMethod, Stride
from governance.models.readiness import Attribute
from governance.queries.compliance import stops_of
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from trains.actions import configuration_baselines as baselines
from trains.actions.configuration_import import import_rows
from trains.actions.configuration_observations import post_observations
from trains.models import Comparison, ConfigurationItem, Release
from trains.queries.drift import drift_of

from .releases import NEXT

_SERVICES = ("ledger-core", "acq-settle", "risk-rules", "merchant-portal", "wallet-bff")
_REST = (
    ("ledger-db", "Ledger database", "database", 1, {"engine": "postgresql", "version": "16.4", "tls": "1.3"}),
    ("settle-db", "Settlement database", "database", 1, {"engine": "postgresql", "version": "16.4", "tls": "1.3"}),
    ("payments-bus", "Payments message bus", "middleware", 1, {"retention_hours": 72, "replicas": 3}),
    ("cluster-a", "Cluster Frankfurt A", "container", 1, {"nodes": 12, "version": "1.31"}),
    ("cluster-b", "Cluster Frankfurt B", "container", 1, {"nodes": 12, "version": "1.31"}),
    ("hsm", "Key store of the card schemes", "server", 1, {"firmware": "7.4.2"}),
    ("edge", "Edge load balancer", "network", 2, {"tls": "1.3", "waf": True}),
    ("archive", "Document archive", "storage", 3, {"encrypted": True}),
)  # fmt: skip
_RELATIONS = (
    ("ledger-core", "depends_on", "ledger-db"),
    ("ledger-core", "depends_on", "payments-bus"),
    ("acq-settle", "depends_on", "settle-db"),
    ("acq-settle", "depends_on", "ledger-core"),
    ("acq-settle", "depends_on", "hsm"),
    ("risk-rules", "depends_on", "payments-bus"),
    ("merchant-portal", "depends_on", "acq-settle"),
    ("merchant-portal", "depends_on", "archive"),
    ("wallet-bff", "depends_on", "ledger-core"),
    ("wallet-bff", "depends_on", "risk-rules"),
    ("ledger-db", "runs_on", "cluster-a"),
    ("settle-db", "runs_on", "cluster-b"),
    ("payments-bus", "runs_on", "cluster-a"),
    ("edge", "provides", "merchant-portal"),
    ("edge", "provides", "wallet-bff"),
)


def build_readiness(bank: Any) -> None:
    """Configuration first, then what the next release is asked for."""
    release = Release.objects.get(train=bank.payments, version=NEXT)
    officer = bank.cast.one(Role.COMPLIANCE_OFFICER)
    _configuration(bank)
    _drift(bank, officer)
    baselines.freeze_baseline(bank.manager, release=release, name="Instant refunds as planned")
    _reviews(bank, officer)
    _requirements(bank)
    _touches(bank, officer, release)
    configuration_audits.open_audit(
        bank.manager, release=release, environment=bank.environments["production"]
    )


def _configuration(bank: Any) -> None:
    running = {name: service for name, service in bank.services.items() if name in _SERVICES}
    rows = [
        {
            "id": name,
            "name": name,
            "kind": "application",
            "criticality": str(service.tier),
            "regulated": service.regulated or name in ("ledger-core", "acq-settle"),
            "service": name,
            "team": service.team.code if service.team else "",
            "attributes": {"replicas": 3, "tls": "1.3"},
        }
        for name, service in running.items()
    ]
    rows += [
        {"id": key, "name": name, "kind": kind, "criticality": str(tier), "attributes": attributes}
        for key, name, kind, tier, attributes in _REST
    ]
    known = {row["id"] for row in rows}
    relations = [
        {"source": a, "kind": kind, "target": b} for a, kind, b in _RELATIONS if a in known and b in known
    ]
    import_rows(bank.rte, items=rows, relations=relations, source="cmdb")


def _drift(bank: Any, officer: Any) -> None:
    """A scanner saw everything this morning: a database behind, a bus with two replicas, and a host nobody knows."""
    states = [
        {"id": item.external_id, "state": {**item.should_be()}}
        for item in ConfigurationItem.objects.order_by("key")
    ]
    for state in states:
        if state["id"] == "archive":
            state["state"]["encrypted"] = False
        if state["id"] == "payments-bus":
            state["state"]["replicas"] = 2
    states.append(
        {"id": "jump-17", "name": "jump-17.payments.northwind.example", "state": {"os": "Debian 11"}}
    )
    post_observations(
        bank.pipeline, source="config-scanner", states=states, observed_at=now() - timedelta(hours=3)
    )
    bus = ConfigurationItem.objects.get(external_id="payments-bus")
    (found,) = drift_of([bus], now()).found
    baselines.tolerate_drift(
        officer,
        bus,
        fingerprint=found.difference.fingerprint,
        until=now() + timedelta(days=12),
        reason="The third node waits for its disks; two keep the quorum until they arrive.",
    )


def _reviews(bank: Any, officer: Any) -> None:
    """Checklists for the two upper tiers; one review stands, one is being answered."""
    for tier in (1, 2):
        readiness.create_checklist(officer, tier=tier)
    for name, evidence in (("ledger-core", "wiki/payments/ledger-core/readiness"), ("wallet-bff", "")):
        service = bank.services[name]
        if service.tier > 2:
            continue
        review = readiness.open_review(bank.manager, service=service)
        for row in review.answers[: None if evidence else 4]:
            review = readiness.answer_review(
                bank.manager,
                review,
                question=row["key"],
                answer="partial" if row["key"] == "site-loss" else "yes",
                evidence=f"{evidence or 'wiki/wallet'}#{row['key']}",
            )
        if evidence:
            readiness.submit_review(bank.manager, review)
            readiness.sign_off_review(
                officer,
                ReadinessReview.objects.get(pk=review.pk),
                statement="Dashboards, runbook and the restore of 4 November were shown to me.",
            )


def _requirements(bank: Any) -> None:
    """Measured weekly by load tests: one kept, one missed, one whose last measurement is too old."""
    state = readiness.create_requirement
    ledger = bank.services["ledger-core"]
    state(
        bank.rte, service=ledger, attribute=Attribute.PERFORMANCE, indicator="posting time p95", target=Decimal(250),
        unit="ms", method="k6: 200 users post for ten minutes against staging.", metric="http_req_duration.p(95)",
    )  # fmt: skip
    state(
        bank.rte, service=ledger, attribute=Attribute.SCALABILITY, indicator="postings per second", target=Decimal(900),
        comparison=Comparison.AT_LEAST, unit="/s", method="The same run at full rate.", metric="postings.rate",
    )  # fmt: skip
    recovery = state(
        bank.rte, service=bank.services["acq-settle"], attribute=Attribute.RECOVERABILITY, indicator="restore time", target=Decimal(60),
        unit="min", method="Restore last night's backup into an empty cluster and compare sums.", max_age_days=90,
    )  # fmt: skip
    for week in range(8, 0, -1):
        report = {
            "metrics": {
                "http_req_duration": {"values": {"p(95)": 205 + (week * 7) % 23}},
                "postings": {"values": {"rate": 960 - 12 * (8 - week)}},
            }
        }
        readiness.post_load_report(
            bank.pipeline,
            service=ledger,
            file=Upload("summary.json", json.dumps(report).encode()),
            at=now() - timedelta(days=7 * week - 5),
            source="k6",
            external_id=f"ledger-core/{week}",
        )
    readiness.measure_requirement(
        bank.pipeline, recovery, value=Decimal(47), at=now() - timedelta(days=120), source="restore-drill"
    )


def _touches(bank: Any, officer: Any, release: Release) -> None:
    """What the next release touches, and what was done about it."""
    made = compliance.create_checkpoint
    for point, function in ((Point.APPROVAL, Function.PRIVACY), (Point.DEPLOYMENT, Function.LEGAL)):
        made(officer, regime=Regime.GDPR, point=point, function=function, role=Role.COMPLIANCE_OFFICER)
    passkeys = release.items.filter(title__startswith="Passkey").first()
    say = compliance.raise_flag
    say(
        bank.product,
        kind=FlagKind.GDPR,
        release=release,
        reason="Refunds show the payer's name to the merchant.",
    )
    if passkeys is not None:
        say(bank.lead, kind=FlagKind.AUTHENTICATION, item=passkeys, reason="It replaces the password.")
        say(
            bank.lead, kind=FlagKind.COMPLEX, item=passkeys, reason="Three parties take part in each sign-in."
        )
        _threat_model(bank, officer, passkeys)
    for row in release.artifacts.select_related("artifact"):
        compliance.post_security_test(
            bank.pipeline,
            digest=row.artifact.digest,
            method=SecurityMethod.DAST,
            tool="zap 2.15",
            summary="Full scan of staging, signed in as merchant and as payer.",
            source="northwind-ci",
            external_id=f"zap/{row.artifact.digest[7:19]}",
        )
    stops = [c for c in stops_of(release) if c.checkpoint.point == Point.APPROVAL]
    for stop in stops:
        compliance.sign_checkpoint(
            officer,
            release=release,
            checkpoint=stop.checkpoint,
            statement="The name is shown only to the merchant who was paid; the record of processing says so.",
        )


def _threat_model(bank: Any, officer: Any, passkeys: Any) -> None:
    model = threats.create_threat_model(
        bank.lead,
        title="Sign-in with passkeys",
        backlog_item=passkeys.source_key,
        release=passkeys.release,
        elements=[
            {"name": "Browser", "kind": "actor", "boundary": "Internet"},
            {"name": "Sign-in service", "kind": "process", "boundary": "Bank"},
            {"name": "Key register", "kind": "store", "boundary": "Bank"},
        ],
        assumptions="Devices keep their private keys in hardware.",
    )
    for element, category, title, severity, control, state, evidence in (
        ("Browser", Stride.SPOOFING, "A look-alike site asks for a sign-in", 1, "Keys are bound to the bank's origin", "verified", "case 14"),
        ("Sign-in service", Stride.DENIAL, "Challenges are asked for without end", 2, "Limit by account and address", "implemented", ""),
        ("Key register", Stride.TAMPERING, "A key is added to a stolen session", 1, "Step-up before a key is added", "implemented", ""),
    ):  # fmt: skip
        threats.add_threat(
            bank.lead,
            ThreatModel.objects.get(pk=model.pk),
            element=element,
            category=category,
            title=title,
            severity=severity,
            controls=[{"title": control, "state": state, "evidence": evidence}],
        )
    threats.submit_threat_model(bank.lead, ThreatModel.objects.get(pk=model.pk))
    threats.approve_threat_model(
        officer,
        ThreatModel.objects.get(pk=model.pk),
        conclusion="Complete for this release; again with account recovery.",
    )
