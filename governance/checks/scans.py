"""Checks of scanners' findings: in the code, and in the components."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from governance import files
from governance.models import Component, Finding, FindingOccurrence, Result
from governance.rules import rejudging
from governance.rules.intake.openvex import SETTLED, deciding, read_openvex
from governance.rules.reading import OPENVEX
from trains.models import Artifact

from .context import CheckContext
from .parameters import Parameter, count, counted, limit, texts
from .per_artifact import judge_results
from .registry import Outcome, check, failed, passed, pending

SEVERITIES = ("critical", "high", "medium", "low")
_LIMITS: dict[str, Parameter] = {
    name: limit(f"Most {name} findings", most)
    for name, most in zip(SEVERITIES, (0, 0, 10, None), strict=True)
}


def limits_in_words(**limits: int | None) -> str:
    said = [
        f"{'no' if most == 0 else f'at most {most}'} {name}"
        for name, most in limits.items()
        if most is not None
    ]
    return ", ".join(said) or "any number of"


@check(
    "static-analysis",
    title="Static analysis",
    subject="artifact",
    parameters=_LIMITS,
    words=lambda **limits: (
        f"The scan was complete and reports {limits_in_words(**limits)} findings;"
        " suppressed, accepted and false ones are not counted."
    ),
    rejudge=rejudging.findings,
)
def static_analysis(ctx: CheckContext, **limits: int | None) -> Outcome:
    """Findings of static analysis in the artifact by severity. A scan that failed is not a clean scan."""
    return judge_results(
        ctx,
        "static_analysis",
        lambda artifact, results: judge_findings(ctx.at, artifact, results, limits),
        missing="No static analysis",
        remedy="Post the SARIF report for {digest}.",
    )


@check(
    "composition",
    title="Software composition",
    subject="artifact",
    parameters={
        **_LIMITS,
        "denied_licences": texts(
            "Denied licences",
            ("AGPL-3.0",),
            "SPDX identifiers; a longer one that begins with it is denied too.",
        ),
        "minimum_components": count(
            "Least number of components", 1, "An empty bill of materials never passes."
        ),
    },
    words=lambda denied_licences, minimum_components, **limits: (
        f"The bill of materials lists at least {counted(minimum_components, 'component')}"
        f" with {limits_in_words(**limits)} vulnerabilities"
        + (f" and none under {', '.join(denied_licences)}" if denied_licences else "")
        + "; VEX statements and decisions on findings count."
    ),
    rejudge=rejudging.findings,
)
def composition(
    ctx: CheckContext, *, denied_licences: list[str], minimum_components: int, **limits: int | None
) -> Outcome:
    """Known vulnerabilities and licences of the artifact's components, from its CycloneDX bill of materials."""

    def judge(artifact: Artifact, results: list[Result]) -> Outcome:
        statements = [r for r in results if r.format == OPENVEX]
        results = [r for r in results if r.format != OPENVEX]
        if not results:
            return pending(
                f"No bill of materials for {artifact}.", f"Post the CycloneDX document for {artifact.digest}."
            )
        outcome = judge_findings(ctx.at, artifact, results, limits, statements)
        listed = Component.objects.filter(result__in=results)
        number = listed.count()
        denied = _denied(listed, denied_licences)
        facts = {**outcome.facts, "components": number, "denied": sorted(denied)[:50]}
        more: dict[str, Any] = {
            "facts": facts,
            "evidence": outcome.evidence,
            "as_of": outcome.as_of,
            "valid_until": outcome.valid_until,
        }
        if number < minimum_components:
            return failed(
                f"The bill of materials of {artifact} lists {number} components; {minimum_components} are required.",
                "Post the whole bill of materials.",
                **more,
            )
        if denied:
            return failed(
                f"{artifact} contains {denied[0]}, which the policy denies.", "Replace the component.", **more
            )
        return Outcome(outcome.verdict, outcome.reason, outcome.remedy, **more)

    return judge_results(
        ctx,
        "composition",
        judge,
        missing="No bill of materials",
        remedy="Post the CycloneDX document for {digest}.",
    )


def judge_findings(
    at: datetime,
    artifact: Artifact,
    results: list[Result],
    limits: dict[str, int | None],
    statements: Sequence[Result] = (),
) -> Outcome:
    """The findings of these results against limits by severity; an incomplete scan never passes."""
    counted, ends = counted_findings(at, results, Vex(artifact, statements))
    problems = [problem for r in results for problem in r.summary.get("problems", [])]
    found: dict[str, Any] = {
        "facts": {
            "findings": dict(sorted(counted.items())),
            "problems": len(problems),
            "results": sorted(r.digest for r in (*results, *statements)),
        },
        "evidence": [*results, *statements],
        "as_of": min(r.as_of for r in results),
        "valid_until": ends,
    }
    if problems:
        return failed(
            f"The scan of {artifact} is incomplete: {problems[0]}",
            "Repair the scan and post its report.",
            **found,
        )
    over = [
        f"{counted[name]} {name} (at most {most})"
        for name, most in limits.items()
        if most is not None and counted[name] > most
    ]
    # A severity that nobody knows may be the worst.
    strictest = min((most for most in limits.values() if most is not None), default=None)
    if strictest is not None and counted["unknown"] > strictest:
        over.append(f"{counted['unknown']} of unknown severity (at most {strictest})")
    if over:
        return failed(
            f"{artifact} has {', '.join(over)}.",
            "Fix the findings, or triage those that are no real ones.",
            **found,
        )
    total = sum(counted[name] for name in (*SEVERITIES, "unknown"))
    return passed(
        f"{artifact} has {total or 'no'} counted finding{'' if total == 1 else 's'}, within the limits.",
        **found,
    )


class Vex:
    """OpenVEX documents posted about an artifact: do they say that a finding is none of it?"""

    def __init__(self, artifact: Artifact, statements: Sequence[Result] = ()):
        self.documents = [read_openvex(files.read(result.file)) for result in statements]
        build = artifact.digest.partition(":")[2]
        named = {p for d in self.documents for s in d.statements for p in s.products}
        # A statement names the component, or the product: then it must be this very build.
        self.this_build = sorted(product for product in named if build in product)

    def settles(self, rule: str, component: str) -> bool:
        if not self.documents:
            return False
        products = (component, *self.this_build)
        found = [s for p in products if (s := deciding(self.documents, rule, p)) is not None]
        latest = max(found, key=lambda s: s.at, default=None)
        return latest is not None and latest.status in SETTLED


def counted_findings(at: datetime, results: list[Result], vex: Vex) -> tuple[Counter[str], datetime | None]:
    """Severity → number of findings in these results that count, and when the next acceptance among them ends.

    A finding that a later build has fixed still is in this one: only exemptions in the report itself, VEX statements
    about it, false positives and unexpired acceptances are not counted.
    """
    rows = (
        FindingOccurrence.objects.filter(result__in=results, exempt="")
        .exclude(finding__state=Finding.State.FALSE_POSITIVE)
        .values_list(
            *("finding_id", "finding__rule", "finding__location", "finding__severity", "finding__state"),
            *("finding__accepted_until", "finding__aliases"),
        )
        .distinct()
    )
    counted: Counter[str] = Counter()
    ends: datetime | None = None
    for _, rule, location, severity, state, accepted_until, aliases in rows:
        if any(vex.settles(name, location) for name in (rule, *aliases)):
            continue
        if state == Finding.State.ACCEPTED and accepted_until and accepted_until > at:
            ends = min(filter(None, (ends, accepted_until)))
        else:
            counted[severity] += 1
    return counted, ends


def _denied(listed: Any, policy: list[str]) -> list[str]:
    """Components under a denied licence, in words. An expression is denied by any licence it names."""
    if not policy:
        return []
    wanted = [p.upper() for p in policy]
    found = []
    for name, version, licence in listed.exclude(licence="").values_list("name", "version", "licence"):
        words = licence.upper().replace("(", " ").replace(")", " ").replace(",", " ").split()
        if any(word.startswith(p) for word in words for p in wanted):
            found.append(f"{name} {version} ({licence})")
    return sorted(found)
