"""Northwind's audit: last quarter's deployments explained, frozen and sampled; an external auditor; packages on schedule."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from governance.actions import auditing, auditors, package_schedules
from governance.models import AuditPopulation, AuditSample, PackageSchedule, PopulationGap, SampledRow
from governance.rules import periods
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now

from .cast import Cast

EXPLANATIONS = {
    PopulationGap.Kind.NOT_WATCHED: "The runtime agent is rolled out service by service; this one follows next quarter.",
    PopulationGap.Kind.NO_CHANGE: "Taken over from the former tool, which kept its change requests elsewhere; see the migration record.",
    PopulationGap.Kind.NO_RELEASE: "Continuous delivery: small changes went out on their own before trains were introduced.",
    PopulationGap.Kind.UNTRACED: "The former pipeline did not report commits.",
    PopulationGap.Kind.UNOBSERVED: "The runtime was replaced by the next version before it was asked.",
    PopulationGap.Kind.UNRECORDED: "Deployed by the vendor under the emergency contract, reported by mail.",
    PopulationGap.Kind.NOT_DEPLOYED: "It only changed configuration that is not deployed.",
}
NOTES = ("Approval, gate and build agree.", "Traced to its commits.", "Deployed in its window.")


def build(cast: Cast) -> None:
    """What an auditor and the people who answer to them did last month."""
    auditor, officer, owner = (cast.one(r) for r in (Role.AUDITOR, Role.COMPLIANCE_OFFICER, Role.OWNER))
    starts, ends = periods.last_over("month", now(), ZoneInfo(cast.organization.time_zone), 1)[0]
    population = auditing.open_population(
        auditor,
        kind=AuditPopulation.Kind.DEPLOYMENTS,
        starts=starts,
        ends=ends,
        purpose="SOX ITGC, change management",
    )
    for kind in population.gaps.order_by().values_list("kind", flat=True).distinct():
        auditing.explain_gaps(officer, population, kind=kind, explanation=EXPLANATIONS[kind])
    population.refresh_from_db()
    population = auditing.freeze_population(auditor, population)
    sample = auditing.draw_sample(
        auditor, population=population, size=25, seed=f"engagement letter {starts:%Y-%m}"
    )
    _conclude(auditor, sample)
    # The current month's changes are still being gone through.
    auditing.open_population(
        auditor,
        kind=AuditPopulation.Kind.CHANGES,
        starts=now() - timedelta(days=30),
        ends=now(),
        purpose="SOX ITGC, change management",
    )
    auditors.invite_auditor(
        owner,
        email="amara.okafor@ledgerandpartners.example",
        firm="Ledger & Partners",
        purpose="Annual audit of IT general controls",
        ends_at=now() + timedelta(days=45),
    )
    package_schedules.create_schedule(officer, name="Every quarter", every=PackageSchedule.Every.QUARTER)


def _conclude(auditor: object, sample: AuditSample) -> None:
    """Half of the rows, one of them an exception: work in progress."""
    for number, row in enumerate(sample.rows.order_by("position")[:9]):
        if number == 4:
            auditing.conclude_row(
                auditor,
                row,
                conclusion=SampledRow.Conclusion.EXCEPTION,
                note="No change request could be shown for this deployment.",
            )
        else:
            auditing.conclude_row(
                auditor, row, conclusion=SampledRow.Conclusion.PASS, note=NOTES[number % len(NOTES)]
            )
