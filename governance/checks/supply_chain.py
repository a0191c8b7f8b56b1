"""Checks of secrets, images, the running service, licences, load tests and provenance, from what pipelines post."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from governance.models import BuilderKey, Component, LicencePolicy, Result
from governance.queries.results import standing_results
from governance.rules.licences import ALLOWED, DENIED, judge_licence
from governance.rules.reading import OPENVEX
from trains.models import Artifact, PipelineRun

from .context import CheckContext
from .parameters import Parameter, count, counted, flag, limit, percentage, texts
from .per_artifact import judge_results
from .registry import Outcome, check, failed, passed, pending
from .scans import SEVERITIES, judge_findings, limits_in_words

_NONE: dict[str, Parameter] = {name: limit(f"Most {name} findings", 0) for name in SEVERITIES}
_USUAL: dict[str, Parameter] = {
    name: limit(f"Most {name} findings", most)
    for name, most in zip(SEVERITIES, (0, 0, 10, None), strict=True)
}


def _in_force(ctx: CheckContext) -> Q:
    """What had been set and not been retired at the moment of the judgement."""
    return Q(created_at__lte=ctx.at) & (Q(retired_at__isnull=True) | Q(retired_at__gt=ctx.at))


@check(
    "secrets-scan",
    title="Secrets scan",
    subject="artifact",
    parameters=_NONE,
    words=lambda **limits: (
        f"The scan for secrets was complete and found {limits_in_words(**limits)} secrets;"
        " accepted and false ones are not counted."
    ),
)
def secrets_scan(ctx: CheckContext, **limits: int | None) -> Outcome:
    """Secrets in the open: Gitleaks, TruffleHog or another scanner, for each build."""
    return judge_results(
        ctx,
        "secrets",
        lambda artifact, results: judge_findings(ctx.at, artifact, results, limits),
        missing="No scan for secrets",
        remedy="Post the report of the secrets scanner for {digest}.",
    )


@check(
    "container-scan",
    title="Container scan",
    subject="artifact",
    parameters=_USUAL,
    words=lambda **limits: (
        f"The image was scanned and has {limits_in_words(**limits)} findings;"
        " VEX statements, accepted and false ones are not counted."
    ),
)
def container_scan(ctx: CheckContext, **limits: int | None) -> Outcome:
    """Vulnerabilities, misconfigurations and secrets of the image, from Trivy, Grype, Snyk or another scanner."""

    def judge(artifact: Artifact, results: list[Result]) -> Outcome:
        posted = standing_results([artifact], "composition", until=ctx.at)[artifact.pk]
        return judge_findings(ctx.at, artifact, results, limits, [r for r in posted if r.format == OPENVEX])

    return judge_results(
        ctx,
        "container",
        judge,
        missing="No container scan",
        remedy="Post the image scanner's report for {digest}.",
    )


@check(
    "dynamic-scan",
    title="Dynamic scan",
    subject="artifact",
    parameters=_USUAL,
    words=lambda **limits: f"The running service was scanned and has {limits_in_words(**limits)} findings.",
)
def dynamic_scan(ctx: CheckContext, **limits: int | None) -> Outcome:
    """Weaknesses of the running service, from ZAP, Nuclei or another scanner."""
    return judge_results(
        ctx,
        "dynamic",
        lambda artifact, results: judge_findings(ctx.at, artifact, results, limits),
        missing="No dynamic scan",
        remedy="Post the report for {digest}.",
    )


@check(
    "licence-policy",
    title="Licence policy",
    subject="artifact",
    parameters={
        "minimum_components": count(
            "Least number of components", 1, "An empty bill of materials never passes."
        )
    },
    words=lambda minimum_components: (
        f"The bill of materials lists at least {counted(minimum_components, 'component')},"
        " and the licence policy allows each."
    ),
)
def licence_policy(ctx: CheckContext, *, minimum_components: int) -> Outcome:
    """The licences of the artifact's components against the policy of the organization that is in force."""
    policy = LicencePolicy.objects.filter(_in_force(ctx)).order_by("-created_at").first()
    if policy is None:
        return pending(
            "No licence policy is in force.", "Set the organization's licence policy.", facts={"policy": None}
        )
    allowed, denied = frozenset(policy.allowed), frozenset(policy.denied)
    excepted = {name.lower() for name in policy.excepted}

    def judge(artifact: Artifact, results: list[Result]) -> Outcome:
        bills = [r for r in results if r.format.startswith(("CycloneDX", "SPDX"))]
        if not bills:
            return pending(
                f"No bill of materials for {artifact}.", f"Post the bill of materials for {artifact.digest}."
            )
        rows = set(
            Component.objects.filter(result__in=bills).values_list("name", "version", "licence", "package")
        )
        wrong: dict[str, list[str]] = {DENIED: [], "unknown": []}
        for name, version, licence, package in sorted(rows):
            word = judge_licence(licence, allowed, denied)
            if word != ALLOWED and package not in excepted:
                wrong[word].append(f"{name} {version} ({licence or 'no licence'})".replace("  ", " "))
        if policy.unknown == LicencePolicy.Unknown.ALLOW:
            wrong["unknown"] = []
        found: dict[str, Any] = {
            "facts": {
                "policy": str(policy.pk),
                "policy_version": policy.row_version,
                "components": len(rows),
                "denied": wrong[DENIED][:50],
                "unknown": wrong["unknown"][:50],
                "results": sorted(r.digest for r in bills),
            },
            "evidence": [*bills, policy],
            "as_of": min(r.as_of for r in bills),
        }
        if len(rows) < minimum_components:
            return failed(
                f"The bill of materials of {artifact} lists {len(rows)} components; {minimum_components} are required.",
                "Post the whole bill of materials.",
                **found,
            )
        for word, said in (
            (DENIED, f"which {policy} denies"),
            ("unknown", f"of which {policy} knows no licence"),
        ):
            if wrong[word]:
                more = f" and {len(wrong[word]) - 1} more" if len(wrong[word]) > 1 else ""
                return failed(
                    f"{artifact} contains {wrong[word][0]}{more}, {said}.",
                    "Replace the component, or have the policy except it.",
                    **found,
                )
        return passed(f"{policy} allows all {len(rows)} components of {artifact}.", **found)

    return judge_results(
        ctx,
        "composition",
        judge,
        missing="No bill of materials",
        remedy="Post the CycloneDX or SPDX document for {digest}.",
    )


_SAID: dict[str, str] = {
    "p95": "95 % within",
    "p99": "99 % within",
    "average": "on average within",
    "minimum_rate": "at least",
}
_UNIT: dict[str, str] = {"p95": " ms", "p99": " ms", "average": " ms", "minimum_rate": " requests a second"}


def _milliseconds(label: str, default: int | None) -> Parameter:
    return Parameter(float, label, default, "Empty: any.", min=0, max=3_600_000, unit="ms", optional=True)


@check(
    "performance",
    title="Performance",
    subject="artifact",
    parameters={
        "p95": _milliseconds("Longest 95th percentile", 500),
        "p99": _milliseconds("Longest 99th percentile", None),
        "average": _milliseconds("Longest average", None),
        "errors": percentage("Most failed requests", 1),
        "minimum_requests": count("Least number of requests", 100, "A test of a few requests says nothing."),
        "minimum_rate": Parameter(
            float, "Least requests per second", None, "Empty: any.", min=0, max=1_000_000, optional=True
        ),
        "own_thresholds": flag(
            "Thresholds of the test itself", True, "Those that a k6 script declares must hold."
        ),
    },
    words=lambda minimum_requests, errors, own_thresholds, **limits: (
        f"A load test of at least {counted(minimum_requests, 'request')} had at most {errors:g} % failed ones"
        + "".join(
            f", {_SAID[name]} {value:g}{_UNIT[name]}" for name, value in limits.items() if value is not None
        )
        + (", and its own thresholds held." if own_thresholds else ".")
    ),
    max_age_hours=168,
)
def performance(
    ctx: CheckContext,
    *,
    p95: float | None,
    p99: float | None,
    average: float | None,
    errors: float,
    minimum_requests: int,
    minimum_rate: float | None,
    own_thresholds: bool,
) -> Outcome:
    """Load tests of the artifact: response times, failed requests and the test's own thresholds. Each report counts."""
    limits = {"p95": p95, "p99": p99, "average": average}

    def judge(artifact: Artifact, results: list[Result]) -> Outcome:
        found: dict[str, Any] = {
            "facts": {
                "reports": [
                    {n: r.summary.get(n) for n in ("requests", "errors", "rate", "average", "p95", "p99")}
                    for r in results
                ],
                "results": sorted(r.digest for r in results),
            },
            "evidence": results,
            "as_of": min(r.as_of for r in results),
        }
        for result in results:
            wrong = _too_slow(result, limits, errors, minimum_requests, minimum_rate, own_thresholds)
            if wrong:
                return failed(
                    f"{artifact}: {wrong}", "Make it faster, or test again and post the report.", **found
                )
        told = results[0].summary
        p = told.get("p95")
        said = f", 95 % within {p:g} ms" if p is not None else ""
        return passed(f"{artifact} answered {told['requests']} requests{said}.", **found)

    return judge_results(
        ctx,
        "performance",
        judge,
        missing="No load test",
        remedy="Post the k6 summary or the JMeter samples for {digest}.",
    )


def _too_slow(
    result: Result,
    limits: dict[str, float | None],
    errors: float,
    minimum_requests: int,
    minimum_rate: float | None,
    own_thresholds: bool,
) -> str:
    """Why a report does not pass; a figure that is limited and missing is a reason."""
    told, name = result.summary, result.name
    if told["requests"] < minimum_requests:
        return f"{name} has {told['requests']} requests; {minimum_requests} are required."
    if told["errors"] * 100 > errors:
        return f"{told['errors'] * 100:.2f} % of the requests in {name} failed; at most {errors:g} % may."
    for key, most in limits.items():
        if most is None:
            continue
        value = told.get(key)
        if value is None:
            return f"{name} does not say {_SAID[key].removesuffix(' within')} of the requests took how long ({key})."
        if value > most:
            return f"{name} has {key} of {value:g} ms; at most {most:g} ms are allowed."
    if minimum_rate is not None and told["rate"] < minimum_rate:
        return f"{name} has {told['rate']:g} requests a second; {minimum_rate:g} are required."
    if own_thresholds and told["crossed"]:
        return f"{name} crossed its own threshold {told['crossed'][0]}."
    return told["problems"][0] if told.get("problems") else ""


@check(
    "provenance",
    title="Provenance verified",
    subject="artifact",
    parameters={
        "builders": texts(
            "Builders", (), "The builder's id begins with one of these. Empty: any whose key is registered."
        ),
        "same_commit": flag("Same commit", True, "The commit of the statement is that of the artifact."),
        "run_recorded": flag(
            "Run on record", False, "The pipeline run with its definition's digest is recorded."
        ),
        "definitions": texts(
            "Definitions", (), "Digests of pipeline definitions that may have made it. Empty: any."
        ),
    },
    words=lambda builders, same_commit, run_recorded, definitions: (
        "A registered key signed the build's provenance"
        + (f", the builder is {' or '.join(builders)}" if builders else "")
        + (", the commit is the artifact's" if same_commit else "")
        + (", the pipeline run is on record" if run_recorded or definitions else "")
        + (" with an approved definition." if definitions else ".")
    ),
    max_age_hours=8760,
)
def provenance(
    ctx: CheckContext, *, builders: list[str], same_commit: bool, run_recorded: bool, definitions: list[str]
) -> Outcome:
    """Signed provenance (in-toto, SLSA) of each build, by a key that is still trusted, about this very digest."""
    trusted = set(BuilderKey.objects.filter(_in_force(ctx)).values_list("fingerprint", flat=True))

    def judge(artifact: Artifact, results: list[Result]) -> Outcome:
        signed = [r for r in results if trusted & set(r.summary["signed_by"])]
        runs = list(PipelineRun.objects.filter(artifact=artifact).order_by("-recorded_at"))
        found: dict[str, Any] = {
            "facts": {
                "signed": len(signed),
                "statements": len(results),
                "results": sorted(r.digest for r in results),
                "runs": [run.definition_digest for run in runs],
                "commit": artifact.commit,
            },
            "evidence": [*(signed or results), *runs[:5]],
            "as_of": min(r.reported_at for r in signed or results),
        }
        if not signed:
            return failed(
                f"The provenance of {artifact} is unverified: no trusted key signed it.",
                "Register the builder's key and post the signed statement, or build where provenance is signed.",
                **found,
            )
        right = [r for r in signed if not builders or r.summary["builder"].startswith(tuple(builders))]
        if not right:
            return failed(
                f"{artifact} was built by {signed[0].summary['builder'] or 'nobody named'}.",
                f"Build it with {' or '.join(builders)}.",
                **found,
            )
        commits = {r.summary["commit"] for r in right}
        if same_commit and (not artifact.commit or artifact.commit not in commits):
            told = next((c for c in sorted(commits) if c), "no commit")
            return failed(
                f"The provenance of {artifact} names {told[:12]}, the artifact {artifact.commit[:12] or 'no commit'}.",
                "Register the artifact with the commit it was built from.",
                **found,
            )
        if (run_recorded or definitions) and not runs:
            return failed(
                f"No pipeline run of {artifact} is on record.",
                "Record the run with the digest of its definition.",
                **found,
            )
        if definitions and runs[0].definition_digest not in definitions:
            return failed(
                f"{artifact} was made by a pipeline definition that is not approved: {runs[0].definition_digest[:19]}.",
                "Build it with an approved definition, or have the gate name this one.",
                **found,
            )
        return passed(
            f"{right[0].summary['builder']} built {artifact}, and the statement's signature holds.", **found
        )

    return judge_results(
        ctx,
        "provenance",
        judge,
        missing="No provenance",
        remedy="Post the signed in-toto statement for {digest}.",
    )
