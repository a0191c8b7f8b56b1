"""Checks of the way through the stages: nothing skips one, high risk takes the staged path, and not too many at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.models import Evaluation, Gate, Verdict
from governance.queries.promotion import as_turn, rule_of, running_in, stages_before, turn_of, waiting_for
from governance.queries.subjects import Subject, gates_before, subject_of
from governance.rules.turns import standing
from trains.models import Artifact, Classification, Deployment, Environment

from .context import CheckContext
from .parameters import Parameter, flag
from .registry import Outcome, check, failed, passed, pending

LOOK_AGAIN = timedelta(seconds=60)
_FIXES = (Classification.PROBLEM_FIX, Classification.HOTFIX)


@check(
    "lower-stage",
    title="Stage before passed",
    parameters={
        "every": flag("Every stage before", False, "Without it: the nearest stage that has a binding gate."),
        "deployed": flag("It ran there", True, "Each build was also deployed there, and succeeded."),
    },
    words=lambda every, deployed: (
        f"The same builds passed every check of {'every stage' if every else 'the stage'} before this environment"
        + (" and ran there." if deployed else ".")
    ),
    max_age_hours=1,
)
def lower_stage(ctx: CheckContext, *, every: bool, deployed: bool) -> Outcome:
    """What advances has passed the checks of the stage below, in their present version, for these very builds."""
    if ctx.release is None and not ctx.artifacts:
        return pending("No build is named.", "Name the build by its digest or version, or the release.")
    subject = subject_of(ctx.release, ctx.artifacts[0] if ctx.release is None and ctx.artifacts else None)
    stages = [
        (stage, [g for g in gates_before(stage, subject) if g.mode == Gate.Mode.ACTIVE])
        for stage in stages_before(ctx.environment)
    ]
    stages = [(stage, gates) for stage, gates in stages if gates]
    if not every:
        stages = stages[:1]
    facts: dict[str, Any] = {"stages": [str(stage.pk) for stage, _ in stages], "lacking": []}
    if not stages:
        return pending(
            f"No stage before {ctx.environment} has a binding gate, so nothing shows that it was passed.",
            "Set a gate before a stage on the way, or leave this check out.",
            facts=facts,
        )
    lacking: list[str] = []
    evidence: list[Any] = []
    for stage, gates in stages:
        for gate in gates:
            said, found = _lacks(gate, subject)
            lacking += [f"{stage}: {each}" for each in said]
            evidence += found
        if deployed:
            for artifact in ctx.artifacts:
                run = _ran_in(artifact, stage)
                if run is None:
                    lacking.append(f"{stage}: {artifact} never ran there.")
                else:
                    evidence.append(run)
    facts["lacking"] = lacking
    named = ", ".join(str(stage) for stage, _ in stages)
    if lacking:
        more = f" And {len(lacking) - 5} more." if len(lacking) > 5 else ""
        return failed(
            " ".join(lacking[:5]) + more,
            f"Pass {named} first.",
            evidence=evidence or [stages[0][1][0]],
            facts=facts,
            # Verdicts of another environment count no change here, so what is lacking is looked at again soon.
            valid_until=ctx.at + LOOK_AGAIN,
        )
    return passed(f"{ctx.subject_label} passed {named}.", evidence=evidence[:20], facts=facts)


def _lacks(gate: Gate, subject: Subject) -> tuple[list[str], list[Evaluation]]:
    """What the subject lacks at a gate, and the evaluations that say so: of the release, or of each of its builds."""
    rows = Evaluation.objects.filter(gate=gate, state__in=[Evaluation.State.DONE, Evaluation.State.DEAD])
    rows = rows.order_by("-finished_at", "-id")
    restricted = subject.restricted_to(gate)
    builds = {a.pk for a in restricted.artifacts}
    if subject.release is not None:
        whole = rows.filter(release=subject.release).first()
        if whole is not None and builds <= set(whole.subjects):
            return [f"{gate.name}: {each}" for each in _unpassed(gate, whole)], [whole]
    lacking, found = [], []
    for artifact in restricted.artifacts:
        last = rows.filter(artifact=artifact).first()
        if last is None:
            lacking.append(f"{gate.name} was never asked about {artifact}.")
        else:
            lacking += [f"{gate.name}, {artifact}: {each}" for each in _unpassed(gate, last)]
            found.append(last)
    if not builds:
        lacking.append(f"{gate.name}: {subject.object} has no build attached.")
    return lacking, found


def _unpassed(gate: Gate, evaluation: Evaluation) -> list[str]:
    """The checks of the version in force that the evaluation does not show as passed."""
    version = gate.current_version
    said = {c["name"]: c["verdict"] for c in evaluation.checks}
    wanted = [c["name"] for c in version.checks] if version else []
    short = [
        f"{n} is {said.get(n, 'not looked at')}." for n in wanted if said.get(n) not in ("pass", "waived")
    ]
    if not short and evaluation.verdict != Verdict.PASS:
        short = [f"the verdict was {evaluation.verdict}."]
    return short


def _ran_in(artifact: Artifact, stage: Environment) -> Deployment | None:
    rows = Deployment.objects.filter(artifact=artifact, environment=stage, outcome=Deployment.State.SUCCEEDED)
    return rows.exclude(state=Deployment.State.ROLLED_BACK).order_by("-started_at", "-id").first()


@check(
    "staged-path",
    title="Staged path",
    parameters={
        "tier": Parameter(
            int, "High risk from tier", 2, "This tier and those above it; 1 is the highest.", min=1, max=4
        )
    },
    words="Where the environment's tags ask for it, builds of high risk (tier {tier} or higher) ran on every stage before.",
)
def staged_path(ctx: CheckContext, *, tier: int) -> Outcome:
    """Tags of the environment confine high-risk fixes, or everything, to builds that ran on every stage before it."""
    rule = rule_of(ctx.environment)
    tags = set(rule.tags) if rule else set()
    release = ctx.release
    fix = release is None or release.classification in _FIXES
    if release is not None and not fix:
        fix = release.items.filter(
            removed_at__isnull=True, classification__in=_FIXES, tier__lte=tier
        ).exists()
    worst = min([release.tier] if release else [s.tier for s in ctx.services], default=1)
    confined = "regulated" in tags or ("staged" in tags and fix and worst <= tier)
    facts: dict[str, Any] = {"tags": sorted(tags), "fix": fix, "tier": worst, "confined": confined}
    if not confined:
        said = "asks for no staged path" if not tags else "confines only high-risk fixes, which this is not"
        return passed(f"{ctx.environment} {said}.", facts=facts)
    stages = stages_before(ctx.environment)
    if not stages or not ctx.artifacts:
        what = f"No stage lies before {ctx.environment}" if ctx.artifacts else "No build is named"
        return pending(
            f"{what}, so no staged path can be shown.",
            "Name the build by its digest or version, and register the stages.",
            evidence=[rule],
            facts=facts,
        )
    missing = [(a, stage) for stage in stages for a in ctx.artifacts if _ran_in(a, stage) is None]
    facts["missing"] = sorted([a.digest, str(stage.pk)] for a, stage in missing)
    why = "every release" if "regulated" in tags else "high-risk fixes"
    if missing:
        named = "; ".join(f"{a} has not run in {stage}" for a, stage in missing[:5])
        return failed(
            f"{ctx.environment} confines {why} to the staged path: {named}.",
            "Take each build through every stage, and let it succeed there.",
            evidence=[rule],
            facts=facts,
        )
    return passed(f"Every build ran in {', '.join(str(s) for s in stages)}.", evidence=[rule], facts=facts)


@check(
    "concurrency",
    title="Room for a deployment",
    words="No more deployments run in the environment at once than it takes, and nobody of more impact waits.",
    max_age_hours=1,
)
def concurrency(ctx: CheckContext) -> Outcome:
    """Running deployments against the environment's limit, and the queue by business impact."""
    rule = rule_of(ctx.environment)
    if rule is None or rule.at_once is None:
        return passed(f"{ctx.environment} takes any number of deployments at once.", facts={"limit": None})
    running = running_in(ctx.environment)
    waiting = waiting_for(ctx.environment, ctx.at)
    own = {t.pk for s in ctx.services or () if (t := turn_of(waiting, s, ctx.release))}
    mine = next((t for t in waiting if t.pk in own), None)
    found = standing(rule.at_once, len(running), [as_turn(t) for t in waiting], mine.pk if mine else None)
    facts = {
        "limit": rule.at_once,
        "running": sorted(str(d.pk) for d in running),
        "waiting": [str(t.pk) for t in waiting],
    }
    until = min((t.expires_at for t in waiting), default=None)
    if found.may_start:
        return passed(
            f"{len(running)} of {rule.at_once} deployments run in {ctx.environment}.",
            facts=facts,
            valid_until=until,
        )
    if found.free == 0:
        first = running[0]
        return failed(
            f"{len(running)} of {rule.at_once} deployments run in {ctx.environment}; the oldest is {first}.",
            f"Wait until it is finished; take a place in the queue ({found.place} of {len(waiting) + (mine is None)}).",
            evidence=running,
            facts=facts,
            valid_until=until,
        )
    ahead = [t for t in waiting if t.pk in found.ahead]
    return failed(
        f"{ahead[0]} goes first (impact {ahead[0].impact}); {found.free} of {rule.at_once} places are free in {ctx.environment}.",
        "Wait for the turn, or have the impact raised with a reason.",
        evidence=ahead,
        facts=facts,
        valid_until=until,
    )
