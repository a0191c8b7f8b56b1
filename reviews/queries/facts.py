"""The facts of a review, read from where they are on record: plan, approvals, gates, deployments, incidents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from governance.models import ChangeDeployment, ChangeRequest, Evaluation, Gate, Vote
from problems.models import FailureLink
from releasetrain.kernel.canonical import plain
from reviews.models import Review, ReviewFact
from reviews.rules.contradictions import Approval, Harm, Ran, Verdict, gaps
from trains.models import Deployment, Release

from .measures import Line, contradicted, handed_over, measured
from .policies import policy_of
from .subject import blamed, deployments_of

Kind = ReviewFact.Kind
State = Deployment.State


def facts_of(review: Review, at: datetime) -> list[Line]:
    """Everything on record about what is reviewed, in no particular order."""
    deployments = list(deployments_of(review))
    links = list(blamed(deployments))
    evaluations = _evaluations(review, deployments)
    found = [
        *_plan(review.release, deployments),
        *_approvals(review.release),
        *_gates(evaluations),
        *_deployments(deployments),
        *_incidents(links),
        *_measures(review, deployments, links),
        *measured(review, deployments, policy_of(review), at),
        *_gaps(review, deployments, links, evaluations, at),
        *contradicted(deployments, at),
        *handed_over(deployments, links, at),
    ]
    return list({line.identity: line for line in found}.values())


def _plan(release: Release | None, deployments: list[Deployment]) -> Iterator[Line]:
    if release is None:
        return
    forward = [d for d in deployments if d.kind != Deployment.Kind.ROLLBACK]
    live = [d.finished_at for d in forward if d.outcome == State.SUCCEEDED and d.finished_at]
    if release.target_at:
        actual = release.released_at or (max(live) if live else None)
        delay = actual - release.target_at if actual else None
        yield Line(
            "plan:target",
            Kind.PLAN,
            f"Planned for {_moment(release.target_at)}; "
            + (
                f"live {_moment(actual)}, {_late(delay)}."
                if actual and delay is not None
                else "not live yet."
            ),
            "release",
            str(release.pk),
            release.target_at,
            {"target": release.target_at, "actual": actual, "delay_hours": _hours(delay)},
        )
    late = release.items.filter(after_freeze=True)
    if release.frozen_at:
        count = late.count()
        yield Line(
            "plan:freeze",
            Kind.PLAN,
            f"The scope was frozen {_moment(release.frozen_at)}; "
            f"{count} change{'' if count == 1 else 's'} of scope came after it.",
            "release",
            str(release.pk),
            release.frozen_at,
            {"changes_after_freeze": count},
        )


def _approvals(release: Release | None) -> Iterator[Line]:
    if release is None:
        return
    for change in ChangeRequest.objects.filter(release=release).order_by("created_at"):
        votes = list(Vote.objects.filter(change=change, revision=change.approved_revision or change.revision))
        counted = {
            label.lower(): n
            for choice, label in Vote.Choice.choices
            if (n := sum(v.choice == choice for v in votes))
        }
        said = ", ".join(f"{n} {label}" for label, n in counted.items()) or "no votes"
        if change.approved_at:
            sentence = f"{change.key} was approved at revision {change.approved_revision}: {said}."
        else:
            sentence = f"{change.key} is {change.get_state_display().lower()}: {said}."
        yield Line(
            f"approval:{change.pk}",
            Kind.APPROVAL,
            sentence,
            "changerequest",
            str(change.pk),
            change.approved_at or change.submitted_at or change.created_at,
            {"type": change.type, "risk": change.risk, "votes": counted, "revision": change.revision},
        )


def _evaluations(review: Review, deployments: list[Deployment]) -> list[Evaluation]:
    rows = Evaluation.objects.filter(state=Evaluation.State.DONE).select_related("gate", "environment")
    if review.release_id:
        rows = rows.filter(release=review.release_id)
    else:
        rows = rows.filter(artifact__in=[d.artifact_id for d in deployments if d.artifact_id])
    return list(rows.order_by("finished_at"))


def _gates(evaluations: list[Evaluation]) -> Iterator[Line]:
    """The last answer of each gate, and how often it was asked."""
    by_gate: dict[Any, list[Evaluation]] = {}
    for each in evaluations:
        by_gate.setdefault(each.gate_id, []).append(each)
    for asked in by_gate.values():
        last = asked[-1]
        failing = [c["name"] for c in last.checks if c.get("verdict") in ("fail", "pending", "error")]
        waived = [c["name"] for c in last.checks if c.get("verdict") == "waived"]
        sentence = f"{last.gate} said {last.verdict} for {last.environment}"
        sentence += f", asked {len(asked)} times" if len(asked) > 1 else ""
        sentence += f"; not passed: {', '.join(failing)}" if failing else ""
        sentence += f"; waived: {', '.join(waived)}" if waived else ""
        yield Line(
            f"gate:{last.gate_id}",
            Kind.GATE,
            sentence[:499] + ".",
            "evaluation",
            str(last.pk),
            last.finished_at,
            {"verdict": last.verdict, "asked": len(asked), "not_passed": failing, "waived": waived},
        )


def _deployments(deployments: list[Deployment]) -> Iterator[Line]:
    for each in deployments:
        rollback = each.kind == Deployment.Kind.ROLLBACK
        took = each.finished_at - each.started_at if each.finished_at else None
        what = f"Rollback of {each.service}" if rollback else f"{each.service} {each.version}".strip()
        how = f"{what} to {each.environment} {each.get_outcome_display().lower()}"
        how += f", took {_span(took)}" if took else ""
        how += ", as an emergency" if each.emergency else ""
        undone = each.state == State.ROLLED_BACK
        yield Line(
            f"deployment:{each.pk}",
            Kind.ROLLBACK if rollback else Kind.DEPLOYMENT,
            how + ("; it was rolled back." if undone else "."),
            "deployment",
            str(each.pk),
            each.started_at,
            {
                "outcome": each.outcome,
                "state": each.state,
                "minutes": _minutes(took),
                "emergency": each.emergency,
            },
        )


def _incidents(links: list[FailureLink]) -> Iterator[Line]:
    for link in links:
        incident = link.incident
        ended = (
            f"resolved after {_span(incident.resolved_at - incident.began_at)}"
            if incident.resolved_at
            else "not resolved yet"
        )
        yield Line(
            f"incident:{incident.pk}",
            Kind.INCIDENT,
            f"{incident.key} ({incident.get_severity_display()}) {incident.title[:200]}: {ended};"
            f" laid to {link.deployment} ({link.get_status_display().lower()}).",
            "incident",
            str(incident.pk),
            incident.began_at,
            {"severity": incident.severity, "link": link.status, "kind": link.kind},
        )


def _measures(review: Review, deployments: list[Deployment], links: list[FailureLink]) -> Iterator[Line]:
    source = ("release", str(review.release_id)) if review.release_id else ("service", str(review.service_id))
    ended = [
        d
        for d in deployments
        if d.kind != Deployment.Kind.ROLLBACK and d.outcome in (State.SUCCEEDED, State.FAILED)
    ]
    undone = sum(d.state == State.ROLLED_BACK for d in ended)
    if ended:
        yield Line(
            "measure:rollbacks",
            Kind.MEASURE,
            f"{undone} of {len(ended)} production deployments {'was' if undone == 1 else 'were'} rolled back.",
            *source,
            value={"rolled_back": undone, "deployments": len(ended)},
        )
    restored = {link.incident_id: link.incident for link in links if link.incident.resolved_at}
    if restored:
        spans = [i.resolved_at - i.began_at for i in restored.values()]
        longest = max(spans)
        yield Line(
            "measure:restore",
            Kind.MEASURE,
            f"Service was restored in {_span(longest)}"
            + (f" at the longest, over {len(spans)} incidents." if len(spans) > 1 else "."),
            *source,
            value={"incidents": len(spans), "longest_minutes": _minutes(longest)},
        )


def _gaps(
    review: Review,
    deployments: list[Deployment],
    links: list[FailureLink],
    evaluations: list[Evaluation],
    at: datetime,
) -> Iterator[Line]:
    changes = (
        ChangeRequest.objects.filter(release=review.release_id)
        if review.release_id
        else ChangeRequest.objects.none()
    )
    authorised = {a.deployment_id: a for a in ChangeDeployment.objects.filter(deployment__in=deployments)}
    environments = {d.environment_id for d in deployments}
    gated = Gate.objects.filter(environment__in=environments, mode=Gate.Mode.ACTIVE).exists()
    found = gaps(
        approvals=[
            Approval(
                str(c.pk),
                c.key,
                c.approved_at,
                (c.window_starts, c.window_ends) if c.window_starts and c.window_ends else None,
            )
            for c in changes.exclude(state=ChangeRequest.State.CANCELLED)
        ],
        # A rollback is the way back that was approved with the way there.
        ran=[_ran(d, authorised.get(d.pk)) for d in deployments if d.kind != Deployment.Kind.ROLLBACK],
        verdicts=[
            Verdict(str(e.pk), e.gate.key, str(e.verdict), e.finished_at)
            for e in evaluations
            if e.finished_at and e.environment_id in environments and e.gate.mode == Gate.Mode.ACTIVE
        ],
        harms=[
            Harm(str(x.incident_id), x.incident.key, x.incident.began_at, str(x.deployment_id)) for x in links
        ],
        at=at,
        gated=gated,
    )
    for gap in found:
        yield Line(f"gap:{gap.name}"[:120], Kind.GAP, gap.sentence[:500], gap.kind, gap.id, gap.at)


def _ran(deployment: Deployment, record: ChangeDeployment | None) -> Ran:
    return Ran(
        str(deployment.pk),
        str(deployment),
        deployment.started_at,
        deployment.finished_at,
        record.authorised if record else None,
        record.reason if record else "",
    )


def content_of(facts: list[ReviewFact]) -> list[dict[str, Any]]:
    """The accepted facts as plain data, for their digest."""
    return [
        {
            "identity": f.identity,
            "at": plain(f.at) if f.at else None,
            "kind": f.kind,
            "sentence": f.sentence,
            "source": f"{f.source_kind}:{f.source_id}",
            "value": f.value,
        }
        for f in sorted(facts, key=lambda f: f.identity)
    ]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _late(delay: timedelta) -> str:
    if abs(delay) < timedelta(minutes=1):
        return "on time"
    return f"{_span(abs(delay))} {'late' if delay > timedelta(0) else 'early'}"


def _span(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    days, rest = divmod(minutes, 1_440)
    hours, minutes = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n]
    return " ".join(parts[:2]) or f"{round(span.total_seconds())} s"


def _hours(span: timedelta | None) -> float | None:
    return round(span.total_seconds() / 3600, 2) if span is not None else None


def _minutes(span: timedelta | None) -> float | None:
    return round(span.total_seconds() / 60, 1) if span is not None else None
