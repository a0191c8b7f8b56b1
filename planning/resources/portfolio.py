"""The faces of goals, endorsements, investment, demand, trade-offs and quarterly reviews."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from planning.models import (
    BucketShare,
    Demand,
    Endorsement,
    EndorsementRule,
    InvestmentBucket,
    QuarterlyGoal,
    QuarterlyReview,
    QuarterlyReviewer,
    ReviewProposal,
    TradeOff,
    TradeOffItem,
)
from planning.pages.demand import demand_list
from planning.pages.goals import goal_list
from planning.pages.quarterly_review import review_page
from planning.pages.trade_off import trade_off_list, trade_off_page
from releasetrain.interface import navigation
from releasetrain.interface.navigation import Place
from releasetrain.interface.resources import Filter, Resource, register
from releasetrain.kernel.clock import now

navigation.register(
    Place(
        "goals",
        "Goals",
        "target",
        "quarterly-goals/coverage/",
        113,
        "Plan",
        "Quarterly goals and their coverage",
    )
)
navigation.register(Place("demand", "Demand", "download", "demands/", 114, "Plan", "Demand of the portfolio"))
navigation.register(
    Place("trade-offs", "Trade-offs", "gavel", "trade-offs/", 115, "Plan", "Trade-off decisions")
)
navigation.register(
    Place("quarterly-reviews", "Quarterly reviews", "review", "quarterly-reviews/", 116, "Plan")
)


def _due(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(state="decided", review_on__lte=now().date()) if value == "yes" else rows


def _live(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(withdrawn_at__isnull=value == "live")


register(
    Resource(
        QuarterlyGoal,
        plural="quarterly-goals",
        section="goals",
        columns=("key", "title", "kind", "quarter", "train", "measure", "dropped_at"),
        filters=("train", "quarter", "kind"),
        search=("key", "title", "measure"),
        order=("-quarter", "title"),
        list_template="planning/goals.html",
        list_context=goal_list,
        description="State what a train is to reach in a quarter; themes carry it into the backlog.",
    )
)
register(
    Resource(
        EndorsementRule,
        plural="endorsement-rules",
        section="backlog",
        columns=("name", "train", "tier", "value", "points", "kinds", "retired_at"),
        filters=("train",),
        search=("name",),
        order=("name",),
        description="Without a rule, no feature needs an endorsement.",
    )
)
register(
    Resource(
        Endorsement,
        plural="endorsements",
        section="backlog",
        columns=("feature", "endorsed_by", "endorsed_at", "statement", "withdrawn_at", "withdrawn_reason"),
        filters=(
            Filter("standing", "Standing", _live, (("live", "Live"), ("withdrawn", "Withdrawn"))),
            "feature",
            "endorsed_by",
        ),
        search=("feature__key", "feature__title", "statement"),
        order=("-endorsed_at",),
        part_of=lambda endorsement: endorsement.feature,
        description="A business owner endorses a feature on its page.",
    )
)
register(
    Resource(
        InvestmentBucket,
        plural="investment-buckets",
        section="backlog",
        columns=("name", "train", "kinds", "position"),
        filters=("train",),
        search=("name",),
        order=("train__key", "position", "name"),
        description="Give the train its standard buckets, or add your own.",
    )
)
register(
    Resource(
        BucketShare,
        plural="bucket-shares",
        section="board",
        columns=("pi", "bucket", "percent"),
        filters=("pi", "bucket"),
        order=("-pi__starts", "bucket__position"),
        part_of=lambda share: share.pi,
    )
)
register(
    Resource(
        Demand,
        plural="demands",
        section="demand",
        columns=(
            "key",
            "external_id",
            "title",
            "train",
            "requester",
            "bucket",
            "points",
            "wanted_by",
            "state",
            "feature",
        ),
        filters=("state", "train", "bucket"),
        search=("key", "external_id", "title", "requester"),
        order=("-created_at",),
        list_template="planning/demands.html",
        list_context=demand_list,
        description="Import it from a portfolio tool, by CSV or REST.",
    )
)
register(
    Resource(
        TradeOff,
        plural="trade-offs",
        section="trade-offs",
        columns=("key", "title", "train", "state", "decision", "decided_by", "decided_at", "review_on"),
        filters=(Filter("due", "Review due", _due, (("yes", "Due"),)), "state", "train"),
        search=("key", "title", "question", "rationale"),
        order=("-created_at",),
        template="planning/trade_off.html",
        context=trade_off_page,
        list_template="planning/trade_offs.html",
        list_context=trade_off_list,
        description="Record the options before you choose one.",
    )
)
register(
    Resource(
        TradeOffItem,
        plural="trade-off-items",
        section="trade-offs",
        columns=("trade_off", "feature", "effect"),
        filters=("trade_off", "feature", "effect"),
        order=("-created_at",),
        part_of=lambda item: item.trade_off,
    )
)
register(
    Resource(
        QuarterlyReview,
        plural="quarterly-reviews",
        section="quarterly-reviews",
        columns=("key", "train", "quarter", "held_on", "state", "before_at", "after_at"),
        filters=("train", "quarter", "state"),
        search=("key", "quarter", "agenda"),
        order=("-held_on",),
        template="planning/quarterly_review.html",
        context=review_page,
        hidden=("before", "after"),
        description="Prepare one with the executives who decide.",
    )
)
register(
    Resource(
        QuarterlyReviewer,
        plural="quarterly-reviewers",
        section="quarterly-reviews",
        columns=("review", "person"),
        filters=("review", "person"),
        order=("created_at",),
        part_of=lambda reviewer: reviewer.review,
    )
)
register(
    Resource(
        ReviewProposal,
        plural="review-proposals",
        section="quarterly-reviews",
        columns=("title", "review", "feature", "state", "decided_by", "decided_at"),
        filters=("review", "state", "feature"),
        search=("title", "text", "rationale"),
        order=("-created_at",),
        part_of=lambda proposal: proposal.review,
    )
)
