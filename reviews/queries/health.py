"""The quarterly health report: findings of all reviews, counted so that nobody can be told from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from statistics import median
from typing import Any

from problems.models import Category
from reviews.models import ActionItem, CaseStudy, ImprovementProposal, Review, ReviewCause
from reviews.rules.anonymity import Counts, K, at_least, share


@dataclass(frozen=True)
class Quarter:
    """A quarter of a calendar year."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"

    @property
    def starts(self) -> datetime:
        return datetime.combine(date(self.year, 3 * self.number - 2, 1), time(0), tzinfo=UTC)

    @property
    def after(self) -> Quarter:
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def before(self) -> Quarter:
        return Quarter(self.year - (self.number == 1), (self.number - 2) % 4 + 1)

    @property
    def ends(self) -> datetime:
        return self.after.starts


def quarter_of(day: date) -> Quarter:
    return Quarter(day.year, (day.month - 1) // 3 + 1)


def read_quarter(text: str) -> Quarter | None:
    """2026-Q4; None where it is none."""
    year, found, number = text.strip().upper().partition("-Q")
    if not found or number not in ("1", "2", "3", "4") or not (year.isdigit() and len(year) == 4):
        return None
    return Quarter(int(year), int(number)) if 1900 < int(year) < 2200 else None


@dataclass(frozen=True)
class Health:
    """What a quarter's reviews came to. Figures of fewer than k reviews are None."""

    quarter: Quarter
    reviews: int | None
    in_time: float | None
    days: float | None
    kinds: Counts
    handoff: Counts
    process_wide: float | None
    actions_done: float | None
    helped: float | None
    applied: float | None
    studies: list[CaseStudy]


def health(quarter: Quarter) -> Health:
    """The report of a quarter, in a fixed number of queries."""
    closed = Review.objects.filter(closed_at__gte=quarter.starts, closed_at__lt=quarter.ends)
    times = list(closed.values_list("created_at", "closed_at", "due_at"))
    causes = list(
        ReviewCause.objects.filter(review__in=closed, state=ReviewCause.State.SUPPORTED).values_list(
            "review_id", "category", "process_wide", "handoff"
        )
    )
    labels = dict(Category.choices)
    # A review counts once for each kind: counts are of reviews, so k is a number of reviews too.
    kinds = Counter(labels[c] for _, c in {(r, c) for r, c, _, _ in causes})
    gaps = dict(ReviewCause.Handoff.choices)
    handoffs = Counter(str(gaps[h]) for _, h in {(r, h) for r, _, _, h in causes if h})
    wide = {r for r, _, w, _ in causes if w}
    actions = list(
        ActionItem.objects.filter(
            due_on__gte=quarter.starts.date(), due_on__lt=quarter.ends.date()
        ).values_list("state", "settled_at", "due_on", "worked")
    )
    done = sum(
        s == ActionItem.State.DONE and at is not None and at.date() <= due for s, at, due, _ in actions
    )
    checked = [worked for *_, worked in actions if worked is not None]
    proposals = list(
        ImprovementProposal.objects.filter(
            decided_at__gte=quarter.starts, decided_at__lt=quarter.ends
        ).values_list("state", flat=True)
    )
    reviews = len(times)
    found_in = len({r for r, *_ in causes})
    return Health(
        quarter=quarter,
        reviews=reviews if reviews >= K or not reviews else None,
        in_time=share(sum(closed_at <= due for _, closed_at, due in times), reviews),
        days=round(median((end - start).total_seconds() / 86_400 for start, end, _ in times), 1)
        if reviews >= K
        else None,
        kinds=at_least(kinds),
        handoff=at_least(handoffs),
        process_wide=share(len(wide), found_in),
        actions_done=share(done, len(actions)),
        helped=share(sum(checked), len(checked)),
        applied=share(proposals.count(ImprovementProposal.State.APPLIED), len(proposals)),
        studies=list(
            CaseStudy.objects.filter(
                state=CaseStudy.State.PUBLISHED,
                published_at__gte=quarter.starts,
                published_at__lt=quarter.ends,
            ).order_by("-published_at")
        ),
    )


FIGURES: tuple[tuple[str, str, str], ...] = (
    ("in_time", "Reviews closed in time", "Of those closed in the quarter, by their due time."),
    (
        "process_wide",
        "Findings beyond one release",
        "Reviews with a cause that reaches into the way of working.",
    ),
    ("actions_done", "Actions done in time", "Of those due in the quarter."),
    ("helped", "Actions that helped", "Of those whose effect somebody else than the owner checked."),
    ("applied", "Proposals applied", "Of those answered in the quarter."),
)


def as_data(found: Health) -> dict[str, Any]:
    """The report as plain data: no names, no keys, no texts of single reviews."""

    def counts(rows: Counts) -> dict[str, Any]:
        return {"groups": rows.groups, "total": rows.total, "withheld": rows.withheld}

    return {
        "quarter": str(found.quarter),
        "k": K,
        "reviews": found.reviews,
        "median_days_to_close": found.days,
        **{
            name: None if getattr(found, name) is None else round(getattr(found, name), 4)
            for name, *_ in FIGURES
        },
        "kinds_of_causes": counts(found.kinds),
        "handoff_gaps": counts(found.handoff),
        "case_studies": [{"key": s.key, "title": s.title} for s in found.studies],
    }
