"""Checks of configuration: release and CMDB agree, nothing drifts, and regulated systems were audited."""

from __future__ import annotations

from typing import Any

from governance.models import ConfigurationAudit
from governance.queries.configuration_audits import facts_digest, is_regulated, report_of
from releasetrain.kernel.refusals import Ref
from trains.models import ConfigurationItem
from trains.queries.drift import baselines_of, discrepancies_of, drift_of, latest_baseline
from trains.queries.impact import rests_on

from .context import CheckContext
from .parameters import flag
from .registry import Outcome, check, failed, passed, pending

_SHOWN = 5


def _named(sentences: list[str]) -> str:
    more = len(sentences) - _SHOWN
    return " ".join(sentences[:_SHOWN]) + (f" And {more} more." if more > 0 else "")


@check(
    "configuration",
    title="Release and CMDB agree",
    subject="release",
    words="What the release brings is in a baseline and agrees with the CMDB, or the discrepancy is accepted.",
)
def configuration(ctx: CheckContext) -> Outcome:
    """Every deployment unit is in a baseline of the release, and every discrepancy with the CMDB is settled."""
    assert ctx.release is not None  # the runner asks this of releases only
    if not ctx.artifacts:
        return pending(
            f"{ctx.release} has no build attached.",
            "Attach the release's artifacts.",
            facts={"artifacts": []},
        )
    found = discrepancies_of(ctx.release, ctx.at)
    baseline = latest_baseline(ctx.release)
    facts: dict[str, Any] = {
        "baseline": baseline.content_digest if baseline else None,
        "discrepancies": sorted(
            [f.difference.fingerprint, str(f.tolerated.pk) if f.tolerated else ""] for f in found
        ),
    }
    ends = [f.tolerated.expires_at for f in found if f.tolerated]
    left = [f for f in found if f.is_open]
    if left:
        # Where no item stands for a service, nothing is known about it.
        judge = pending if all(f.difference.kind == "unmanaged" for f in left) else failed
        remedies = dict.fromkeys(f.difference.remedy for f in left)
        return judge(
            _named([f.sentence for f in left]),
            " ".join(remedies),
            evidence=[f.item or ctx.release for f in left[:20]],
            facts=facts,
        )
    said = f"All {len(ctx.artifacts)} deployment units are in {baseline} and agree with the CMDB"
    if ends:
        said += f"; {len(ends)} discrepancies are accepted"
    evidence = [*([baseline] if baseline else []), *(f.tolerated for f in found if f.tolerated)]
    return passed(f"{said}.", evidence=evidence[:20], facts=facts, valid_until=min(ends, default=None))


@check(
    "drift",
    title="No drift",
    parameters={
        "dependencies": flag(
            "Also what they rest on", True, "Databases, servers and whatever else is related."
        )
    },
    words=lambda dependencies: (
        "What runs is as it should be: the items of these services"
        + (" and all they rest on" if dependencies else "")
        + "; differences are tolerated by name and until a day only."
    ),
    max_age_hours=24,
)
def drift(ctx: CheckContext, *, dependencies: bool) -> Outcome:
    """Scanners saw every item, lately, and saw it as it should be."""
    services = [s.pk for s in ctx.services]
    own = list(
        ConfigurationItem.objects.filter(service__in=services).exclude(state=ConfigurationItem.State.RETIRED)
    )
    facts: dict[str, Any] = {"items": sorted(item.key for item in own)}
    without = sorted(s.name for s in ctx.services if s.pk not in {item.service_id for item in own})
    if not services or without:
        named = ", ".join(without) or ctx.subject_label
        return pending(
            f"No configuration item stands for {named}.",
            "Add the items, or import them from the CMDB.",
            facts=facts,
        )
    items = rests_on(own) if dependencies else own
    items = [item for item in items if item.environment_id in (None, ctx.environment.pk)]
    seen = drift_of(items, ctx.at, environment=ctx.environment)
    facts = {
        "items": sorted([item.key, item.expected_digest] for item in items),
        "differences": sorted(
            [f.difference.fingerprint, str(f.tolerated.pk) if f.tolerated else ""] for f in seen.found
        ),
        "unseen": sorted(item.key for item in seen.unseen),
    }
    left = seen.open
    if left:
        return failed(
            _named([f.sentence for f in left]),
            " ".join(dict.fromkeys(f.difference.remedy for f in left)),
            evidence=[f.item for f in left[:20] if f.item],
            facts=facts,
            as_of=seen.oldest,
        )
    if seen.unseen or not items:
        named = ", ".join(f"{item.key} {item.name}" for item in seen.unseen[:_SHOWN]) or "anything"
        return pending(
            f"No scanner has seen {named}.",
            "Have a scanner post the observed states.",
            evidence=seen.unseen[:20],
            facts=facts,
            as_of=seen.oldest,
        )
    tolerated = [f.tolerated for f in seen.found if f.tolerated]
    said = f"{len(items)} items were seen as they should be"
    if tolerated:
        said += f"; {len(tolerated)} differences are tolerated"
    return passed(
        f"{said}.",
        evidence=tolerated[:20],
        facts=facts,
        as_of=seen.oldest,
        valid_until=min((t.expires_at for t in tolerated), default=None),
    )


@check(
    "baseline",
    title="In a baseline",
    subject="artifact",
    words="Every build is a deployment unit of a frozen baseline.",
)
def baseline_of_units(ctx: CheckContext) -> Outcome:
    """Every build under judgement is linked to a baseline."""
    if not ctx.artifacts:
        return pending(f"{ctx.subject_label} has no build.", "Attach the release's artifacts.", facts={})
    known = baselines_of(a.digest for a in ctx.artifacts)
    facts = {"baselines": sorted([unit, row.content_digest] for unit, row in known.items())}
    missing = [a for a in ctx.artifacts if a.digest not in known]
    if missing:
        return failed(
            _named([f"{a} is in no baseline." for a in missing]),
            "Freeze a baseline of the release.",
            evidence=missing,
            facts=facts,
        )
    rows = {row.pk: Ref.of(row) for row in known.values()}
    return passed("Every build is in a baseline.", evidence=rows.values(), facts=facts)


@check(
    "configuration-audit",
    title="Configuration audit",
    subject="release",
    parameters={"always": flag("Also where nothing is regulated", False)},
    words=lambda always: (
        "The configuration was audited and found to conform"
        + ("." if always else ", where the release carries something regulated.")
    ),
    max_age_hours=24 * 30,
)
def configuration_audit(ctx: CheckContext, *, always: bool) -> Outcome:
    """A person who owns none of the items concluded an audit, and nothing it rests on has changed since."""
    assert ctx.release is not None  # the runner asks this of releases only
    regulated = is_regulated(ctx.release)
    facts: dict[str, Any] = {"regulated": regulated}
    if not regulated and not always:
        if not ctx.artifacts:
            return pending(
                f"{ctx.release} has no build attached.", "Attach the release's artifacts.", facts=facts
            )
        return passed(f"{ctx.release} carries nothing regulated.", facts=facts)
    audit = (
        ConfigurationAudit.objects.filter(release=ctx.release, environment=ctx.environment)
        .exclude(conclusion="")
        .order_by("-concluded_at", "-id")
        .first()
    )
    if audit is None:
        return pending(
            f"The configuration of {ctx.release} for {ctx.environment} was not audited.",
            "Open a configuration audit and have it concluded.",
            facts=facts,
        )
    present = facts_digest(report_of(ctx.release, ctx.environment, ctx.at))
    facts |= {"audit": str(audit.pk), "conclusion": audit.conclusion, "facts": present}
    if audit.conclusion == ConfigurationAudit.Conclusion.FAILS:
        return failed(
            f"{audit.key} found that it does not conform: {audit.statement}",
            "Put it right, and have it audited again.",
            evidence=[audit],
            facts=facts,
        )
    if not audit.stands(ctx.at) or present != audit.report_digest:
        why = "has run out" if not audit.stands(ctx.at) else "rests on facts that have changed since"
        return pending(f"{audit.key} {why}.", "Have it audited again.", evidence=[audit], facts=facts)
    return passed(
        f"{audit.key}: {audit.get_conclusion_display().lower()}, by {audit.concluded_by}.",
        evidence=[audit],
        facts=facts,
        as_of=audit.concluded_at,
        valid_until=audit.valid_until,
    )
