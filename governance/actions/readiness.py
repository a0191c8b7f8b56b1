"""Verbs of production readiness: checklists, reviews with their sign-off, measurable requirements."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from governance.models import (
    ReadinessChecklist,
    ReadinessReview,
    RequirementMeasurement,
    ServiceRequirement,
)
from governance.models.readiness import Attribute, Obligation
from governance.queries.readiness import due_for
from governance.rules.load_reports import LoadReportError, is_met, read_load_report
from governance.rules.readiness_review import (
    ANSWERS,
    asked,
    questions_fault,
    standard_questions,
    standing,
)
from governance.states.readiness import READINESS_REVIEW_STATES
from releasetrain.accounts.models import Grant
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import TIERS, Artifact, Comparison, Release, Service, Train

_BOUND = 9_999_999_999
Target = Annotated[Decimal, Field("Target", min=-_BOUND, max=_BOUND)]
Reason = Annotated[str, Field("Reason", long=True)]
Questions = Annotated[
    list | None,
    Field(
        "Questions",
        help='Empty: the standard ones. [{"key": "alerts", "area": "observability", "question": "…", "weight": 3,'
        ' "mandatory": true}]',
    ),
]

explain_constraint("checklist_once", "There is a checklist for this tier; edit or retire it.")
explain_constraint("service_requirement_once", "This indicator has a requirement already; edit it instead.")
explain_constraint(
    "readiness_review_signed_by_somebody", "A review is signed by a person, with a day until which it counts."
)


def _questions(given: Any) -> list[dict[str, Any]]:
    fault = questions_fault(given)
    if fault:
        refuse("readiness_checklist.questions", fault, field="questions")
    return [{"weight": 1, "mandatory": False, **row} for row in given]


@action("readiness_checklist.create", creates=ReadinessChecklist, requires="controls.manage", within="train")
def create_checklist(
    actor: Actor,
    *,
    tier: Annotated[int, Field("Tier", choices=TIERS)],
    name: Annotated[str, Field("Name", max_length=120)] = "Production readiness",
    train: Annotated[Train | None, Field("Train", help="Empty: every train.")] = None,
    obligation: Annotated[Obligation, Field("Required")] = Obligation.FIRST_RELEASE,
    questions: Questions = None,
    minimum: Annotated[Decimal, Field("Least score, %", min=0, max=100)] = Decimal(80),
    valid_days: Annotated[int, Field("Valid for days", min=1, max=1095)] = 180,
) -> ReadinessChecklist:
    """Say what a production readiness review asks of services of a tier, and when one is required."""
    return ReadinessChecklist.objects.create(
        tier=tier,
        name=name.strip() or "Production readiness",
        train=train,
        obligation=obligation,
        questions=_questions(questions) if questions else standard_questions(tier),
        minimum=minimum,
        valid_days=valid_days,
    )


@action("readiness_checklist.edit", on=ReadinessChecklist, requires="controls.manage")
def edit_checklist(
    actor: Actor,
    checklist: ReadinessChecklist,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    obligation: Annotated[Obligation | None, Field("Required")] = None,
    questions: Annotated[list | None, Field("Questions")] = None,
    minimum: Annotated[Decimal | None, Field("Least score, %", min=0, max=100)] = None,
    valid_days: Annotated[int | None, Field("Valid for days", min=1, max=1095)] = None,
    reason: Reason = "",
) -> ReadinessChecklist:
    """Change a checklist; reviews that run keep the questions they began with."""
    for field, value in {"obligation": obligation, "minimum": minimum, "valid_days": valid_days}.items():
        if value is not None:
            setattr(checklist, field, value)
    if name and name.strip():
        checklist.name = name.strip()
    if questions is not None:
        checklist.questions = _questions(questions)
    checklist.save()
    return checklist


@action("readiness_checklist.retire", on=ReadinessChecklist, requires="controls.manage", danger=True)
def retire_checklist(actor: Actor, checklist: ReadinessChecklist, *, reason: Reason) -> ReadinessChecklist:
    """Withdraw a checklist: no review is required by it any more."""
    if checklist.retired_at:
        refuse("readiness_checklist.retired", "The checklist is withdrawn already.")
    checklist.retired_at = now()
    checklist.save()
    return checklist


# -- reviews


def _took_part(actor: Actor, review: ReadinessReview) -> None:
    if actor.user_id and str(actor.user_id) not in review.contributors:
        review.contributors = [*review.contributors, str(actor.user_id)]


@action(
    "readiness_review.open",
    creates=ReadinessReview,
    requires="changes.author",
    within="service",
    label="Open a review",
)
def open_review(
    actor: Actor,
    *,
    service: Service,
    release: Annotated[Release | None, Field("Release")] = None,
) -> ReadinessReview:
    """Begin a production readiness review of a service with the questions of its tier."""
    (due,) = due_for([service])
    if due.checklist is None:
        refuse(
            "readiness_review.no_checklist",
            f"No checklist asks about services of tier {service.tier}.",
            remedy="Create a readiness checklist for the tier.",
            field="service",
        )
    running = (
        ReadinessReview.objects.filter(service=service)
        .exclude(state=ReadinessReview.State.SIGNED_OFF)
        .first()
    )
    if running:
        refuse(
            "readiness_review.runs",
            f"{running.key} of {service} is not finished.",
            remedy="Answer, submit and have it signed off.",
            blocked_by=Ref.of(running),
            field="service",
        )
    review = ReadinessReview(
        service=service, release=release, checklist=due.checklist, answers=asked(due.checklist.questions)
    )
    _took_part(actor, review)
    review.save()
    return review


@action(
    "readiness_review.answer",
    on=ReadinessReview,
    requires="changes.author",
    machine=READINESS_REVIEW_STATES,
    label="Answer a question",
)
def answer_review(
    actor: Actor,
    review: ReadinessReview,
    *,
    question: Annotated[str, Field("Question", help="Its key.", max_length=60)],
    answer: Annotated[str, Field("Answer", choices=list(ANSWERS.items()))],
    evidence: Annotated[str, Field("Evidence", help="Link or words that show it.", long=True)] = "",
) -> ReadinessReview:
    """Answer one question; yes and partly need their evidence, as does leaving out a mandatory one."""
    rows = [dict(row) for row in review.answers]
    row = next((r for r in rows if r["key"] == question), None)
    if row is None:
        refuse(
            "readiness_review.question",
            f"{review.key} asks no question {question[:60]}.",
            remedy=f"Its questions: {', '.join(r['key'] for r in rows)}.",
            field="question",
        )
    said = evidence.strip()[:2_000]
    needs = answer in ("yes", "partial") or (answer == "not_applicable" and row["mandatory"])
    if needs and not said:
        refuse(
            "readiness_review.evidence",
            "Say what shows it."
            if answer != "not_applicable"
            else "Say why a mandatory question does not apply.",
            field="evidence",
        )
    row.update(answer=answer, evidence=said, by=str(actor.user_id or ""))
    review.answers = rows
    review.score = standing(rows)[0]
    _took_part(actor, review)
    return review


@action(
    "readiness_review.submit",
    on=ReadinessReview,
    requires="changes.author",
    machine=READINESS_REVIEW_STATES,
    label="Submit for sign-off",
)
def submit_review(actor: Actor, review: ReadinessReview) -> ReadinessReview:
    """Hand the review to a reviewer; every question has to be answered."""
    score, unanswered, _ = standing(review.answers)
    if unanswered:
        names = [row["question"] for row in review.answers if row["answer"] == "open"]
        refuse(
            "readiness_review.open_questions",
            f"{unanswered} questions are open: {' '.join(names[:3])}",
            remedy="Answer them.",
        )
    review.score = score
    _took_part(actor, review)
    return review


def outside_refusal(user_id: Any, review: ReadinessReview) -> Refusal | None:
    """Why this person does not sign the review: they took part, or belong to the service's team."""
    if user_id is None:
        return Refusal("readiness_review.person", "A person signs a review.", status=403)
    if str(user_id) in review.contributors:
        return Refusal(
            "readiness_review.own",
            "You took part in this review; somebody else signs it.",
            remedy="Ask a reviewer outside the team.",
            status=403,
        )
    team = review.service.team
    if team is None:
        return None
    own = Grant.objects.filter(
        user=user_id, scope__kind="team", scope__object_id=team.pk, revoked_at__isnull=True
    ).exclude(ends_at__lte=now())
    if own.exists():
        return Refusal(
            "readiness_review.team",
            f"You belong to {team}, whose service this is; somebody outside the team signs it.",
            remedy="Ask a reviewer outside the team.",
            status=403,
        )
    return None


def _outsider(actor: Actor, review: ReadinessReview, params: dict[str, Any]) -> Refusal | None:
    return outside_refusal(actor.user_id, review)


@action(
    "readiness_review.sign_off",
    on=ReadinessReview,
    requires="waivers.grant",
    machine=READINESS_REVIEW_STATES,
    label="Sign off",
    step_up=True,
)
def sign_off_review(
    actor: Actor,
    review: ReadinessReview,
    *,
    statement: Annotated[str, Field("Statement", help="What you looked at, and what you found.", long=True)],
) -> ReadinessReview:
    """Sign a review as somebody outside the service's team; it counts until the checklist's days are over."""
    if not statement.strip():
        refuse("readiness_review.statement", "Say what you looked at.", field="statement")
    score, _, short = standing(review.answers)
    minimum = review.checklist.minimum
    if score is None or short or score < minimum:
        why = (
            f"{short} mandatory questions are not answered with yes"
            if short
            else f"the score is {score if score is not None else 'unknown'} %, {minimum.normalize():f} % are required"
        )
        refuse(
            "readiness_review.score",
            f"{review.key} cannot be signed: {why}.",
            remedy="Send it back, so that the team puts it right.",
        )
    moment = now()
    review.score = score
    review.signed_by_id = actor.user_id
    review.signed_at = moment
    review.statement = statement.strip()
    review.valid_until = moment + timedelta(days=review.checklist.valid_days)
    return review


@action(
    "readiness_review.send_back",
    on=ReadinessReview,
    requires="waivers.grant",
    machine=READINESS_REVIEW_STATES,
    label="Send back",
)
def send_back_review(actor: Actor, review: ReadinessReview, *, reason: Reason) -> ReadinessReview:
    """Send a review back to the team, saying what is missing."""
    if not reason.strip():
        refuse("readiness_review.reason", "Say what is missing.", field="reason")
    review.statement = reason.strip()
    return review


for _verb in ("sign_off", "send_back"):
    register_guard(f"readiness_review.{_verb}", _outsider)


# -- measurable requirements


@action(
    "service_requirement.create",
    creates=ServiceRequirement,
    requires="trains.manage",
    within="service",
    label="State a requirement",
)
def create_requirement(
    actor: Actor,
    *,
    service: Service,
    attribute: Annotated[Attribute, Field("Quality")],
    indicator: Annotated[str, Field("Indicator", help="E.g. response time p95.", max_length=120)],
    target: Target,
    method: Annotated[
        str, Field("Method", help="How it is measured, so that somebody else can repeat it.", long=True)
    ],
    comparison: Annotated[Comparison, Field("Good is")] = Comparison.AT_MOST,
    unit: Annotated[str, Field("Unit", max_length=20)] = "",
    metric: Annotated[
        str,
        Field(
            "Metric in reports",
            help="Where a load test's report has it, e.g. http_req_duration.p(95).",
            max_length=120,
        ),
    ] = "",
    max_age_days: Annotated[int, Field("A measurement counts for days", min=1, max=730)] = 30,
) -> ServiceRequirement:
    """State a non-functional requirement of a service so that it can be measured."""
    for name, value in (("indicator", indicator), ("method", method)):
        if not value.strip():
            refuse(f"service_requirement.{name}", "A requirement says what is measured, and how.", field=name)
    return ServiceRequirement.objects.create(
        service=service,
        attribute=attribute,
        indicator=indicator.strip(),
        comparison=comparison,
        target=target,
        unit=unit.strip(),
        method=method.strip(),
        metric=metric.strip(),
        max_age_days=max_age_days,
    )


@action("service_requirement.edit", on=ServiceRequirement, requires="trains.manage")
def edit_requirement(
    actor: Actor,
    requirement: ServiceRequirement,
    *,
    target: Annotated[Decimal | None, Field("Target", min=-_BOUND, max=_BOUND)] = None,
    comparison: Annotated[Comparison | None, Field("Good is")] = None,
    unit: Annotated[str | None, Field("Unit", max_length=20)] = None,
    method: Annotated[str | None, Field("Method", long=True)] = None,
    metric: Annotated[str | None, Field("Metric in reports", max_length=120)] = None,
    max_age_days: Annotated[int | None, Field("A measurement counts for days", min=1, max=730)] = None,
    reason: Reason = "",
) -> ServiceRequirement:
    """Change a requirement; the last measurement is judged anew, earlier ones keep their judgement."""
    news = {"target": target, "comparison": comparison, "unit": unit, "max_age_days": max_age_days}
    for field, value in {**news, "metric": metric}.items():
        if value is not None:
            setattr(requirement, field, value)
    if method and method.strip():
        requirement.method = method.strip()
    if requirement.measured is not None:
        requirement.met = is_met(requirement.comparison, requirement.target, requirement.measured)
    requirement.save()
    return requirement


@action("service_requirement.retire", on=ServiceRequirement, requires="trains.manage", danger=True)
def retire_requirement(
    actor: Actor, requirement: ServiceRequirement, *, reason: Reason
) -> ServiceRequirement:
    """Withdraw a requirement: it is not asked for any more."""
    if requirement.retired_at:
        refuse("service_requirement.retired", "The requirement is withdrawn already.")
    requirement.retired_at = now()
    requirement.save()
    return requirement


At = Annotated[datetime | None, Field("Measured at", help="Empty: now.")]
Digest = Annotated[str, Field("Artifact digest", help="The build that was measured: sha256:…", max_length=71)]
Source = Annotated[str, Field("Source", max_length=80)]
ExternalId = Annotated[
    str, Field("Id at the source", help="The same id again changes nothing.", max_length=200)
]
RunUrl = Annotated[str, Field("Run", help="Address of the run.", max_length=500)]


@action("service_requirement.measure", on=ServiceRequirement, requires="results.post", label="Post a value")
def measure_requirement(
    actor: Actor,
    requirement: ServiceRequirement,
    *,
    value: Annotated[Decimal, Field("Value", min=-_BOUND, max=_BOUND)],
    at: At = None,
    digest: Digest = "",
    source: Source = "",
    external_id: ExternalId = "",
    run_url: RunUrl = "",
) -> RequirementMeasurement:
    """Post one measured value of a requirement."""
    _in_force(requirement)
    artifact = _artifact(requirement.service, digest)
    return _record(requirement, value, _moment(at), artifact, source, external_id, _url(run_url))


@action(
    "service_requirement.post_report",
    creates=ServiceRequirement,
    requires="results.post",
    within="service",
    label="Post a load test",
)
def post_load_report(
    actor: Actor,
    *,
    service: Service,
    file: Annotated[
        Upload, Field("Report", help='k6 summary JSON, or {"measurements": [{"name", "value"}]}.', max=2**22)
    ],
    at: At = None,
    digest: Digest = "",
    source: Source = "",
    external_id: ExternalId = "",
    run_url: RunUrl = "",
) -> ServiceRequirement:
    """Post a load test: every requirement of the service whose metric is in the report is measured by it.

    A requirement is known in the report by its metric, or by its indicator where it names no metric.
    """
    try:
        values = read_load_report(file.content)
    except LoadReportError as error:
        refuse(
            "load_report.unreadable",
            str(error),
            remedy="Post the summary as the tool wrote it; nothing of this one was stored.",
            field="file",
        )
    rows = list(
        ServiceRequirement.objects.select_for_update(of=("self",), no_key=True)
        .filter(service=service, retired_at__isnull=True)
        .order_by("pk")
    )
    hit = [(row, values[name]) for row in rows if (name := row.metric or row.indicator) in values]
    if not hit:
        known = ", ".join(sorted(row.metric or row.indicator for row in rows)[:10]) or "none"
        refuse(
            "load_report.nothing",
            f"The report measures no requirement of {service}. Its metrics: {known}.",
            remedy="Name the report's metric in the requirement.",
            field="file",
        )
    artifact, moment, url = _artifact(service, digest), _moment(at), _url(run_url)
    for row, value in hit:
        _record(row, value, moment, artifact, source, external_id, url)
    return hit[0][0]


def _in_force(requirement: ServiceRequirement) -> None:
    if requirement.retired_at:
        refuse(
            "service_requirement.retired", f"{requirement.key} is withdrawn.", blocked_by=Ref.of(requirement)
        )


def _moment(at: datetime | None) -> datetime:
    moment = now()
    if at and at > moment + timedelta(minutes=5):
        refuse("measurement.ahead", "It was measured in the future.", field="at")
    return at or moment


def _url(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        refuse("measurement.url", "The address of the run begins with https://.", field="run_url")
    return url


def _artifact(service: Service, digest: str) -> Artifact | None:
    if not digest:
        return None
    found = Artifact.objects.filter(digest=digest, service=service).first()
    if found is None:
        refuse(
            "artifact.unknown",
            f"No build of {service} has this digest.",
            remedy="Register the artifact first.",
            field="digest",
        )
    return found


def _record(
    requirement: ServiceRequirement,
    value: Decimal,
    at: datetime,
    artifact: Artifact | None,
    source: str,
    external_id: str,
    run_url: str,
) -> RequirementMeasurement:
    """Keep the value; the latest by its own moment is the one that counts."""
    if external_id:
        known = requirement.measurements.filter(source=source, external_id=external_id).first()
        if known:
            return known
    found = RequirementMeasurement.objects.create(
        requirement=requirement,
        artifact=artifact,
        at=at,
        value=value,
        met=is_met(requirement.comparison, requirement.target, value),
        source=source,
        external_id=external_id,
        run_url=run_url,
    )
    if requirement.measured_at is None or at >= requirement.measured_at:
        requirement.measured, requirement.measured_at, requirement.met = value, at, found.met
        requirement.save()
    return found
