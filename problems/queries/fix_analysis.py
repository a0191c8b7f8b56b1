"""The analysis of fixes over a period: fail rate, recurrence by team and category, patterns, associations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from problems.models import Category, Incident
from problems.rules import fix_analysis as rules
from trains.models import Train

from .fixes import CarriedFix, fix_deployments_of


@dataclass(frozen=True)
class Analysis:
    """What fixes came to."""

    starts: datetime
    ends: datetime
    train: Train | None
    fixes: tuple[CarriedFix, ...]
    fail_rate: rules.Share
    recurrence: rules.Share
    by_team: tuple[rules.Share, ...]
    by_category: tuple[rules.Share, ...]
    patterns: tuple[rules.Share, ...]
    associations: tuple[rules.Association, ...]
    months: tuple[str, ...]
    trend: dict[str, tuple[int, ...]]

    def rows(self, name: str) -> tuple[str, tuple[Any, ...]] | None:
        """(title, ids of deployments) behind a figure that an address names."""
        shares = {"failed": self.fail_rate, "back": self.recurrence}
        shares |= {f"team:{s.name}": s for s in self.by_team}
        shares |= {f"category:{s.name}": s for s in self.by_category}
        shares |= {f"pattern:{s.name}": s for s in self.patterns}
        if name == "all":
            return "Deployments of fixes", tuple(f.id for f in self.fixes)
        found = shares.get(name)
        return (found.name, found.ids) if found else None


def analysis(starts: datetime, ends: datetime, train: Train | None = None) -> Analysis:
    """Everything about fixes that were deployed in [starts, ends)."""
    fixes = fix_deployments_of(starts, ends, train)
    months, trend = _trend(starts, ends, train)
    return Analysis(
        starts,
        ends,
        train,
        tuple(fixes),
        rules.fail_rate(fixes),
        rules.recurrence(fixes, "Fixes after which the problem came back"),
        tuple(rules.by(fixes, lambda f: f.team, rules.recurrence)),
        tuple(rules.by(fixes, lambda f: f.category, rules.fail_rate)),
        tuple(rules.patterns(fixes)),
        tuple(_associations(fixes)),
        months,
        trend,
    )


def _associations(fixes: list[CarriedFix]) -> list[rules.Association]:
    over = [f for f in fixes if f.came_back is not None]
    spaced = [f for f in over if f.days_since_last is not None]
    return [
        rules.association(
            "Scope of the release and recurrence",
            [f.items for f in over],
            [float(bool(f.came_back)) for f in over],
            (
                "Larger releases went with more recurrences.",
                "Larger releases went with fewer recurrences.",
            ),
        ),
        rules.association(
            "Days since the service's last fix and recurrence",
            [f.days_since_last or 0.0 for f in spaced],
            [float(bool(f.came_back)) for f in spaced],
            (
                "Rarer releases went with more recurrences.",
                "Rarer releases went with fewer recurrences.",
            ),
        ),
    ]


def _trend(
    starts: datetime, ends: datetime, train: Train | None
) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    """Incidents by month and category, the most frequent categories."""
    rows = Incident.objects.filter(detected_at__gte=starts, detected_at__lt=ends)
    if train is not None:
        rows = rows.filter(pk__in=Incident.objects.filter(services__service__train=train).values("pk"))
    counted: Counter[tuple[str, str]] = Counter()
    for at, category in rows.values_list("detected_at", "category"):
        counted[category or "unknown", f"{at:%Y-%m}"] += 1
    months = _months(starts, ends)
    totals: Counter[str] = Counter()
    for (category, _), n in counted.items():
        totals[category] += n
    return months, {
        str(Category(name).label): tuple(counted[name, m] for m in months)
        for name, _ in totals.most_common(6)
    }


def _months(starts: datetime, ends: datetime) -> tuple[str, ...]:
    found, year, month = [], starts.year, starts.month
    while (year, month) <= (ends.year, ends.month) and len(found) < 60:
        found.append(f"{year:04d}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return tuple(found)


DEFINITIONS = {
    "fix": "A deployment to production, not a rollback, of a release that fixes a problem; running and cancelled ones left out.",
    "fail_rate": "Failed, rolled back, or accepted as the cause of an incident, of all deployments of fixes.",
    "recurrence": "Fixes whose problem came back in the observation, of those whose observation is over.",
    "patterns": "Causes found behind failed fixes: of incidents laid to them and of validated root causes. A fix can have several.",
    "association": "Spearman's rank correlation with its 95 % interval (Bonett and Wright 2000). It shows what went"
    " together in the past; it does not show a cause.",
}


def as_data(found: Analysis) -> dict[str, Any]:
    """The analysis as plain values."""

    def share(s: rules.Share) -> dict[str, Any]:
        return {
            "name": s.name,
            "count": s.hits,
            "of": s.of,
            "share": s.share,
            "interval": list(s.interval) if s.interval else None,
            "few": s.few,
            "deployments": [str(pk) for pk in s.ids],
        }

    return {
        "from": found.starts,
        "until": found.ends,
        "train": found.train.key if found.train else None,
        "fixes": len(found.fixes),
        "fail_rate": share(found.fail_rate),
        "recurrence": share(found.recurrence),
        "recurrence_by_team": [share(s) for s in found.by_team],
        "fail_rate_by_category": [share(s) for s in found.by_category],
        "patterns": [share(s) for s in found.patterns],
        "associations": [
            {"name": a.name, "rho": a.rho, "low": a.low, "high": a.high, "of": a.of, "sentence": a.sentence}
            for a in found.associations
        ],
        "months": list(found.months),
        "incidents_by_category": {name: list(values) for name, values in found.trend.items()},
        "definitions": DEFINITIONS,
    }
