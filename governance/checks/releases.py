"""Checks of what a release carries: versions that go together, contracts, packaging, rollback criteria, readiness, promises."""

from __future__ import annotations

from typing import Any

from governance.rules import rejudging
from releasetrain.kernel.refusals import Ref
from trains.models import ReadinessAnswer, Walkthrough
from trains.queries.commitments import unmet_commitments
from trains.queries.compatibility import standings
from trains.queries.contracts import can_deploy
from trains.queries.packaging import profile_of, violations_of, without_criteria
from trains.rules import readiness as readiness_rules
from trains.rules.packaging import HIGH

from .context import CheckContext
from .parameters import percentage, texts
from .registry import Outcome, check, failed, passed, pending

_SHOWN = 5


def _named(sentences: list[str]) -> str:
    more = len(sentences) - _SHOWN
    return " ".join(sentences[:_SHOWN]) + (f" And {more} more." if more > 0 else "")


@check(
    "version-compatibility",
    title="Versions go together",
    words="Every declared range of versions holds in the environment once the builds have arrived.",
    max_age_hours=1,
)
def version_compatibility(ctx: CheckContext) -> Outcome:
    """Requirements between services, and skew between environments, with the builds under judgement in place."""
    planned = {a.service_id: a.version for a in ctx.artifacts if a.version}
    unnamed = [a for a in ctx.artifacts if not a.version]
    found = standings(ctx.environment, planned, {s.pk: s for s in ctx.services})
    facts: dict[str, Any] = {
        "planned": sorted([str(k), v] for k, v in planned.items()),
        "standings": sorted([str(s.rule.pk), s.verdict, s.sentence] for s in found),
    }
    if not ctx.artifacts:
        return pending(
            f"{ctx.subject_label} has no build attached.", "Attach the release's artifacts.", facts=facts
        )
    broken = [s for s in found if s.verdict == "violated"]
    if broken:
        return failed(
            _named([s.sentence for s in broken]),
            broken[0].remedy,
            evidence=[s.rule for s in broken],
            facts=facts,
        )
    unknown = [s for s in found if s.verdict == "unknown"]
    if unknown or unnamed:
        said = [s.sentence for s in unknown] + [f"{a} has no version." for a in unnamed]
        remedy = unknown[0].remedy if unknown else "Register the artifact with its version."
        return pending(_named(said), remedy, evidence=[s.rule for s in unknown], facts=facts)
    ok = [s for s in found if s.verdict == "ok"]
    said = (
        f"{len(ok)} declared ranges hold in {ctx.environment}."
        if ok
        else "No declared range concerns these builds."
    )
    return passed(said, evidence=[s.rule for s in ok[:20]], facts=facts)


@check(
    "contract-tests",
    title="Contracts are met",
    words="Consumers and providers that run in the environment were verified against each other's contracts.",
    max_age_hours=1,
)
def contract_tests(ctx: CheckContext) -> Outcome:
    """Every contract of the builds under judgement was verified with what runs in the environment now."""
    if not ctx.artifacts:
        return pending(
            f"{ctx.subject_label} has no build attached.",
            "Attach the release's artifacts.",
            facts={"artifacts": []},
        )
    answer = can_deploy(ctx.environment, {a.service: a.version for a in ctx.artifacts})
    facts: dict[str, Any] = {
        "contracts": sorted(
            [str(c.contract.pk), c.reason.verdict, c.reason.sentence] for c in answer.contracts
        )
    }
    broken = [c for c in answer.contracts if c.reason.verdict == "broken"]
    unknown = [c for c in answer.contracts if c.reason.verdict == "unknown"]
    for judge, found in ((failed, broken), (pending, unknown)):
        if found:
            evidence = [c.verification or c.contract for c in found]
            return judge(
                _named([c.reason.sentence for c in found]),
                found[0].reason.remedy,
                evidence=evidence,
                facts=facts,
            )
    met = [c for c in answer.contracts if c.reason.verdict == "ok"]
    said = (
        f"{len(met)} contracts are met in {ctx.environment}."
        if met
        else "No contract concerns these builds there."
    )
    return passed(said, evidence=[c.verification for c in met if c.verification], facts=facts)


@check(
    "packaging",
    title="Packaging",
    subject="release",
    words="The release carries no more items of a kind than its risk and the criticality of its services allow.",
)
def packaging(ctx: CheckContext) -> Outcome:
    """Limits by risk and criticality; each item too many is named."""
    assert ctx.release is not None  # the runner asks this of releases only
    profile, found = profile_of(ctx.release), violations_of(ctx.release)
    facts = {
        "risk": profile.risk,
        "criticality": profile.criticality,
        "violations": [v.sentence for v in found],
    }
    if found:
        return failed(
            " ".join(v.sentence for v in found),
            "Move these items to another release.",
            evidence=[ctx.release],
            facts=facts,
        )
    return passed(f"{ctx.release} keeps its packaging limits.", facts=facts)


@check(
    "rollback-criteria",
    title="Rollback criteria",
    subject="release",
    words="Every item of risk tier 1 or 2 says when the release is taken back; at these tiers the release itself, too.",
)
def rollback_criteria(ctx: CheckContext) -> Outcome:
    """Indicator, threshold and window for each item of high risk, and for a release of high risk."""
    assert ctx.release is not None  # the runner asks this of releases only
    bare = without_criteria(ctx.release)
    own = list(ctx.release.rollback_criteria.filter(retired_at__isnull=True))
    facts = {"without": sorted(str(i.pk) for i in bare), "criteria": sorted(str(c.pk) for c in own)}
    if bare:
        return failed(
            _named([f"{i} (tier {i.tier}) has no rollback criterion." for i in bare]),
            "Add a rollback criterion for each.",
            evidence=bare,
            facts=facts,
        )
    if ctx.release.tier in HIGH and not own:
        return failed(
            f"{ctx.release} is of risk tier {ctx.release.tier} and has no rollback criterion.",
            "Say when the release is taken back.",
            evidence=[ctx.release],
            facts=facts,
        )
    return passed(f"{len(own)} rollback criteria are set.", evidence=own[:20], facts=facts)


@check(
    "readiness",
    title="Readiness",
    subject="release",
    parameters={"minimum": percentage("Least readiness", 80, "Of the weight of all questions that apply.")},
    words="At least {minimum} % of the readiness assessment, and every mandatory question, is answered with yes.",
    rejudge=rejudging.readiness,
)
def readiness(ctx: CheckContext, *, minimum: float) -> Outcome:
    """The weighted answers of the readiness assessment."""
    assert ctx.release is not None  # the runner asks this of releases only
    rows = list(ReadinessAnswer.objects.filter(release=ctx.release))
    answers = [readiness_rules.Answer(r.answer, r.weight, r.mandatory) for r in rows]
    score = readiness_rules.score(answers)
    facts = {"answers": sorted([str(r.pk), r.answer, r.weight] for r in rows), "score": score}
    if not rows or score is None:
        return pending(
            f"The readiness of {ctx.release} is not assessed.", "Assess the readiness.", facts=facts
        )
    short = [r for r in rows if r.mandatory and r.answer not in ("yes", "not_applicable")]
    unanswered = [r for r in rows if r.answer == "open"]
    said = f"{ctx.release} is {score:g} % ready"
    if short:
        refusal = pending if all(r.answer == "open" for r in short) else failed
        return refusal(
            f"{said}, but not settled: {_named([str(r) for r in short])}",
            "Answer the mandatory questions.",
            evidence=short,
            facts=facts,
        )
    if score < minimum:
        refusal = pending if unanswered else failed
        worst = [r for r in rows if r.answer in ("open", "no", "partial")]
        return refusal(
            f"{said}; {minimum:g} % are required.",
            f"Settle: {_named([str(r) for r in worst])}",
            evidence=worst,
            facts=facts,
        )
    return passed(f"{said}.", evidence=rows[:20], facts=facts)


@check(
    "commitments",
    title="Contractual commitments",
    subject="release",
    words="Changed promises are acknowledged by legal and account management, and customers had their notice.",
)
def commitments(ctx: CheckContext) -> Outcome:
    """Both acknowledgements, and the notice that each contract demands before the target."""
    assert ctx.release is not None  # the runner asks this of releases only
    found = unmet_commitments(ctx.release, ctx.at.date())
    facts = {
        "unmet": [[str(row.pk), sentence] for row, sentence, _ in found],
        "target": str(ctx.release.target_at),
    }
    if found:
        evidence = {row.pk: Ref.of(row) for row, _, _ in found}.values()
        return failed(_named([s for _, s, _ in found]), found[0][2], evidence=evidence, facts=facts)
    return passed("No changed commitment is open.", facts=facts)


@check(
    "walkthroughs",
    title="Walkthroughs",
    subject="release",
    parameters={"audiences": texts("Audiences", ("support",), "support, training, operations, business")},
    words="A walkthrough was held with each of {audiences}, and each is ready.",
)
def walkthroughs(ctx: CheckContext, *, audiences: list[str]) -> Outcome:
    """Support, training and whoever else is named have seen what comes, and say that they are ready."""
    assert ctx.release is not None  # the runner asks this of releases only
    rows = list(Walkthrough.objects.filter(release=ctx.release).order_by("starts_at", "id"))
    latest = {row.audience: row for row in rows if row.state == Walkthrough.State.HELD}
    facts = {"held": sorted([a, str(row.pk), row.readiness] for a, row in latest.items())}
    missing = [a for a in audiences if a not in latest]
    unready = [
        latest[a] for a in audiences if a in latest and latest[a].readiness != Walkthrough.Readiness.READY
    ]
    if unready:
        return failed(
            _named([f"{row.get_audience_display()} is not ready: {row.conclusion}" for row in unready]),
            "Put right what is missing and walk through again.",
            evidence=unready,
            facts=facts,
        )
    if missing:
        return pending(
            f"No walkthrough was held with {', '.join(missing)}.", "Hold it and conclude it.", facts=facts
        )
    return passed("Everybody asked for is ready.", evidence=latest.values(), facts=facts)
