"""What the pages of gates, evaluations, results and findings show beyond the generic page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from governance.checks import registry
from governance.checks.differing import differences
from governance.checks.runner import Record
from governance.models import Evaluation, Finding, FindingOccurrence, Gate, GateVersion, Result, Waiver
from governance.queries import verdicts
from governance.queries.findings_report import in_builds_of, new_in
from governance.rules.verdicts import worst_first
from releasetrain.audit.doorway import actions
from releasetrain.interface import links
from releasetrain.interface.parameters import condition_for
from releasetrain.interface.resources import Filter, resource_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from trains.models import Release, Service

SHOWN = 15


def _overdue(rows: QuerySet[Finding], value: str) -> QuerySet[Finding]:
    living = rows.filter(state__in=[Finding.State.OPEN, Finding.State.TRIAGED, Finding.State.REOPENED])
    return living.filter(due_at__lte=now()) if value == "late" else living.filter(due_at__gt=now())


def _found(value: str) -> Any:
    """The release or service that a filter names; nothing where there is none of that name."""
    for model in (Release, Service):
        resource = resource_of(model)
        condition = condition_for(model, value[:120])
        if resource and condition is not None:
            found = model._default_manager.filter(condition).first()
            if found is not None:
                return found
    return None


def _in_builds(rows: QuerySet[Finding], value: str) -> QuerySet[Finding]:
    subject = _found(value)
    return rows.filter(pk__in=in_builds_of(subject).values("pk")) if subject else rows.none()


def _new_in(rows: QuerySet[Finding], value: str) -> QuerySet[Finding]:
    subject = _found(value)
    return rows.filter(pk__in=new_in(subject).values("pk")) if subject else rows.none()


IN_BUILDS = Filter("in_builds_of", "In the builds of (release)", _in_builds)
NEW_IN = Filter("new_in", "Not in production yet (release)", _new_in)
OVERDUE = Filter("due", "Due", _overdue, (("late", "Overdue"), ("ahead", "Still in time")))


def gate_page(request: Any, gate: Gate) -> dict[str, Any]:
    """The rule in plain words, the versions, the last evaluations and the exceptions."""
    version = gate.current_version
    publish = actions()["gate.publish_version"].decide(request.actor, gate)
    return {
        "gate": gate,
        "version": version,
        "rules": rules_of(version) if version else [],
        "versions": list(gate.versions.all()[:SHOWN]),
        "evaluations": list(
            gate.evaluations.select_related("release", "artifact__service", "gate_version").order_by(
                "-requested_at"
            )[:SHOWN]
        ),
        "waivers": list(
            gate.waivers.exclude(state=Waiver.State.REFUSED).select_related(
                "release", "artifact__service", "requested_by", "granted_by"
            )[:SHOWN]
        ),
        "publish": publish,
        "publish_url": reverse("gate_publish", args=[request.organization.slug, gate.key]),
        "ask": actions()["gate.evaluate"].decide(request.actor),
        "ask_url": f"{links.verb_url(actions()['gate.evaluate'])}?gate={gate.pk}",
        "waiver_url": f"{links.verb_url(actions()['waiver.request'])}?gate={gate.pk}",
        "moment": now(),
        "replays": list(gate.replays.all()[:5]),
    }


def rules_of(version: GateVersion) -> list[dict[str, Any]]:
    """The checks of a version, each in plain words."""
    found = []
    for spec in version.checks:
        kind = registry.find(spec["kind"])
        found.append(
            {
                **spec,
                "title": kind.title if kind else spec["kind"],
                "rule": kind.rule(kind.clean(spec["parameters"]))
                if kind
                else "This kind of check is no longer installed: it is an error, never a pass.",
                "installed": kind is not None,
            }
        )
    return found


def version_page(request: Any, version: GateVersion) -> dict[str, Any]:
    """The rules of a version, and how they differ from those before."""
    before = version.gate.versions.filter(number__lt=version.number).first()
    return {
        "version": version,
        "rules": rules_of(version),
        "changes": differences(before.checks, version.checks) if before else [],
        "previous": before,
    }


def evaluation_page(request: Any, evaluation: Evaluation) -> dict[str, Any]:
    """Every check with its reason, remedy and evidence, what stands in the way first."""
    standing = evaluation.is_settled and verdicts.stands(evaluation)
    subject = evaluation.subject
    name = "release" if evaluation.release_id else "artifact"
    waive = links.verb_url(actions()["waiver.request"])
    checks = sorted((_shown(check) for check in evaluation.checks), key=lambda c: worst_first(c["verdict"]))
    for check in checks:
        if check["verdict"] in ("fail", "pending"):
            check["waive_url"] = (
                f"{waive}?gate={evaluation.gate_id}&check={check['name']}&{name}={subject.pk}"
            )
    again = actions()["gate.evaluate"]
    return {
        "evaluation": evaluation,
        "subject": subject,
        "standing": standing,
        "outdated": evaluation.is_settled and not standing,
        "counts": {
            v: sum(1 for c in checks if c["verdict"] == v)
            for v in ("pass", "waived", "fail", "error", "pending")
        },
        "checks": checks,
        "again": again.decide(request.actor),
        "again_url": f"{links.verb_url(again)}?gate={evaluation.gate_id}&{name}={subject.pk}",
        "working": not evaluation.is_settled,
    }


def _shown(check: Record) -> dict[str, Any]:
    """A check with its moments and references as pages write them."""
    return {
        **check,
        "as_of": datetime.fromisoformat(check["as_of"]) if check["as_of"] else None,
        "valid_until": datetime.fromisoformat(check["valid_until"]),
        "evidence": [{**ref, "url": links.url_of_ref(Ref(**ref))} for ref in check["evidence"]],
    }


def result_page(request: Any, result: Result) -> dict[str, Any]:
    """What was read from a report, and what else is known of its artifact."""
    figures = {name: result.summary[name] for name in _FIGURES if result.summary.get(name) not in (None, "")}
    return {
        "result": result,
        "figures": [
            (
                name.replace("_", " ").capitalize(),
                {True: "yes", False: "no"}[value] if isinstance(value, bool) else value,
            )
            for name, value in figures.items()
        ],
        "by_severity": result.summary.get("by_severity", {}),
        "problems": result.summary.get("problems", []),
        "failing": result.summary.get("failing", []),
        "others": list(
            Result.objects.filter(artifact=result.artifact)
            .exclude(pk=result.pk)
            .order_by("-reported_at")[:SHOWN]
        ),
        "download": reverse("result_file", args=[request.organization.slug, result.pk]),
    }


# In reading order; the rest of a summary has panels of its own.
_FIGURES = (
    *("total", "passed", "failed", "errored", "skipped", "flaky", "duration"),
    *("percent", "covered", "files", "basis", "components", "findings", "exempt", "serial_number"),
    *("requests", "errors", "rate", "average", "median", "p90", "p95", "p99", "longest", "checks_failed"),
    *("verified", "builder", "definition", "definition_digest", "commit", "source_repository", "invocation"),
)


def finding_page(request: Any, finding: Finding) -> dict[str, Any]:
    """Where it was seen, and by when it is due."""
    late = finding.due_at is not None and finding.due_at <= now()
    living = finding.state in (Finding.State.OPEN, Finding.State.TRIAGED, Finding.State.REOPENED)
    seen = (
        FindingOccurrence.objects.filter(finding=finding)
        .select_related("result__artifact__service")
        .order_by("-id")
    )
    return {"finding": finding, "late": late and living, "occurrences": list(seen[:SHOWN])}


def gates_panel(request: Any, release: Any) -> tuple[str, str, dict[str, Any], int] | None:
    """The panel of the release cockpit: every gate on the release's way, with the verdict that stands."""
    from governance.queries.subjects import subject_of
    from trains.queries.deployments import environments_of

    subject = subject_of(release, None)
    environments = environments_of(release.train)
    rows = (
        Gate.objects.filter(environment__in=environments)
        .exclude(mode=Gate.Mode.RETIRED)
        .select_related("environment", "train", "service")
    )
    from governance.queries.subjects import meets

    lines = [
        _line(gate, verdicts.latest(gate, subject))
        for gate in rows.order_by("environment__rank", "key")
        if meets(gate, subject)
    ]
    ask = actions()["gate.evaluate"]
    for line in lines:
        line["ask_url"] = f"{links.verb_url(ask)}?gate={line['gate'].pk}&release={release.pk}"
    # The doorway judges the right to ask on the release that is chosen in the form.
    context = {
        "lines": lines,
        "may_ask": request.actor.may("gates.ask", release),
        "gates_url": f"{links.page_root()}gates/",
        "sign_url": f"{links.verb_url(actions()['sign_off.give'])}?release={release.pk}",
    }
    return "Gates", "governance/gates_panel.html", context, 10


def _line(gate: Gate, evaluation: Evaluation | None) -> dict[str, Any]:
    standing = evaluation is not None and verdicts.stands(evaluation)
    word = str(evaluation.verdict) if evaluation and standing else "pending"
    in_the_way = (
        [c for c in evaluation.checks if c["verdict"] not in ("pass", "waived")]
        if evaluation and standing
        else []
    )
    in_the_way.sort(key=lambda c: worst_first(c["verdict"]))
    if evaluation is None:
        why = "Not evaluated yet."
    elif not standing:
        why = f"Said {evaluation.get_verdict_display().lower()}; something it read has changed since."
    elif in_the_way:
        why = " ".join(c["reason"] for c in in_the_way[:2])
    else:
        why = f"{len(evaluation.checks)} checks passed or are waived."
    return {
        "gate": gate,
        "evaluation": evaluation,
        "standing": standing,
        "word": word,
        "why": why,
        "in_the_way": in_the_way,
    }
