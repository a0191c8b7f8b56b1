"""The chain of evidence behind one row of a sample: each link says what there is, whether it holds, and where to look.

Apps above add links of their own: ``@chain_link("deployments", order=700)`` on fn(row) -> Iterable[Link].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Q

from governance.models import (
    AuditPopulation,
    ChangeDeployment,
    ChangeRequest,
    Evaluation,
    Finding,
    FindingOccurrence,
    Result,
    SampledRow,
    Vote,
    Waiver,
)
from governance.models.findings import Severity
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.refusals import Ref
from trains.models import Deployment, Release, ScopeItem

from .populations import SUBJECTS

HOLDS, FAILS, ABSENT, NOTED = "ok", "bad", "absent", "note"
MOST_REFS = 12


@dataclass(frozen=True)
class Link:
    """One link: its heading, whether it holds (ok, bad, absent, note), a sentence, and the objects it rests on."""

    title: str
    state: str
    sentence: str
    refs: list[dict[str, str]] = field(default_factory=list)
    at: str | None = None


Source = Callable[[Any], Iterable[Link]]
_sources: list[tuple[int, str, Source]] = []


def chain_link(kind: str, *, order: int) -> Callable[[Source], Source]:
    """Register links for rows of a kind of population; lower order comes first."""

    def register(source: Source) -> Source:
        _sources.append((order, kind, source))
        _sources.sort(key=lambda entry: entry[0])
        return source

    return register


def chain_of(row: SampledRow) -> list[dict[str, Any]]:
    """The whole chain as plain data."""
    kind = row.sample.population.kind
    obj = SUBJECTS[AuditPopulation.Kind(kind)]._default_manager.filter(pk=row.subject_id).first()
    if obj is None:
        return [asdict(Link("Record", FAILS, "The record is not there any more."))]
    links = [_present(row, obj)]
    for _, of, source in _sources:
        if of == kind:
            links.extend(source(obj))
    return [plain(asdict(link)) for link in links]


def refs(objects: Iterable[Any]) -> list[dict[str, str]]:
    """References for a link."""
    return [asdict(Ref.of(obj)) for obj in objects][:MOST_REFS]


def _present(row: SampledRow, obj: Any) -> Link:
    """Whether the record still says what was frozen."""
    now = {"state": str(getattr(obj, "state", ""))}
    then = str(row.row.get("state", ""))
    changed = then and now["state"] and then != now["state"]
    sentence = (
        f"It was {_word(then)} when the population was frozen and is {_word(now['state'])} now."
        if changed
        else "Its record stands as it was frozen."
    )
    return Link("Record", NOTED if changed else HOLDS, sentence, refs([obj]), row.row.get("at"))


def _word(value: Any) -> str:
    return str(value).replace("_", " ")


# --- deployments -------------------------------------------------------------------------------------------------


@chain_link("deployments", order=100)
def _authorised(deployment: Deployment) -> Iterator[Link]:
    link = (
        ChangeDeployment.objects.filter(deployment=deployment)
        .select_related("change__release", "change__service", "change__board")
        .first()
    )
    if link is None or link.change is None:
        yield Link("Change request", ABSENT, link.reason if link else "No change request authorises it.")
        return
    state = HOLDS if link.authorised else FAILS
    yield Link("Change request", state, link.reason, refs([link.change]), plain(link.change.approved_at))
    yield from _approvals(link.change)
    yield _deployer(deployment, link.change)


@chain_link("deployments", order=200)
def _gates(deployment: Deployment) -> Iterator[Link]:
    about = Q(artifact=deployment.artifact_id) if deployment.artifact_id else Q(pk__in=[])
    if deployment.release_id:
        about |= Q(release=deployment.release_id)
    asked = Evaluation.objects.filter(
        about, environment=deployment.environment_id, finished_at__lte=deployment.started_at
    )
    yield _gate_link(list(asked.select_related("gate").order_by("-finished_at")[:20]))


@chain_link("deployments", order=300)
def _content(deployment: Deployment) -> Iterator[Link]:
    if deployment.release is None:
        yield Link("Release", ABSENT, "It belongs to no release.")
    else:
        yield from _release_links(deployment.release)
    if deployment.artifact is not None:
        yield from _build_links([deployment.artifact])
    else:
        yield Link("Build", ABSENT, "No artifact is named, so no test or scan report can be tied to it.")


# --- changes, releases, waivers ------------------------------------------------------------------------------------


@chain_link("changes", order=100)
def _change(change: ChangeRequest) -> Iterator[Link]:
    plans = ("implementation_plan", "test_plan", "backout_plan")
    missing = [name.replace("_", " ") for name in plans if not getattr(change, name)]
    sentence = (
        f"Without {', '.join(missing)}." if missing else "Implementation, test and backout plan are written."
    )
    yield Link("Plans", FAILS if missing else HOLDS, sentence, refs([change]))
    yield from _approvals(change)
    under = ChangeDeployment.objects.filter(change=change).select_related(
        "deployment__service", "deployment__environment"
    )
    yield _count(
        "Deployments",
        [row.deployment for row in under],
        "stood or asked to stand under it",
        absent="Nothing was deployed under it.",
    )
    if change.release is not None:
        yield from _release_links(change.release)


@chain_link("releases", order=100)
def _release(release: Release) -> Iterator[Link]:
    yield from _release_links(release)
    changes = list(ChangeRequest.objects.filter(release=release).select_related("board"))
    if not changes:
        yield Link("Change request", ABSENT, "No change request is about it.")
    for change in changes[:5]:
        yield Link(
            "Change request",
            HOLDS if change.approved_at else FAILS,
            f"It is {_word(change.state)}.",
            refs([change]),
        )
        yield from _approvals(change)
    asked = Evaluation.objects.filter(release=release, finished_at__isnull=False).select_related("gate")
    yield _gate_link(list(asked.order_by("-finished_at")[:20]))
    yield from _build_links([each.artifact for each in release.artifacts.select_related("artifact__service")])


@chain_link("waivers", order=100)
def _waiver(waiver: Waiver) -> Iterator[Link]:
    apart = waiver.granted_by_id is not None and waiver.granted_by_id != waiver.requested_by_id
    yield Link(
        "Decision",
        HOLDS if apart else FAILS,
        f"{waiver.requested_by} asked, {waiver.granted_by or 'nobody'} decided: {waiver.decision or 'no reason given'}",
        refs([waiver]),
        plain(waiver.decided_at),
    )
    reasons = [name for name in ("reason", "risk", "mitigation") if not getattr(waiver, name).strip()]
    sentence = f"Without {', '.join(reasons)}." if reasons else "Reason, risk and mitigation are written."
    yield Link("Reasons", FAILS if reasons else HOLDS, sentence)
    yield Link(
        "End", HOLDS, f"It ends by itself on {waiver.expires_at:%d %b %Y}.", at=plain(waiver.expires_at)
    )
    if waiver.subject is not None:
        yield Link("About", NOTED, f"It is for {waiver.subject}.", refs([waiver.subject]))


# --- shared links ------------------------------------------------------------------------------------------------


def _approvals(change: ChangeRequest) -> Iterator[Link]:
    """Who approved, that it was exactly this content, and that nobody approved their own work."""
    revision = change.approved_revision or change.revision
    votes = list(Vote.objects.filter(change=change, revision=revision).select_related("voter", "cast_by"))
    if not votes and not change.approved_at:
        yield Link("Approval", ABSENT, "Nobody has voted on it.")
        return
    yes = [v for v in votes if v.choice in (Vote.Choice.APPROVE, Vote.Choice.CONDITIONS)]
    who = ", ".join(str(v.voter) for v in yes) or "nobody"
    exact = change.approved_digest and all(v.content_digest == change.approved_digest for v in yes)
    sentence = f"{len(yes)} of {len(votes)} votes approve revision {revision}: {who}."
    yield Link(
        "Approval",
        HOLDS if change.approved_at and exact else FAILS,
        sentence,
        refs(votes),
        plain(change.approved_at),
    )
    hands = set(change.contributors.values_list("user_id", flat=True))
    own = sorted({str(v.voter) for v in yes if {v.voter_id, v.cast_by_id} & hands})
    yield Link(
        "Segregation of duties",
        FAILS if own else HOLDS,
        f"Approved work of their own: {', '.join(own)}."
        if own
        else "Nobody who approved it had a hand in it.",
    )


def _deployer(deployment: Deployment, change: ChangeRequest) -> Link:
    approved = {
        hand
        for pair in Vote.objects.filter(
            change=change, choice__in=[Vote.Choice.APPROVE, Vote.Choice.CONDITIONS]
        ).values_list("voter_id", "cast_by_id")
        for hand in pair
    }
    if deployment.deployed_by_id is None:
        return Link(
            "Deployed by",
            NOTED,
            f"{deployment.deployed_by_name or 'A pipeline'} of {deployment.source or 'no source'}.",
        )
    same = deployment.deployed_by_id in approved
    sentence = f"{deployment.deployed_by}, who {'also approved the change' if same else 'did not approve the change'}."
    return Link("Deployed by", FAILS if same else HOLDS, sentence)


def _gate_link(asked: list[Evaluation]) -> Link:
    if not asked:
        return Link("Gate", ABSENT, "No gate was asked before.")
    # The last answer of each gate counts.
    last: dict[Any, Evaluation] = {}
    for each in asked:
        last.setdefault(each.gate_id, each)
    bad = [e for e in last.values() if e.verdict not in ("pass", "waived")]
    said = ", ".join(f"{e.gate.key} {e.verdict or 'error'}" for e in last.values())
    return Link(
        "Gate",
        FAILS if bad else HOLDS,
        f"Last answers before: {said}.",
        refs(last.values()),
        plain(asked[0].finished_at),
    )


def _release_links(release: Release) -> Iterator[Link]:
    items = list(ScopeItem.objects.filter(release=release, removed_at__isnull=True))
    late = sum(item.after_freeze for item in items)
    sentence = f"{len(items)} items in scope" + (f", {late} changed after the freeze." if late else ".")
    yield Link("Release", NOTED if late or not items else HOLDS, sentence, refs([release, *items]))
    waived = list(Waiver.objects.filter(release=release, state=Waiver.State.GRANTED).select_related("gate"))
    if waived:
        yield Link("Waivers", NOTED, f"{len(waived)} checks were waived.", refs(waived))


def _build_links(artifacts: list[Any]) -> Iterator[Link]:
    if not artifacts:
        yield Link("Build", ABSENT, "No artifact is attached.")
        return
    results = list(
        Result.objects.filter(artifact__in=artifacts)
        .select_related("artifact__service")
        .order_by("reported_at")
    )
    yield _count(
        "Tests and scans",
        results,
        "reported about its builds",
        absent="Nothing was reported about its builds.",
    )
    severe = FindingOccurrence.objects.filter(
        result__in=results, finding__severity__in=[Severity.CRITICAL, Severity.HIGH]
    ).values("finding")
    found = list(Finding.objects.filter(pk__in=severe, state__in=["open", "reopened", "triaged"]))
    if found:
        yield Link("Findings", NOTED, f"{len(found)} severe findings are open.", refs(found))


def _count(title: str, objects: list[Any], what: str, *, absent: str) -> Link:
    if not objects:
        return Link(title, ABSENT, absent)
    return Link(title, HOLDS, f"{len(objects)} {what}.", refs(objects))
