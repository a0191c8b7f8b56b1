"""The demo's quality: what is done, how risky features are, how they are tested, and debt from production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.actions import definition, features, reports, splitting, strategy, tiering
from planning.models import Feature, ReportSource, TestLevel
from planning.queries.definition import standing
from problems.actions import debt as problem_debt
from problems.models import Problem
from releasetrain.accounts.catalogue import Role

if TYPE_CHECKING:
    from .bank import Bank

DONE = """Acceptance criteria shown to the product manager
Reviewed by somebody who did not write it
Runbook and rollback updated
Monitored in production, with an owner for its alerts"""
MORE = {
    "LED": "Postings reconciled against the general ledger",
    "RSK": "Model drift checked on last month's cases\nAlert volumes agreed with operations",
}
# (title, data, users, authentication, third party, regulation)
RISKS: tuple[tuple[str, str, str, str, str, list[str]], ...] = (
    ("Settlement file v3 for SEPA Instant", "internal", "everybody", "none", "existing", ["sox"]),
    ("Fraud model v7 in shadow", "personal", "many", "none", "none", ["gdpr"]),
    ("Refund status timeline", "none", "many", "none", "none", []),
)
STRATEGY = (
    (TestLevel.UNIT, "Amounts, rounding and cut-off times of the file", True, True),
    (TestLevel.CONTRACT, "The scheme's validator accepts every message type", True, True),
    (TestLevel.INTEGRATION, "File from ledger to gateway on a day of real volume", True, False),
    (TestLevel.ACCEPTANCE, "Operations settle a day with the new file", False, False),
)
TICKETS = (
    (
        ReportSource.SUPPORT_TICKET,
        "SUP-20881",
        "Refund status shows yesterday's state",
        4,
        3,
        "Merchants call twice for every refund.",
    ),
    (
        ReportSource.MONITORING,
        "alert/ledger-queue-depth",
        "Posting queue grows past its limit at month-end",
        4,
        5,
        "Payments wait for hours at month-end.",
    ),
    (
        ReportSource.USER_REPORT,
        "survey/2026-q4/17",
        "Chargeback form forgets what was typed",
        3,
        2,
        "Agents type it twice.",
    ),
)


def build(bank: Bank) -> None:
    """Everything by the person whose job it is."""
    _definition(bank)
    _risks(bank)
    _strategy(bank)
    for source, reference, title, likelihood, impact, risk in TICKETS:
        reports.take_report(
            bank.pipeline if source == ReportSource.MONITORING else bank.manager,
            train=bank.payments,
            source=source,
            reference=reference,
            title=title,
            likelihood=likelihood,
            impact=impact,
            business_risk=risk,
            url=f"https://desk.northwind.example/{reference}",
        )
    problem_debt.create_debt(
        bank.cast.one(Role.PROBLEM_MANAGER),
        Problem.objects.get(title="Ledger times out when month-end postings pile up"),
        business_risk="A month-end outage stops all payments for an hour and breaks the scheme's service level.",
    )
    big = Feature.objects.filter(train=bank.payments, state="funnel", points__gt=8).order_by("key").first()
    if big is not None:
        half = (big.points or 0) // 2
        splitting.split_feature(
            bank.product,
            big,
            pattern="workflow",
            parts=[
                {"title": f"{big.title}: the shortest way through", "points": (big.points or 0) - half},
                {"title": f"{big.title}: the exceptions", "points": half},
            ],
        )


def _definition(bank: Bank) -> None:
    definition.publish_definition(
        bank.rte, train=bank.payments, lines=DONE, note="Agreed in the last retrospective."
    )
    for code, lines in MORE.items():
        definition.add_for_team(bank.rte, team=bank.teams[code], lines=lines)
    member = bank.cast.one(Role.TEAM_MEMBER)
    for feature in Feature.objects.filter(train=bank.payments, state="in_progress").order_by("key"):
        for each in standing(feature)[:2]:
            definition.mark_done(member, feature, line=each.line, evidence="Seen in the system demo.")


def _risks(bank: Bank) -> None:
    for title, data, users, signing_in, third_party, regimes in RISKS:
        feature = Feature.objects.filter(train=bank.payments, title=title).exclude(state="done").first()
        if feature is None:
            continue
        tiering.classify_feature(
            bank.product,
            feature,
            data_sensitivity=data,
            user_impact=users,
            authentication=signing_in,
            third_party=third_party,
            regulatory_scope=regimes,
        )
        features.refine_feature(bank.lead, feature)
        for requirement in feature.requirements.filter(kind="review"):
            tiering.meet_requirement(
                bank.lead, requirement, evidence="https://git.northwind.example/reviews/481"
            )


def _strategy(bank: Bank) -> None:
    feature = bank.features["Settlement file v3 for SEPA Instant"]
    author = bank.cast.one(Role.TEAM_MEMBER)
    made = strategy.write_for_feature(
        author,
        feature,
        approach="The file moves money once a day: whatever breaks must break before the cut-off.",
    )
    for level, what, automated, in_place in STRATEGY:
        line = strategy.add_line(
            author, made, level=level, what=what, automated=automated, team=bank.teams["ACQ"]
        )
        if in_place:
            strategy.put_in_place(author, line, evidence="https://ci.northwind.example/acq-settle/tests")
    strategy.agree_strategy(bank.quality, made)
