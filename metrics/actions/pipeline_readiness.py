"""Pipelines as a question of a release's readiness, answered from what they reported."""

from __future__ import annotations

from typing import Annotated, Any

from metrics.models import StageRun
from metrics.queries.pipelines import health
from metrics.rules.pipelines import Health
from releasetrain.audit.doorway import action, register_effect
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from trains.actions.readiness import answer_readiness, create_readiness_question
from trains.models import ReadinessAnswer, Release, Service

QUESTION = "Are the pipelines of its services steady?"
WEIGHT, DAYS, FAILING, FLAKY = 2, 14, 20.0, 5.0
_ANSWERS = {
    "pass": ReadinessAnswer.Answer.YES,
    "fail": ReadinessAnswer.Answer.NO,
    "pending": ReadinessAnswer.Answer.OPEN,
}


def services_of(release: Release) -> list[Service]:
    """The services whose builds it carries; before there are any, those of its train."""
    carried = Service.objects.filter(release_artifacts__release=release)
    return list(carried.distinct()) or list(Service.objects.filter(train=release.train_id))


@action("release.assess_pipelines", on=Release, requires="releases.manage", label="Assess pipelines")
def assess_pipelines(
    actor: Actor,
    release: Release,
    *,
    days: Annotated[int, Field("Within days", min=1, max=366)] = DAYS,
    failing: Annotated[float, Field("Most failing attempts", "In percent.", min=0, max=100)] = FAILING,
    flaky: Annotated[
        float, Field("Most flaky failures", "In percent of all attempts.", min=0, max=100)
    ] = FLAKY,
) -> ReadinessAnswer:
    """Ask whether the pipelines of its services are steady, and answer it by what they reported. Too little leaves it open."""
    services = services_of(release)
    if not services:
        refuse("pipelines.services", f"{release} carries no build, and its train has no service.")
    found = health([s.pk for s in services], now(), days, most_failing=failing, most_flaky=flaky)
    return _answered(actor, release, found, days)


def _answered(actor: Actor, release: Release, found: Health, days: int) -> ReadinessAnswer:
    asked = ReadinessAnswer.objects.filter(release=release, question=QUESTION).first()
    asked = asked or create_readiness_question(actor, release=release, question=QUESTION, weight=WEIGHT)
    evidence = f"Last {days} days: {found.reason}"
    answered: ReadinessAnswer = answer_readiness(
        actor, asked, answer=_ANSWERS[found.verdict], evidence=evidence
    )
    return answered


def with_the_standard_questions(actor: Actor, release: Release, params: Any) -> None:
    """Where pipelines report their runs, the standard questions include theirs, answered already."""
    services = services_of(release)
    if StageRun.objects.filter(service__in=[s.pk for s in services]).exists():
        found = health([s.pk for s in services], now(), DAYS, most_failing=FAILING, most_flaky=FLAKY)
        _answered(actor, release, found, DAYS)


register_effect("release.assess_readiness", with_the_standard_questions)
