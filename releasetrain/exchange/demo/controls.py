"""Controls in the demo: a framework with its assessments, documents with approval, retention with a hold and a proposal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.actions import assessments, controls, documents, retention
from governance.models import (
    Control,
    ControlAssessment,
    ControlCatalogue,
    DocumentKind,
    RecordType,
    RetentionPolicy,
)
from releasetrain.accounts.catalogue import Role
from trains.actions import services

_RUNBOOK = """# Runbook

## How to see that it is well
Payments per minute above 400 in working hours, no alert of the group payments.

## Rolling back
Deploy the version before; migrations of the last three releases are reversible.
"""


def build_controls(bank: Any) -> None:
    """What an auditor of the bank would look for first."""
    cast, today = bank.cast, bank.today
    officer, auditor = cast.one(Role.COMPLIANCE_OFFICER), cast.one(Role.AUDITOR)
    for name in ("sox-itgc-change", "eu-dora"):
        controls.load_starter(officer, starter_set=name)
    sox = ControlCatalogue.objects.get(code="sox-itgc-change")
    by_code = {c.code: c for c in Control.objects.filter(catalogue=sox)}
    controls.edit_control(officer, by_code["CM-01"], owner=cast.user(Role.CHANGE_MANAGER))
    _assess(officer, auditor, cast, by_code["CM-03"], today)
    for code, days in (("CM-01", 12), ("CM-05", -3), ("CM-06", 30)):
        assessments.schedule_assessment(
            officer,
            control=by_code[code],
            starts=today - timedelta(days=90),
            ends=today + timedelta(days=1),
            scheduled_for=today + timedelta(days=days),
            assessor=cast.user(Role.AUDITOR),
        )
    _documents(bank, officer)
    for service in bank.services.values():
        services.set_obligations(
            officer, service, jurisdictions=["EU"], frameworks=["eu-dora", "sox-itgc-change"]
        )
    _retention(officer)


def _assess(officer: Any, auditor: Any, cast: Any, control: Control, today: Any) -> None:
    """Concluded as not assessed: the period before this one left no record to draw from."""
    planned = assessments.schedule_assessment(
        officer,
        control=control,
        starts=today - timedelta(days=180),
        ends=today - timedelta(days=90),
        scheduled_for=today - timedelta(days=60),
        assessor=cast.user(Role.AUDITOR),
    )
    planned = assessments.draw_sample(auditor, planned, seed="first-half")
    assessments.conclude_assessment(
        auditor,
        planned,
        conclusion=ControlAssessment.Conclusion.NOT_ASSESSED,
        statement="Gates were introduced after this period; nothing operated that could be looked at.",
    )


def _documents(bank: Any, officer: Any) -> None:
    documents.create_standard_kinds(officer, bank.cast.organization)
    kinds = {k.code: k for k in DocumentKind.objects.all()}
    critical = sorted((s for s in bank.services.values() if s.tier == 1), key=lambda s: s.name)
    for service in critical[:2]:
        written = documents.create_document(bank.lead, kind=kinds["runbook"], service=service, text=_RUNBOOK)
        documents.approve_version(bank.chair, written.versions.get(), decision="Tried in the last exercise.")
    if critical:
        documents.create_document(bank.lead, kind=kinds["dr-plan"], service=critical[0])


def _retention(officer: Any) -> None:
    for record_type, days, framework, jurisdiction, reason in (
        (RecordType.REPORT, 730, "", "", "House rule: two years after the last release with the build."),
        (RecordType.REPORT, 2557, "sox-itgc-change", "US", "Seven years for systems of financial relevance."),
        (RecordType.PACKAGE, 3653, "eu-dora", "EU", "Ten years for evidence of regulated services."),
    ):
        retention.create_policy(
            officer,
            record_type=record_type,
            keep_days=days,
            reason=reason,
            clock=RetentionPolicy.Clock.RELEASED,
            framework=framework,
            jurisdiction=jurisdiction,
            regulated_only=framework != "",
        )
    retention.place_hold(
        officer, title="Payment outage in spring", reason="The regulator asked for all records about it.",
        record_type=RecordType.REPORT,
    )  # fmt: skip
