"""Verbs of problems: from the first incident to independent closure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from django.contrib.auth import get_user_model

from governance.actions.changes import add_contributor
from governance.gates import invalidate
from governance.models import ChangeContributor, ChangeRequest
from problems.models import SEVERITIES, Category, Incident, Problem, ProblemFix, ProblemIncident
from problems.queries.claims import SOURCE
from problems.queries.closing import obstacles
from problems.queries.people import hands_in_fix
from problems.queries.recurrence import running_window
from problems.states import PROBLEM_STATES
from releasetrain.audit.doorway import Actor, Field, Ref, Refusal, action, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.actions.scope import Cause, Criterion, EmergencyChange, add_item, scope_is_frozen
from trains.models import Classification, Release, Service

from .as_system import as_system
from .deviations import overdue
from .observation import settle
from .recurring import came_back_after, follow
from .reopening import reopen
from .success import measure_all

User = get_user_model()
State = Problem.State
Severity = Annotated[int, Field("Severity", min=1, max=4, choices=SEVERITIES)]
Person = Any
_UNDEPLOYED = (
    Release.State.PLANNING,
    Release.State.SCOPED,
    Release.State.FROZEN,
    Release.State.READY,
    Release.State.APPROVED,
)


# The rules of an observation, which stand while it runs.
_AGREED = ("fingerprint", "observation_days", "threshold", "min_exposure", "exposure_unit", "rolls_back")


@action("problem.create", creates=Problem, requires="problems.manage", within="service")
def create_problem(
    actor: Actor,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    service: Service,
    severity: Severity = 3,
    category: Annotated[Category, Field("Category")] = Category.UNKNOWN,
    description: Annotated[str, Field("Description", long=True)] = "",
    fingerprint: Annotated[
        str, Field("Fingerprint", help="Incidents with it are this problem coming back.", max_length=120)
    ] = "",
    owner: Annotated[User | None, Field("Owner")] = None,  # type: ignore[valid-type]
    incidents: Annotated[list[Incident], Field("Incidents")] = [],  # noqa: B006 - read only
) -> Problem:
    """Open a problem, perhaps from incidents."""
    problem = Problem.objects.create(
        title=title,
        service=service,
        severity=severity,
        category=category,
        description=description,
        fingerprint=fingerprint,
        owner=owner,
    )
    alike = Incident.objects.exclude(fingerprint="").filter(fingerprint=fingerprint)
    for incident in {i.pk: i for i in [*incidents, *alike]}.values():
        ProblemIncident.objects.create(problem=problem, incident=incident)
    return problem


@action("incident.raise_problem", on=Incident, requires="problems.manage", label="Raise a problem")
def raise_problem(
    actor: Actor,
    incident: Incident,
    *,
    title: Annotated[str, Field("Title", help="Empty: that of the incident.", max_length=200)] = "",
    service: Annotated[Service | None, Field("Service", help="Empty: the incident's first.")] = None,
) -> Problem:
    """Open a problem for what lies behind the incident."""
    known = Problem.objects.filter(incidents__incident=incident).exclude(state=Problem.State.CLOSED).first()
    if known:
        refuse("problem.raised", f"{incident.key} belongs to {known.key}.", blocked_by=Ref.of(known))
    touched = incident.services.select_related("service").first()
    behind = service or (touched.service if touched else None)
    if behind is None:
        refuse("problem.service", "Say whose problem it is.", field="service")
    return create_problem(
        actor,
        title=title or incident.title,
        service=behind,
        severity=incident.severity,
        category=Category(incident.category or Category.UNKNOWN),
        fingerprint=incident.fingerprint,
        incidents=[incident],
    )


@action("problem.edit", on=Problem, requires="problems.manage")
def edit_problem(
    actor: Actor,
    problem: Problem,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    severity: Annotated[int | None, Field("Severity", min=1, max=4, choices=SEVERITIES)] = None,
    category: Annotated[Category | None, Field("Category")] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
    workaround: Annotated[str | None, Field("Workaround", long=True)] = None,
    fingerprint: Annotated[str | None, Field("Fingerprint", max_length=120)] = None,
    owner: Annotated[User | None, Field("Owner")] = None,  # type: ignore[valid-type]
    success_criteria: Annotated[
        str | None,
        Field("Success criteria", help="What must measurably be so before it is closed.", long=True),
    ] = None,
    observation_days: Annotated[int | None, Field("Observation days", min=1, max=365)] = None,
    threshold: Annotated[
        int | None, Field("Threshold", help="So many matching incidents mean that it is back.", min=1)
    ] = None,
    min_exposure: Annotated[
        int | None, Field("Least exposure", help="How often the fix must be exercised while observed.", min=0)
    ] = None,
    exposure_unit: Annotated[str | None, Field("Unit of exposure", max_length=40)] = None,
    rolls_back: Annotated[
        bool | None, Field("Roll the fix back", help="When the problem comes back while its fix is observed.")
    ] = None,
) -> Problem:
    """Change what is said of the problem. What is being observed stays as it was agreed."""
    given = {
        "title": title,
        "severity": severity,
        "category": category,
        "description": description,
        "workaround": workaround,
        "fingerprint": fingerprint,
        "owner": owner,
        "success_criteria": success_criteria,
        "observation_days": observation_days,
        "threshold": threshold,
        "min_exposure": min_exposure,
        "exposure_unit": exposure_unit,
        "rolls_back": rolls_back,
    }
    window = running_window(problem)
    for name in _AGREED:
        if window and given[name] is not None and given[name] != getattr(problem, name):
            refuse(
                "problem.observed",
                f"{problem.key} is being observed; the rules of an observation do not change while it runs.",
                blocked_by=Ref.of(window),
                field=name,
                status=409,
            )
    for name, value in given.items():
        if value is not None:
            setattr(problem, name, value)
    problem.save()
    return problem


@action("problem.link_incident", on=Problem, requires="problems.manage")
def link_incident(actor: Actor, problem: Problem, *, incident: Incident) -> ProblemIncident:
    """Say that the problem lies behind the incident. After a fix this means that it came back."""
    linked, made = ProblemIncident.objects.get_or_create(problem=problem, incident=incident)
    if not made:
        refuse(
            "problem.incident_known",
            f"{incident.key} belongs to {problem.key} already.",
            blocked_by=Ref.of(problem),
        )
    if problem.state == State.CLOSED and came_back_after(problem, incident):
        with as_system(actor, "incident recurrence") as system:
            reopen(system, problem, reason=f"{incident.key} is the same again.")
    follow(actor, [incident])
    return linked


@action("problem.mark_known_error", on=Problem, requires="problems.manage", machine=PROBLEM_STATES)
def mark_known_error(
    actor: Actor,
    problem: Problem,
    *,
    workaround: Annotated[str, Field("Workaround", help="How to live with it until it is fixed.", long=True)],
) -> Problem:
    """The problem is understood well enough to live with: say how."""
    if not workaround.strip():
        refuse("problem.workaround", "A known error has a workaround.", field="workaround")
    problem.workaround, problem.workaround_retired_at = workaround, None
    return problem


def _open_releases(actor: Actor, problem: Any) -> Any:
    return Release.objects.filter(state__in=_UNDEPLOYED).select_related("train").order_by("target_at", "key")


Resolver = Annotated[
    User,  # type: ignore[valid-type]
    Field("Who resolves it", help="Whoever resolves it neither votes on the change nor closes the problem."),
]


@action("problem.link_fix", on=Problem, requires="problems.manage", machine=PROBLEM_STATES)
def link_fix(
    actor: Actor,
    problem: Problem,
    *,
    release: Annotated[Release, Field("Release", rows=_open_releases)],
    resolver: Resolver,
    rollback_criterion: Criterion = "",
) -> ProblemFix:
    """Target the fix at a release: the problem becomes an item of its scope.

    After the scope freeze the release manager brings it in, with the cause why it cannot wait (release.fix_problem).
    """
    carried = _carried(release, problem)
    if not carried and scope_is_frozen(release):
        refuse(
            "release.frozen",
            f"The scope of {release} is frozen.",
            remedy="Ask its release manager to bring the fix in, or choose the next release.",
            blocked_by=Ref.of(release),
        )
    if not carried:
        with as_system(actor, f"{problem.key} targeted by {actor.name}") as system:
            _bring_in(system, release, problem, rollback_criterion=rollback_criterion)
    return _fix(actor, problem, release, resolver)


def _unfixed(actor: Actor, release: Any) -> Any:
    return Problem.objects.exclude(state__in=(State.OBSERVING, State.CLOSED)).order_by("severity", "key")


@action("release.fix_problem", on=Release, requires="releases.manage", label="Fix a problem")
def fix_problem(
    actor: Actor,
    release: Release,
    *,
    problem: Annotated[Problem, Field("Problem", rows=_unfixed)],
    resolver: Resolver,
    cause: Cause = "",
    emergency_change: EmergencyChange = "",
    rollback_criterion: Criterion = "",
) -> ProblemFix:
    """Bring the fix of a problem into the release."""
    problem = Problem.objects.select_for_update(of=("self",)).get(pk=problem.pk)
    illegal = PROBLEM_STATES.refusal("problem.link_fix", problem)
    if illegal:
        refuse(illegal.code, illegal.sentence, remedy=illegal.remedy, blocked_by=illegal.blocked_by)
    if not _carried(release, problem):
        _bring_in(
            actor,
            release,
            problem,
            cause=cause,
            emergency_change=emergency_change,
            rollback_criterion=rollback_criterion,
        )
    fix = _fix(actor, problem, release, resolver)
    problem.state = State.FIX_IN_RELEASE
    problem.save()
    return fix


def _carried(release: Release, problem: Problem) -> bool:
    items = release.items.filter(removed_at__isnull=True, source_kind=SOURCE, source_id=problem.pk)
    return bool(items.exists())


def _bring_in(actor: Actor, release: Release, problem: Problem, **said: str) -> None:
    add_item(
        actor,
        release,
        title=problem.title,
        classification=Classification.PROBLEM_FIX,
        tier=min(release.tier, problem.service.tier),
        source_kind=SOURCE,
        source_id=problem.pk,
        source_key=problem.key,
        **said,
    )


def _fix(actor: Actor, problem: Problem, release: Release, resolver: Person) -> ProblemFix:
    known = problem.fixes.filter(release=release, withdrawn_at__isnull=True).first()
    if known:
        refuse("problem.fix_known", f"{release} fixes {problem.key} already.", blocked_by=Ref.of(release))
    fix = ProblemFix.objects.create(problem=problem, release=release, resolver=resolver)
    name_resolvers(actor, release)
    invalidate(release=release)
    return fix


_OPEN_CHANGES = (
    ChangeRequest.State.DRAFT,
    ChangeRequest.State.AWAITING_APPROVAL,
    ChangeRequest.State.APPROVED,
    ChangeRequest.State.SCHEDULED,
)


def name_resolvers(actor: Actor, release: Release) -> None:
    """Whoever resolves a problem contributed to every change that carries the fix, hence does not vote on it."""
    act = ChangeContributor.Act.RESOLVED
    resolvers = {f.resolver_id: f.resolver for f in release.problem_fixes.filter(withdrawn_at__isnull=True)}
    for change in ChangeRequest.objects.filter(release=release, state__in=_OPEN_CHANGES).order_by("id"):
        named = set(change.contributors.filter(act=act).values_list("user_id", flat=True))
        for user_id, user in sorted(resolvers.items()):
            if user_id not in named:
                with as_system(actor, f"resolves a problem that {release.key} fixes") as system:
                    add_contributor(system, change, email=user.email, act=act)


def item_removed(actor: Actor, release: Any, params: dict[str, Any]) -> None:
    """A fix that was taken out of a release no longer fixes: the problem falls back."""
    item = params.get("item")
    if item is not None and item.source_kind == SOURCE:
        _withdraw(actor, ProblemFix.objects.filter(release_id=item.release_id, problem_id=item.source_id))


def release_cancelled(actor: Actor, release: Release, params: dict[str, Any]) -> None:
    """A cancelled release fixes nothing."""
    _withdraw(actor, ProblemFix.objects.filter(release=release))


def _withdraw(actor: Actor, fixes: Any) -> None:
    for fix in fixes.filter(withdrawn_at__isnull=True).select_related("problem", "release"):
        fix.withdrawn_at = now()
        fix.save()
        problem = fix.problem
        others = problem.fixes.filter(withdrawn_at__isnull=True).exists()
        if problem.state == State.FIX_IN_RELEASE and not others:
            with as_system(actor, "fix withdrawn") as system:
                reopen(system, problem, reason=f"{fix.release} no longer carries its fix.")


@action(
    "problem.close",
    on=Problem,
    requires="problems.validate",
    machine=PROBLEM_STATES,
    confirm="You confirm, independently of those who fixed it, that the problem is gone.",
)
def close_problem(
    actor: Actor,
    problem: Problem,
    *,
    note: Annotated[str, Field("Finding", help="What shows that the success criteria are met.", long=True)],
) -> Problem:
    """Close the problem after its observation passed. Nobody who had a hand in the fix may."""
    if not note.strip():
        refuse("problem.note", "Say what shows that it is gone.", field="note")
    window = running_window(problem)
    if window is not None:
        with as_system(actor, "observation over") as system:
            settle(system, window)
            measure_all(problem)
    problem.closed_at, problem.closed_by_id, problem.closing_note = now(), actor.user_id, note
    if problem.workaround:
        problem.workaround_retired_at = problem.closed_at
    return problem


def _closable(actor: Actor, problem: Any, params: dict[str, Any]) -> Refusal | None:
    return next(_against_closing(actor, problem), None)


def _against_closing(actor: Actor, problem: Any) -> Iterator[Refusal]:
    if problem is None:
        return
    yield from obstacles(problem, now())
    open_deviation = overdue(problem, now())
    if open_deviation is not None:
        yield open_deviation
    if actor.user_id is None:
        yield Refusal("problem.person", "A problem is closed by a person.", status=403)
        return
    act = hands_in_fix(problem).get(actor.user_id)
    if act:
        yield Refusal(
            "problem.own_fix",
            f"You {act}; somebody independent closes the problem.",
            remedy="Ask another problem manager or the compliance officer.",
            status=403,
        )


register_guard("problem.close", _closable)
