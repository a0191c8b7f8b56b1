"""What the bank's releases are held to and what is said about them; versions, contracts, platforms, joint plans."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from governance.actions.contract_results import post_verification, publish_contract
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from trains.actions import (
    commitments,
    communication,
    compatibility,
    data_migrations,
    incident_plans,
    packaging_limits,
    platforms,
    readiness,
    rollback_criteria,
)
from trains.models import (
    Classification,
    CommitmentChange,
    Comparison,
    DataMigration,
    Environment,
    IncidentDrill,
    IncidentPlanRole,
    MigrationStep,
    ReadinessAnswer,
    Release,
    SkewLimit,
    Walkthrough,
)
from trains.queries.compatibility import running_versions

NEXT = "26.11.0"


def build_releases(bank: Any) -> None:
    """Everything about the next release of the payments train and the one that is out."""
    release = Release.objects.get(train=bank.payments, version=NEXT)
    _versions(bank)
    _contracts(bank)
    _platforms(bank)
    _held_to(bank, release)
    _said(bank, release)
    _migration(bank, release)
    _joint_plan(bank)


def _versions(bank: Any) -> None:
    made = compatibility.create_compatibility_rule
    services = bank.services
    made(
        bank.owner,
        service=services["wallet-bff"],
        requires=services["ledger-core"],
        range=">=8.0.0 <9",
        reason="Posting API v2.",
    )
    made(
        bank.owner, service=services["merchant-portal"], requires=services["acq-settle"], range="^9.0", versions=">=8.2",
        reason="Onboarding writes the new settlement account.",
    )  # fmt: skip
    compatibility.create_skew_limit(
        bank.owner, ahead=bank.environments["staging"], behind=bank.environments["production"],
        part=SkewLimit.Part.MINOR, at_most=3, reason="What is further apart was never tested together.",
    )  # fmt: skip


def _contracts(bank: Any) -> None:
    """Two consumers of the ledger: one verified against the coming build, one not yet."""
    there = running_versions()[Environment.objects.get(name="production").pk]
    ledger = bank.services["ledger-core"]
    for consumer, path, verified in (
        ("wallet-bff", "/refunds", True),
        ("loan-origination", "/postings", False),
    ):
        service = bank.services[consumer]
        published = publish_contract(
            bank.pipeline, consumer_version=there[service.pk], file=Upload("pact.json", _pact(consumer, path)),
            name="Posting API", source="northwind-ci",
        )  # fmt: skip
        for version in (there[ledger.pk], *(("8.14.0",) if verified else ())):
            result = {"success": True, "providerApplicationVersion": version}
            post_verification(
                bank.pipeline, contract=published.contract, consumer_version=there[service.pk],
                file=Upload("verification.json", json.dumps(result).encode()), source="northwind-ci",
                run_url=f"https://ci.northwind.example/ledger-core/{version}/contracts",
            )  # fmt: skip


def _pact(consumer: str, path: str) -> bytes:
    return json.dumps(
        {
            "consumer": {"name": consumer},
            "provider": {"name": "ledger-core"},
            "interactions": [
                {
                    "description": f"a posting to {path}",
                    "request": {"method": "POST", "path": path},
                    "response": {"status": 201},
                }
            ],
            "metadata": {"pactSpecification": {"version": "3.0.0"}},
        }
    ).encode()


def _platforms(bank: Any) -> None:
    signing = platforms.create_platform(
        bank.owner,
        name="Document signing",
        provider=bank.lending,
        service=bank.services["e-sign"],
        contact="#platform-documents",
    )
    identity = platforms.create_platform(
        bank.owner,
        name="Identity",
        provider=bank.payments,
        service=bank.services["iam-core"],
        contact="#platform-iam",
    )
    below = platforms.promise_level(
        bank.owner,
        signing,
        consumer=bank.payments,
        indicator="Availability",
        target=Decimal("99.9"),
        unit="%",
    )
    kept = platforms.promise_level(
        bank.owner, identity, consumer=bank.lending, indicator="Sign-in latency p95", target=Decimal(400), unit="ms",
        comparison=Comparison.AT_MOST,
    )  # fmt: skip
    for days, value in ((6, "99.97"), (4, "99.93"), (2, "99.71"), (1, "99.68")):
        platforms.measure_level(
            bank.pipeline, below, value=Decimal(value), at=now() - timedelta(days=days), source="monitoring"
        )
    platforms.measure_level(
        bank.pipeline, kept, value=Decimal(310), at=now() - timedelta(hours=5), source="monitoring"
    )


def _held_to(bank: Any, release: Release) -> None:
    packaging_limits.create_packaging_limit(
        bank.manager, classification=Classification.FEATURE, at_most=8, train=bank.payments, criticality=1,
        reason="Larger batches on tier 1 services failed twice as often last year.",
    )  # fmt: skip
    rollback_criteria.add_criterion(
        bank.manager, release, indicator="Settlement file rejected by the scheme", success="Accepted within one hour",
        threshold=Decimal(0), unit="files", window_minutes=60,
    )  # fmt: skip
    readiness.assess_readiness(bank.manager, release, due_on=bank.today + timedelta(days=6))
    answers = {
        ReadinessAnswer.Topic.COVERAGE: ("yes", "Coverage check of the production gate"),
        ReadinessAnswer.Topic.ROLLBACK: ("yes", "Rehearsed in staging, 11 minutes"),
        ReadinessAnswer.Topic.RUNBOOK: ("partial", "Refund runbook updated, posting runbook in review"),
    }
    for asked in ReadinessAnswer.objects.filter(release=release):
        if asked.topic in answers:
            answer, evidence = answers[ReadinessAnswer.Topic(asked.topic)]
            readiness.answer_readiness(
                bank.manager, asked, answer=ReadinessAnswer.Answer(answer), evidence=evidence
            )


def _said(bank: Any, release: Release) -> None:
    drafted = communication.generate_brief(
        bank.manager, release=release, downtime="Transfers wait up to five minutes during the switch; nothing is lost.",
        downtime_starts=_evening(bank.today + timedelta(days=9)), downtime_ends=_evening(bank.today + timedelta(days=9), 20),
    )  # fmt: skip
    communication.edit_brief(
        bank.manager, drafted,
        impact="Refunds arrive within ten seconds instead of two days. Shops need to do nothing.",
    )  # fmt: skip
    communication.generate_notes(bank.manager, release=release)
    notes = communication.generate_notes(bank.manager, release=bank.done)
    communication.edit_notes(
        bank.manager, notes, public_resolved="Payments are no longer declined after a device change.",
        limitations="Onboarding documents larger than 10 MB are not accepted yet.",
    )  # fmt: skip
    communication.publish_notes(bank.manager, notes)
    log = communication.create_public_log(
        bank.manager, train=bank.payments, product="Northwind Payments", slug="payments"
    )
    communication.open_public_log(bank.manager, log)
    support = communication.plan_walkthrough(
        bank.manager, release=release, audience=Walkthrough.Audience.SUPPORT, starts_at=now() + timedelta(days=3),
        place="Support room and call", facilitator=bank.cast.user(Role.PRODUCT_MANAGER),
        attendees=[bank.cast.user(Role.PROBLEM_MANAGER), bank.cast.user(Role.TEAM_MEMBER)],
    )  # fmt: skip
    communication.ask_question(
        bank.product, support, question="What do we tell customers whose refund is older than the switch?"
    )
    commitments.create_commitment_change(
        bank.manager, release=release, customer="Halden Retail Group", contract="Acquiring agreement, annex 4",
        change="Refund files are delivered by interface at once, no longer as a file on the next day.", notice_days=5,
        legal=bank.cast.user(Role.COMPLIANCE_OFFICER), account=bank.cast.user(Role.BUSINESS_OWNER),
    )  # fmt: skip
    commitments.acknowledge_commitment(
        bank.cast.one(Role.COMPLIANCE_OFFICER),
        CommitmentChange.objects.get(release=release),
        note="Annex 4 allows it with notice.",
    )


def _evening(day: date, minutes: int = 0) -> datetime:
    return datetime.combine(day, time(21), tzinfo=now().tzinfo) + timedelta(minutes=minutes)


def _migration(bank: Any, release: Release) -> None:
    starts = _evening(bank.today + timedelta(days=9))
    migration: DataMigration = data_migrations.create_data_migration(
        bank.manager, train=bank.payments, release=release, title="Balances to the snapshot store", source_system="ledger database",
        target_system="snapshot store", cutover_starts=starts, cutover_ends=starts + timedelta(hours=3),
        fallback="Read balances from the ledger again: one switch, two minutes.",
        after_no_return="Correct forward from the journal; restore takes four hours.",
    )  # fmt: skip
    kind = MigrationStep.Kind
    production = bank.environments["production"]
    steps: tuple[dict[str, Any], ...] = (
        {"title": "Copy closed months", "kind": kind.COPY, "minutes": 240},
        {
            "title": "Follow the journal", "kind": kind.SYNCHRONISE, "waits_for_service": bank.services["ledger-core"],
            "waits_for_version": ">=8.14.0", "waits_in": production,
        },
        {
            "title": "Compare balances", "kind": kind.VERIFY, "minutes": 15, "expected": "0",
            "verification_query": "SELECT count(*) FROM balances b JOIN snapshots s USING (account) WHERE b.amount <> s.amount",
        },
        {"title": "Read from the snapshot store", "kind": kind.SWITCH, "minutes": 5},
        {"title": "Drop the old columns", "kind": kind.CLEAN_UP, "point_of_no_return": True},
    )  # fmt: skip
    for step in steps:
        data_migrations.add_migration_step(bank.manager, migration, **step)


def _joint_plan(bank: Any) -> None:
    plan = incident_plans.create_incident_plan(
        bank.owner, title="Payments and lending are both affected", trains=[bank.payments, bank.lending],
        trigger="Postings are late or lost, or identity is down.", bridge="Call 4711, channel #major-incident",
        standby_bridge="Telephone conference of the operations centre", steps="Declare; assemble; stop deployments; inform the regulator.",
    )  # fmt: skip
    duty = IncidentPlanRole.Duty
    for kind, role, contact in (
        (duty.COMMANDER, Role.RTE, "Pager 100"),
        (duty.OPERATIONS, Role.RELEASE_MANAGER, "Pager 120"),
        (duty.COMMUNICATION, Role.BUSINESS_OWNER, "Pager 140"),
    ):
        incident_plans.assign_plan_role(
            bank.owner, plan, duty=kind, contact=contact, person=bank.cast.user(role)
        )
    incident_plans.record_drill(
        bank.rte, plan, held_on=bank.today - timedelta(days=70), scenario="Ledger loses one site during month end",
        outcome=IncidentDrill.Outcome.GAPS, findings="The lending on-call number was out of date.", minutes_to_assemble=14,
    )  # fmt: skip
