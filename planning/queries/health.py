"""How a train meets, follows its actions through, and sees itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Max

from planning.models import Assessment, AssessmentScore, Ceremony, CeremonyAction, CeremonyKind
from planning.rules.health import FollowThrough, follow_through
from trains.models import Team, Train

SHOWN_ASSESSMENTS = 4
LOOKED_BACK = timedelta(days=84)


@dataclass(frozen=True, slots=True)
class TeamHealth:
    """A team with its assessments, the oldest first: (assessment, score by dimension)."""

    team: Team
    rounds: tuple[tuple[Assessment, dict[str, int]], ...]


@dataclass(frozen=True, slots=True)
class Held:
    """How often one kind of ceremony was held lately, and when last."""

    kind: str
    label: str
    count: int
    last: Any


def teams(train: Train) -> list[TeamHealth]:
    """Every team with its latest assessments; three queries however many teams."""
    listed = list(train.teams.order_by("name"))
    rounds: dict[Any, list[Assessment]] = {}
    for each in Assessment.objects.filter(team__train=train).order_by("-held_on"):
        rounds.setdefault(each.team_id, []).append(each)
    kept = {team.pk: rounds.get(team.pk, [])[:SHOWN_ASSESSMENTS][::-1] for team in listed}
    ids = [each.pk for several in kept.values() for each in several]
    scores: dict[Any, dict[str, int]] = {}
    for each in AssessmentScore.objects.filter(assessment_id__in=ids):
        scores.setdefault(each.assessment_id, {})[each.dimension] = each.score
    return [TeamHealth(team, tuple((a, scores.get(a.pk, {})) for a in kept[team.pk])) for team in listed]


def held(train: Train, today: date) -> list[Held]:
    """Each kind of ceremony over the last twelve weeks, those never held too."""
    rows = Ceremony.objects.filter(train=train, held_at__date__gte=today - LOOKED_BACK)
    found = {
        kind: (count, last)
        for kind, count, last in rows.order_by()
        .values_list("kind")
        .annotate(n=Count("id"), last=Max("held_at"))
    }
    return [Held(kind.value, str(kind.label), *found.get(kind.value, (0, None))) for kind in CeremonyKind]


def actions_of(train: Train, today: date) -> tuple[list[CeremonyAction], FollowThrough]:
    """Open actions, the most urgent first, and how well actions are followed through."""
    rows = CeremonyAction.objects.filter(ceremony__train=train)
    done = follow_through(rows.values_list("due_on", "state", "finished_on"), today)
    open_ = rows.filter(state="open").select_related("owner", "ceremony").order_by("due_on")[:50]
    return list(open_), done
