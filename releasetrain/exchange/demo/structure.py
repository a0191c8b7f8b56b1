"""The structure of the demo bank: couplings, a solution train, a joining team, a pipeline, integration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from planning.actions import integration
from planning.models import Feature, IntegrationPoint
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from trains.actions import milestones, onboarding, pipelines, solutions, teams, train_dependencies
from trains.actions.couplings import record_couplings
from trains.models import ChecklistTopic, Milestone, SolutionMilestone, TrainReadiness
from trains.rules.coupling_rows import CouplingRow

# source, target, kind, strength, note
COUPLINGS = (
    ("acq-settle", "ledger-core", "calls", 14, "postings"),
    ("acq-settle", "ledger-core", "contract", 6, "settlement file"),
    ("merchant-portal", "acq-settle", "calls", 9, "merchant accounts"),
    ("wallet-bff", "ledger-core", "calls", 11, "balances"),
    ("wallet-bff", "push-gateway", "calls", 4, "notifications"),
    ("wallet-bff", "iam-core", "contract", 3, "sign-in"),
    ("ledger-core", "ledger-export", "shared_data", 7, "posting tables"),
    ("risk-rules", "sanctions-screen", "co_change", 12, "rule releases"),
    ("acq-settle", "risk-rules", "calls", 5, "scoring"),
    ("sepa-gw", "ledger-core", "co_change", 8, "posting rules"),
    ("sepa-gw", "acq-settle", "contract", 4, "instant payments"),
    ("loan-servicing", "ledger-core", "shared_data", 9, "instalment postings"),
    ("loan-servicing", "collections", "calls", 8, "overdue instalments"),
    ("loan-servicing", "sepa-gw", "calls", 6, "direct debits"),
    ("loan-origination", "credit-score", "calls", 10, "scores"),
    ("loan-origination", "e-sign", "contract", 3, "contracts"),
    ("loan-origination", "iam-core", "contract", 2, "sign-in"),
    ("credit-score", "risk-rules", "co_change", 10, "shared rule sets"),
    ("credit-score", "sanctions-screen", "calls", 4, "screening"),
    ("collections", "wallet-bff", "calls", 2, "payment links"),
    ("e-sign", "iam-core", "calls", 3, "identities"),
)


# stage, team, hours of waiting before it and of work in it
STAGES = (
    ("Build", "LED", 0.2, 0.4),
    ("Test", "LED", 1.0, 3.5),
    ("Security review", "RSK", 19.0, 2.0),
    ("Release", "PLT", 7.0, 0.6),
)


def build_structure(bank: Any) -> None:
    """Each part as the person whose job it is would enter it."""
    record_couplings(bank.owner, [CouplingRow(*row) for row in COUPLINGS], origin="architecture survey")
    _needs(bank)
    _solution(bank)
    _joining(bank)
    _pipeline(bank)
    _integration(bank)


def _needs(bank: Any) -> None:
    """What the trains asked of each other: one agreed and at risk, one still open."""
    scores = train_dependencies.create_train_dependency(
        bank.rte, provider=bank.lending, consumer=bank.payments, what="Credit limits by customer",
        needed_by=bank.today + timedelta(days=24), owner=bank.cast.user(Role.PRODUCT_MANAGER),
    )  # fmt: skip
    train_dependencies.agree_train_dependency(bank.rte, scores)
    train_dependencies.put_train_dependency_at_risk(
        bank.rte, scores, reason="The scoring team waits for its new data licence."
    )
    train_dependencies.create_train_dependency(
        bank.rte, provider=bank.payments, consumer=bank.lending, what="Instant payout of loans",
        needed_by=bank.today + timedelta(days=40),
    )  # fmt: skip
    feature = Feature.objects.filter(train=bank.payments, title="Instant refunds to wallet").first()
    if feature is not None and feature.state not in ("done", "cancelled"):
        integration.create_train_need(bank.rte, feature=feature, dependency=scores)


def _solution(bank: Any) -> None:
    solution = solutions.create_solution(
        bank.rte, name="Retail bank", trains=[bank.payments, bank.lending],
        description="Payments and lending as one product for private customers.",
    )  # fmt: skip
    solutions.create_solution_increment(
        bank.rte, solution=solution, name="Autumn", starts=bank.pi.starts, ends=bank.pi.ends,
        goal="A loan is paid out within ten seconds of its signature.",
    )  # fmt: skip
    point = solutions.create_solution_milestone(
        bank.rte, solution=solution, name="Loan payout end to end", on=bank.today + timedelta(days=21),
        kind=SolutionMilestone.Kind.INTEGRATION, what="Origination, servicing, SEPA gateway and ledger together.",
    )  # fmt: skip
    state = TrainReadiness.State
    solutions.report_readiness(
        bank.rte,
        point=point,
        train=bank.payments,
        state=state.READY,
        evidence="Demo of the posting API in staging",
    )
    solutions.report_readiness(bank.rte, point=point, train=bank.lending, state=state.AT_RISK)
    solutions.create_solution_milestone(
        bank.rte, solution=solution, name="Supervisor's visit", on=bank.today + timedelta(days=33)
    )


def _joining(bank: Any) -> None:
    """A team that joins the lending train, half way through its checklist."""
    template = onboarding.create_template(
        bank.rte, name="Joining a train",
        compliance=["Segregation of duties is set up for the team", "Data classes of its services are recorded"],
        tooling=["Pipelines post test results and ask the gate", "On-call rotation is staffed"],
        agreements=["Definition of done is accepted", "Dependencies are agreed before PI planning"],
    )  # fmt: skip
    onboarding.add_item(
        bank.rte, template, text="Sits in on one CAB meeting", topic=ChecklistTopic.AGREEMENT, mandatory=False
    )
    team = teams.create_team(bank.rte, train=bank.lending, code="OPB", name="Open Banking", people=6)
    given = team.onboardings.get()
    for item in given.items.order_by("position")[:3]:
        onboarding.settle_item(bank.rte, item, evidence="Checked with the platform team")


def _pipeline(bank: Any) -> None:
    """Six weeks of a pipeline whose changes wait longest for their security review."""
    pipeline = pipelines.create_pipeline(
        bank.rte,
        service=bank.services["ledger-core"],
        stages=[f"{name}:{team}" for name, team, _, _ in STAGES],
    )
    lines = ["stage,run,event,at"]
    first = now().replace(microsecond=0) - timedelta(days=43)
    for run in range(24):
        at = first + timedelta(hours=38 * run)
        for place, (name, _, waiting, working) in enumerate(STAGES):
            # Spread without chance: the same demo every time.
            at += timedelta(hours=waiting * (0.6 + (run * 7 + place * 3) % 10 / 10))
            lines.append(f"{name},8.{run}.0,started,{at.isoformat()}")
            at += timedelta(hours=working * (0.7 + (run * 3 + place) % 7 / 10))
            lines.append(f"{name},8.{run}.0,finished,{at.isoformat()}")
    pipelines.import_events(
        bank.manager, pipeline, file=Upload("stage events.csv", "\n".join(lines).encode())
    )


def _integration(bank: Any) -> None:
    """An integration milestone on what runs in staging, and what features build on outside their teams."""
    milestone = milestones.create_milestone(
        bank.rte, train=bank.payments, name="Refunds end to end", on=bank.today + timedelta(days=16),
        kind=Milestone.Kind.INTEGRATION,
    )  # fmt: skip
    for service, version, contract in (
        ("ledger-core", "8.0.0", False),
        ("wallet-bff", "9.0.0", True),
        ("merchant-portal", "8.0.0", True),
    ):
        integration.create_requirement(
            bank.rte, milestone=milestone, service=bank.services[service], minimum_version=version,
            environment=bank.environments["staging"], contract_tests=contract,
        )  # fmt: skip
    kind = IntegrationPoint.Kind
    points = {
        "Ledger": integration.create_point(
            bank.rte, name="Ledger", kind=kind.SHARED_SERVICE, service=bank.services["ledger-core"]
        ),
        "Customer data platform": integration.create_point(
            bank.rte,
            name="Customer data platform",
            kind=kind.DATA_PLATFORM,
            contact="data-platform@northwind.example",
        ),
        "Card scheme": integration.create_point(
            bank.rte,
            name="Card scheme",
            kind=kind.THIRD_PARTY,
            contact="Scheme relations, scheme@northwind.example",
        ),
    }
    open_ = (
        Feature.objects.filter(train=bank.payments).exclude(state__in=("done", "cancelled")).order_by("key")
    )
    for feature, (name, what) in zip(
        open_, (("Card scheme", "refund messages"), ("Ledger", "reversal entries"), ("Customer data platform", "segments")),
        strict=False,
    ):  # fmt: skip
        link = integration.create_integration(bank.rte, feature=feature, point=points[name], what=what)
        if name == "Ledger":
            integration.agree_integration(bank.rte, link)
