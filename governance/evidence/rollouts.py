"""Rollouts and rollbacks of several services in packages: steps, analyses, commands with their answers, who authorised what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from trains.models import (
    CanaryAnalysis,
    CanaryConfig,
    RollbackPlan,
    Rollout,
    RolloutCommand,
    StagedPath,
)
from trains.rules.staged_paths import stored

from .collect import Entry, Subject, collector, shown


@collector("trains.rollouts")
def rollouts(subject: Subject) -> Iterator[Entry]:
    """How traffic was moved: the path and who let it go back by itself, every command and confirmation, what was judged."""
    chosen = Rollout.objects.filter(
        Q(release__in=subject.releases) | Q(deployment__in=subject.deployments)
    ).order_by("pk")
    noted = list(chosen.values_list("analyses", flat=True))
    yield from subject.records(chosen)
    yield from subject.records(RolloutCommand.objects.filter(rollout__in=chosen))
    yield from subject.records(StagedPath.objects.filter(pk__in=chosen.values("path")))
    named = [each["analysis"] for analyses in noted for each in analyses]
    judged = CanaryAnalysis.objects.filter(Q(pk__in=named) | Q(release__in=subject.releases))
    yield from subject.records(judged)
    used = Q(pk__in=judged.values("config")) | Q(pk__in=chosen.values("config"))
    yield from subject.records(CanaryConfig.objects.filter(used))
    yield from subject.records(RollbackPlan.objects.filter(release__in=subject.releases))


def _label(value: Any) -> str:
    """What people call a reference; other values as they are."""
    return str(value.get("label") or value.get("name") or "") if isinstance(value, dict) else str(value or "")


def _steps(data: dict[str, Any]) -> list[list[str]]:
    """One row for each step, with what its analyses said."""
    rows = []
    for number, step in enumerate(stored(data["steps"]), 1):
        said = [
            f"{a['key']}: {a['verdict']}, {a['score']:g}" for a in data["analyses"] if a["step"] == number
        ]
        reached = data["state"] == Rollout.State.COMPLETED or number <= data["step"]
        rows.append(
            [
                f"{data['key']} {_label(data['service'])} {data['version']}",
                f"{number}. {step}",
                "; ".join(said) or ("not judged" if not step.judged else "no analysis"),
                "reached" if reached else "not reached",
                data["state"],
                data["reason"],
            ]
        )
    return rows


def _rollout(data: dict[str, Any]) -> str:
    if data["state"] == Rollout.State.HELD:
        return "This rollout is held."
    return "This version was taken back." if data["state"] == Rollout.State.ROLLED_BACK else ""


def _command(data: dict[str, Any]) -> str:
    return {
        RolloutCommand.State.AWAITING: "The platform has not confirmed it.",
        RolloutCommand.State.REFUSED: "The platform refused it.",
    }.get(data["state"], "")


shown(
    "rollout",
    "Rollouts",
    order=119,
    columns=(("Rollout", ""), ("Step", ""), ("Analyses", ""), ("Came to", ""), ("State", ""), ("Why", "")),
    lines=_steps,
    attention=_rollout,
)
shown(
    "rolloutcommand",
    "Commands to the platform",
    order=120,
    columns=(
        ("Rollout", "rollout"),
        ("No.", "number"),
        ("Command", "act"),
        ("Traffic, %", "weight"),
        ("Sent", "issued_at"),
        ("State", "state"),
        ("Answered", "answered_at"),
        ("By", "answered_by"),
    ),
    sort="issued_at",
    attention=_command,
)
shown(
    "stagedpath",
    "Staged paths",
    order=121,
    columns=(
        ("Path", "name"),
        ("Judged by", "config"),
        ("Goes back by itself: authorised by", "authorised_by"),
        ("At", "authorised_at"),
    ),
)
shown(
    "canaryanalysis",
    "Canary analyses",
    order=122,
    columns=(
        ("Analysis", "key"),
        ("Service", "service"),
        ("Configuration", "config"),
        ("Verdict", "verdict"),
        ("Score", "score"),
        ("Why", "reason"),
        ("Judged", "judged_at"),
    ),
    sort="judged_at",
    attention=lambda data: "" if data["verdict"] == "pass" else f"The verdict is {data['verdict']}.",
)
shown(
    "canaryconfig", "Canary configurations", order=123, columns=(("Configuration", "key"), ("Name", "name"))
)
shown(
    "rollbackplan",
    "Rollback plans",
    order=124,
    columns=(("Plan", "key"), ("Environment", "environment"), ("State", "state")),
)
