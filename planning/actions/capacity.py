"""What teams can take on: their people and absences, the rule by which days become points, and the figures themselves."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from planning.models import Absence, CapacityProfile, TeamCapacity, TeamPerson
from planning.queries.capacity import Suggestion, suggestions
from planning.rules import holidays
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import Iteration, ProgramIncrement, Team


def _iterations(actor: Actor, subject: Any) -> Any:
    return Iteration.objects.select_related("pi").exclude(pi__state="closed").order_by("starts")


@action("capacity.set", creates=TeamCapacity, requires="planning.plan", within="team", label="Set capacity")
def set_capacity(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    iteration: Annotated[Iteration, Field("Iteration", rows=_iterations)],
    points: Annotated[
        int | None,
        Field(
            "Capacity in points", "From people, holidays, load and history when left out.", min=0, max=9999
        ),
    ] = None,
    buffer_points: Annotated[
        int | None, Field("Buffer in points", "By the rule of risk exposure when left out.", min=0, max=9999)
    ] = None,
    reason: Annotated[
        str, Field("Reason", "Needed for a buffer that departs from the rule.", max_length=300)
    ] = "",
) -> TeamCapacity:
    """Set what a team can take on in an iteration, and the buffer it keeps back."""
    if iteration.pi.train_id != team.train_id:
        refuse("train.other", f"{iteration} belongs to another train.", field="iteration")
    if iteration.pi.state == "closed":
        refuse("pi.closed", f"{iteration.pi} is closed.", blocked_by=Ref.of(iteration.pi))
    suggested = suggestions([team], [iteration])[team.pk, iteration.pk]
    capacity = TeamCapacity.objects.filter(team=team, iteration=iteration).first()
    capacity = capacity or TeamCapacity(team=team, iteration=iteration)
    _fill(capacity, suggested, points, buffer_points, reason.strip())
    capacity.save()
    return capacity


def _fill(
    capacity: TeamCapacity, suggested: Suggestion, points: int | None, buffer: int | None, reason: str
) -> None:
    """Take the figures, or the suggested ones, and keep the arithmetic; a buffer of one's own needs its reason."""
    computed = points is None
    points = suggested.points if points is None else points
    wanted = suggested.buffer_of(points)
    buffer = wanted if buffer is None else buffer
    if buffer > points:
        refuse("capacity.buffer", "The buffer is larger than the capacity.", field="buffer_points")
    if buffer != wanted and not reason:
        refuse(
            "capacity.reason",
            f"{suggested.buffer_sentence} Of {points} points that is {wanted}; another buffer needs a reason.",
            remedy="Give the reason, or leave the buffer to the rule.",
            field="reason",
        )
    capacity.points, capacity.buffer = points, buffer
    capacity.reason = reason if buffer != wanted else ""
    capacity.basis = suggested.as_data()
    parts = [
        reason,
        suggested.sentence if computed else "",
        suggested.buffer_sentence if buffer == wanted else "",
    ]
    note = " ".join(part for part in parts if part)
    capacity.note = note if len(note) <= 200 else note[:199] + "…"


@action(
    "pi.compute_capacity",
    on=ProgramIncrement,
    requires="planning.plan",
    label="Compute capacities",
)
def compute_capacity(
    actor: Actor,
    pi: ProgramIncrement,
    *,
    replace: Annotated[
        bool, Field("Also replace what is set", "Else only what nobody has set yet is filled in.")
    ] = False,
) -> dict[str, int]:
    """Set the capacity and buffer of every team and iteration by the rules."""
    iterations = list(pi.iterations.filter(innovation=False).order_by("starts"))
    teams = list(Team.objects.filter(train=pi.train_id))
    present = {(c.team_id, c.iteration_id): c for c in TeamCapacity.objects.filter(iteration__pi=pi)}
    written = kept = 0
    for (team, iteration), suggested in suggestions(teams, iterations).items():
        capacity = present.get((team, iteration))
        # A buffer that somebody departed from the rule with is theirs until they take it back.
        if capacity is not None and (not replace or capacity.reason):
            kept += 1
            continue
        capacity = capacity or TeamCapacity(team_id=team, iteration_id=iteration)
        _fill(capacity, suggested, None, None, "")
        capacity.save()
        written += 1
    return {"written": written, "kept": kept}


@action(
    "capacity_profile.set",
    creates=CapacityProfile,
    requires="planning.plan",
    within="team",
    label="Set capacity rule",
)
def set_profile(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    region: Annotated[
        str, Field("Region", "Its public holidays are no working days: DE, DE-BY, GB-ENG.", max_length=12)
    ] = "",
    load_factor: Annotated[
        Decimal,
        Field("Load factor", "The share of the present days that is planned, up to 1.", min=0.05, max=1),
    ] = Decimal("0.80"),
    use_history: Annotated[
        bool, Field("Learn from history", "Points a day from finished iterations; else one point a day.")
    ] = True,
) -> CapacityProfile:
    """Say how a team's days become points: its region, the load that is planned, and whether history counts."""
    if region.strip():
        try:
            region = holidays.checked(region)
        except holidays.UnknownRegionError as error:
            refuse("region.unknown", str(error), field="region", status=422)
    profile = CapacityProfile.objects.filter(team=team).first() or CapacityProfile(team=team)
    profile.region, profile.load_factor, profile.use_history = (
        region.strip(),
        round(load_factor, 2),
        use_history,
    )
    profile.save()
    return profile


@action("team_person.add", creates=TeamPerson, requires="planning.plan", within="team", label="Add a person")
def add_person(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    name: Annotated[str, Field("Name", max_length=120)],
    share: Annotated[
        Decimal, Field("Share of the working time", "1 is full time.", min=0.05, max=1)
    ] = Decimal("1.00"),
    first_day: Annotated[date | None, Field("First day in the team")] = None,
    last_day: Annotated[date | None, Field("Last day in the team")] = None,
    email: Annotated[str, Field("E-mail", "Of their account here, if they have one.", max_length=254)] = "",
) -> TeamPerson:
    """Name somebody who works in a team; once anybody is named, the named people count instead of the head count."""
    if not name.strip():
        refuse("person.name", "A person has a name.", field="name", status=422)
    if TeamPerson.objects.filter(team=team, name=name.strip()).exists():
        refuse(
            "person.exists",
            f"{team} has a {name.strip()} already.",
            remedy="Change that entry.",
            field="name",
        )
    person = TeamPerson(team=team, name=name.strip(), share=round(share, 2), user=_account(actor, email))
    _days(first_day, last_day)
    person.first_day, person.last_day = first_day, last_day
    person.save()
    return person


def _account(actor: Actor, email: str) -> User | None:
    if not email.strip():
        return None
    user = User.objects.filter(
        email__iexact=email.strip(), memberships__organization_id=actor.organization_id
    ).first()
    if user is None:
        refuse("person.account", f"There is no account {email.strip()[:80]} here.", field="email", status=422)
    return user


def _days(first: date | None, last: date | None) -> None:
    if first and last and last < first:
        refuse("days.order", "The last day comes before the first.", field="last_day", status=422)


@action("team_person.edit", on=TeamPerson, requires="planning.plan")
def edit_person(
    actor: Actor,
    person: TeamPerson,
    *,
    share: Annotated[Decimal | None, Field("Share of the working time", min=0.05, max=1)] = None,
    first_day: Annotated[date | None, Field("First day in the team")] = None,
    last_day: Annotated[
        date | None, Field("Last day in the team", "Who left keeps counting for the past.")
    ] = None,
) -> TeamPerson:
    """Change a person's share or days. What is left out stays as it is."""
    person.share = round(share, 2) if share is not None else person.share
    person.first_day = first_day or person.first_day
    person.last_day = last_day or person.last_day
    _days(person.first_day, person.last_day)
    person.save()
    return person


def _persons(actor: Actor, subject: Any) -> Any:
    return TeamPerson.objects.select_related("team").order_by("team__name", "name")


@action("absence.record", creates=Absence, requires="planning.edit", within="person", label="Record absence")
def record_absence(
    actor: Actor,
    *,
    person: Annotated[TeamPerson, Field("Person", rows=_persons)],
    first_day: Annotated[date, Field("First day away")],
    last_day: Annotated[date | None, Field("Last day away", "The first day when left out.")] = None,
    note: Annotated[str, Field("Note", max_length=120)] = "",
) -> Absence:
    """Say when somebody is away; the capacity of those iterations is smaller by these days."""
    last_day = last_day or first_day
    _days(first_day, last_day)
    if (last_day - first_day).days > 400:
        refuse(
            "absence.long",
            "An absence spans up to 400 days.",
            remedy="End their days in the team.",
            field="last_day",
        )
    absence = Absence(person=person, first_day=first_day, last_day=last_day, note=note.strip())
    absence.save()
    return absence


@action("absence.cancel", on=Absence, requires="planning.edit")
def cancel_absence(actor: Actor, absence: Absence) -> Absence:
    """Take an absence back."""
    absence.cancelled_at = now()
    absence.save()
    return absence


def _standing(actor: Actor, absence: Absence, params: dict[str, Any]) -> Refusal | None:
    if absence.cancelled_at is not None:
        return Refusal("absence.cancelled", "This absence was taken back already.")
    return None


def _open(actor: Actor, pi: ProgramIncrement, params: dict[str, Any]) -> Refusal | None:
    return Refusal("pi.closed", f"{pi} is closed.", blocked_by=Ref.of(pi)) if pi.state == "closed" else None


register_guard("absence.cancel", _standing)
register_guard("pi.compute_capacity", _open)
