"""The demo's portfolio: goals, a scoring model, endorsements, shares of capacity, demand, a trade-off, a review."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from planning.actions import (
    endorsements,
    investment,
    quarterly_reviews,
    scoring,
    scoring_models,
    themes,
    trade_offs,
)
from planning.models import Feature, ProposalState, QuarterlyReview, Theme
from planning.rules.quarters import quarter_of
from releasetrain.accounts.catalogue import Role
from trains.models import ProgramIncrement, Train

from .cast import Cast

# Features that were scored by several people, with how far each is off the agreed user-business value.
SCORED = (
    ("Mule account network view", (8, 20)),
    ("Savings pots", (13, 13)),
    ("Chargeback evidence assistant", (5, 13)),
)
IMPACTS = {"Mule account network view": 13, "Secrets rotation without restart": 8, "Savings pots": 1}
DEMAND = (
    {
        "Epic ID": "PF-201",
        "Name": "Request to pay",
        "Sponsor": "Retail Banking",
        "Investment type": "New features",
        "Size": 13,
    },
    {
        "Epic ID": "PF-207",
        "Name": "Retire the fax gateway",
        "Sponsor": "Operations",
        "Investment type": "Technical debt",
        "Size": 5,
    },
    {
        "Epic ID": "PF-212",
        "Name": "Verification of payee",
        "Sponsor": "Compliance",
        "Investment type": "Compliance",
        "Size": 8,
    },
)


def _goals(product: Any, train: Train, today: date) -> None:
    """Goals of the quarter; the last one is served by nothing yet."""
    quarter = quarter_of(today)
    stated = [
        themes.create_quarterly_goal(
            product, train=train, quarter=quarter, title=title, kind=kind, measure=measure
        )
        for title, kind, measure in (
            ("Money arrives at once", "customer", "95 % of refunds within ten seconds"),
            ("Twice the volume at the same cost", "cost", "Cost of a posting"),
            ("Win three acquiring contracts", "revenue", "Signed contracts"),
        )
    ]
    listed = Theme.objects.filter(train=train).order_by("created_at")
    for theme, goal in zip(listed, stated, strict=False):
        themes.edit_theme(product, theme, quarterly_goal=goal)


def _endorsed(cast: Cast, features: dict[str, Feature]) -> None:
    """High-impact features need a business owner's word; one was withdrawn, and flags its release."""
    endorsements.create_endorsement_rule(
        cast.one(Role.COMPLIANCE_OFFICER), name="High value at high risk", value=13, tier=2
    )
    owner = cast.one(Role.BUSINESS_OWNER)
    for title, why in (
        ("Passkey sign-in", "Half of support calls are about passwords."),
        ("Velocity rules for refunds", "Refund fraud doubled this year."),
    ):
        endorsements.endorse_feature(owner, features[title], statement=why)
    endorsements.withdraw_endorsement(
        owner,
        features["Velocity rules for refunds"],
        reason="The pilot blocks two of a hundred honest refunds.",
    )


def build_portfolio(cast: Cast, train: Train, pi: ProgramIncrement, today: date) -> None:
    """What a product manager and the executives look at."""
    product, rte, owner = (cast.one(r) for r in (Role.PRODUCT_MANAGER, Role.RTE, Role.BUSINESS_OWNER))
    _goals(product, train, today)
    features = {f.title: f for f in Feature.objects.filter(train=train)}
    _endorsed(cast, features)
    for title, values in SCORED:
        feature = features[title]
        for actor, value in zip((owner, rte), values, strict=True):
            scoring.score_feature(
                actor, feature, value=value, time_criticality=feature.time_criticality or 1,
                risk_reduction=feature.risk_reduction or 1, job_size=feature.job_size or 1,
            )  # fmt: skip
    model = scoring_models.create_scoring_model(
        product, train=train, name="Regulated growth", purpose="Weighs what the regulator asks for beside the value.",
        criteria=[
            {"title": "Business value", "weight": 3, "source": "value"},
            {"title": "Risk exposure", "weight": 2, "source": "tier"},
            {"title": "Regulatory impact", "weight": 2},
            {"title": "Job size", "weight": 1, "direction": "cost", "source": "job_size"},
        ],
    )  # fmt: skip
    for title, number in IMPACTS.items():
        scoring_models.agree_rating(
            product, features[title], model=model, values={"regulatory_impact": number}
        )
    investment.create_standard_buckets(product, train=train)
    investment.set_allocation(
        rte,
        pi,
        shares={"New features": 50, "Enablers": 25, "Maintenance": 5, "Technical debt": 5, "Compliance": 15},
    )
    investment.import_demand_rows(product, train=train, rows=list(DEMAND))
    _decision(product, rte, train, features, today)
    _review(cast, product, rte, train, features, today)


def _decision(product: Any, rte: Any, train: Train, features: dict[str, Feature], today: date) -> None:
    made = trade_offs.create_trade_off(
        product, train=train, title="Partition the ledger before or after instant refunds",
        question="Both need the same two people of Ledger Core.",
        criteria=["Customer impact", "Cost"],
        options=[
            {"name": "Partition first", "stability": 5, "velocity": 2, "scores": {"Customer impact": 2, "Cost": 3},
             "note": "Month-end stays calm; refunds wait an iteration."},
            {"name": "Refunds first", "stability": 2, "velocity": 5, "scores": {"Customer impact": 5, "Cost": 3},
             "note": "The scheme's date is safe; month-end carries the old risk once more."},
        ],
        items=[features["Balance snapshots every 15 minutes"]],
    )  # fmt: skip
    trade_offs.decide_trade_off(
        rte, made, decision="Partition first", rationale="Three outages in nine months came from month-end.",
        review_on=today + timedelta(days=42), accelerated=[features["Partition ledger table by month"]],
        deferred=[features["Instant refunds to wallet"]],
    )  # fmt: skip


def _review(
    cast: Cast, product: Any, rte: Any, train: Train, features: dict[str, Feature], today: date
) -> None:
    executive = cast.user(Role.EXECUTIVE)
    review = quarterly_reviews.create_quarterly_review(
        rte, train=train, quarter=quarter_of(today), held_on=today, reviewers=[executive, cast.user(Role.BUSINESS_OWNER)],
        agenda="Where we stand. What we propose. What we decide.",
    )  # fmt: skip
    quarterly_reviews.open_quarterly_review(rte, review)
    review = QuarterlyReview.objects.get(pk=review.pk)
    pots = features["Savings pots"]
    smaller = quarterly_reviews.propose(
        product,
        review,
        title="Cut savings pots to round-ups",
        text="Half the value for a quarter of the size.",
        feature=pots,
    )
    quarterly_reviews.propose(
        product,
        review,
        title="Add a second quarter for the acquiring contracts",
        text="No theme serves this goal yet.",
    )
    quarterly_reviews.decide_proposal(
        rte,
        smaller,
        decision=ProposalState.ACCEPTED,
        rationale="Learn before building the rest.",
        decided_by=executive,
    )
    scoring.agree_score(
        product, Feature.objects.get(pk=pots.pk), value=8, time_criticality=3, risk_reduction=1, job_size=5
    )
