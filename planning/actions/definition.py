"""Definition of Done: publishing versions, adding for a team, and marking what a feature meets."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import DefinitionOfDone, DoneLine, DoneMark, Feature
from planning.queries.definition import latest, lines_in_force, standing
from planning.rules.definition import cleaned, faults, same
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse
from trains.models import Team, Train

from .features import open_only

explain_constraint(
    "definition_of_done_number_once", "Somebody published a version at the same moment; look at it first."
)

Lines = Annotated[str, Field("Lines", "One on each line.", long=True)]
Note = Annotated[str, Field("Why it is changed", long=True)]


def _train_lines(actor: Actor, subject: Any) -> Any:
    """The lines that count for the feature."""
    rows = DoneLine.objects.select_related("definition")
    if not isinstance(subject, Feature):
        return rows
    return rows.filter(pk__in=[each.line.pk for each in standing(subject)])


@action(
    "definition_of_done.publish",
    creates=DefinitionOfDone,
    requires="planning.commit",
    within="train",
    label="New version for a train",
)
def publish_definition(
    actor: Actor, *, train: Annotated[Train, Field("Train")], lines: Lines, note: Note = ""
) -> DefinitionOfDone:
    """Publish the next version of a train's Definition of Done; it counts for every feature still open."""
    return _publish(actor, train, None, lines, note)


@action(
    "definition_of_done.add_for_team",
    creates=DefinitionOfDone,
    requires="planning.plan",
    within="team",
    label="Additions of a team",
)
def add_for_team(
    actor: Actor, *, team: Annotated[Team, Field("Team")], lines: Lines, note: Note = ""
) -> DefinitionOfDone:
    """Say what a team asks on top of its train's Definition of Done; nothing of the train's is ever taken away."""
    return _publish(actor, team.train, team, lines, note)


def _publish(actor: Actor, train: Train, team: Team | None, lines: str, note: str) -> DefinitionOfDone:
    wanted = cleaned(lines.splitlines())
    force = lines_in_force(train.pk, [team.pk] if team else [])
    above = [line.text for line in force.get(None, [])] if team else []
    if team and not above:
        refuse(
            "definition.none",
            f"{train} has no Definition of Done to add to.",
            remedy="Publish the train's first.",
            field="team",
        )
    wrong = faults(wanted, above)
    if wrong:
        raise Refused(*[Refusal("definition.lines", said, field="lines", status=422) for said in wrong])
    before = latest(train.pk, team.pk if team else None)
    present = [line.text for line in force.get(team.pk if team else None, [])]
    if before is not None and present == wanted:
        refuse("definition.same", f"This is version {before.number} already.", field="lines", status=422)
    definition = DefinitionOfDone.objects.create(
        train=train,
        team=team,
        number=before.number + 1 if before else 1,
        note=note.strip(),
        published_at=now(),
        published_by_id=actor.user_id,
    )
    for position, text in enumerate(wanted, 1):
        DoneLine.objects.create(definition=definition, position=position, text=text)
    return definition


@action("feature.mark_done", on=Feature, requires="planning.plan", label="Mark a line of done")
def mark_done(
    actor: Actor,
    feature: Feature,
    *,
    line: Annotated[DoneLine, Field("Line of the Definition of Done", rows=_train_lines)],
    evidence: Annotated[str, Field("What shows it", max_length=500)] = "",
) -> DoneMark:
    """Say that the feature meets a line of its Definition of Done."""
    here = next((each for each in standing(feature) if each.line.pk == line.pk), None)
    if here is None:
        refuse("definition.line", "This line does not count for the feature.", field="line", status=422)
    if here.mark is not None:
        refuse("definition.met", f"It is met since {here.mark.marked_at:%Y-%m-%d}.", field="line")
    return DoneMark.objects.create(
        feature=feature,
        line=line,
        text=line.text,
        evidence=evidence.strip(),
        marked_at=now(),
        marked_by_id=actor.user_id,
    )


@action("feature.unmark_done", on=Feature, requires="planning.plan", label="Take back a line of done")
def unmark_done(
    actor: Actor,
    feature: Feature,
    *,
    line: Annotated[DoneLine, Field("Line of the Definition of Done", rows=_train_lines)],
    reason: Annotated[str, Field("Reason", max_length=300)],
) -> DoneMark:
    """Say that a line is not met after all."""
    mark = next(
        (
            m
            for m in DoneMark.objects.filter(feature=feature, withdrawn_at__isnull=True)
            if same(m.text) == same(line.text)
        ),
        None,
    )
    if mark is None:
        refuse("definition.open", "Nobody has marked this line.", field="line")
    mark.withdrawn_at = now()
    mark.save()
    return mark


def definition_met(actor: Actor, feature: Feature, params: dict[str, Any]) -> Refusal | None:
    """A feature is accepted only when it meets its Definition of Done."""
    unmet = [each.line.text for each in standing(feature) if each.mark is None]
    if not unmet:
        return None
    return Refusal(
        "feature.not_done",
        f"{feature} does not meet its Definition of Done: {'; '.join(unmet)}.",
        remedy="Mark each line with what shows it.",
        blocked_by=Ref.of(feature),
    )


for _verb in ("mark_done", "unmark_done"):
    register_guard(f"feature.{_verb}", open_only)
register_guard("feature.complete", definition_met)
