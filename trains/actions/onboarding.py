"""Verbs of onboarding: checklist templates, the checklist of a joining team, and what it holds back."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import Q

from releasetrain.audit.doorway import (
    Actor,
    Field,
    Ref,
    Refusal,
    action,
    explain_constraint,
    register_effect,
    register_guard,
)
from releasetrain.audit.history import bulk_create_tracked
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import (
    ChecklistTemplate,
    ChecklistTopic,
    OnboardingItem,
    Release,
    Service,
    Team,
    TeamOnboarding,
    TemplateItem,
    Train,
)
from trains.ports import failure_modes_of

explain_constraint("checklist_template_name_once", "A checklist template of this name is in use.")
explain_constraint("template_item_once", "The template has this item already.")
explain_constraint("onboarding_item_done_is_shown", "Say what shows that it is settled.")

Evidence = Annotated[
    str, Field("What shows it", help="A link, a document, a date and a name.", max_length=500)
]
_REVIEWS = 20


@action(
    "checklist_template.create",
    creates=ChecklistTemplate,
    requires="trains.manage",
    within="train",
    label="New checklist template",
)
def create_template(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    train: Annotated[Train | None, Field("Train", help="Empty: for teams of every train.")] = None,
    compliance: Annotated[list[str] | None, Field("Compliance", help="One item a line.", long=True)] = None,
    tooling: Annotated[list[str] | None, Field("Tooling", help="One item a line.", long=True)] = None,
    agreements: Annotated[
        list[str] | None, Field("Working agreements", help="One item a line.", long=True)
    ] = None,
    failure_modes: Annotated[
        bool, Field("Known failure modes", help="Adds what reviews of the train found to cause failures.")
    ] = True,
) -> ChecklistTemplate:
    """Write down what a team has to settle when it joins a train."""
    if not name.strip():
        refuse("checklist_template.name", "A template has a name.", field="name")
    template = ChecklistTemplate.objects.create(name=name.strip(), train=train, failure_modes=failure_modes)
    listed = [
        (topic, text.strip()[:300])
        for topic, texts in (
            (ChecklistTopic.COMPLIANCE, compliance),
            (ChecklistTopic.TOOLING, tooling),
            (ChecklistTopic.AGREEMENT, agreements),
        )
        for text in texts or []
        if text.strip()
    ]
    bulk_create_tracked(
        [
            TemplateItem(template=template, position=position, topic=topic, text=text)
            for position, (text, topic) in enumerate({text: topic for topic, text in listed}.items(), 1)
        ]
    )
    return template


@action("checklist_template.add_item", on=ChecklistTemplate, requires="trains.manage", label="Add item")
def add_item(
    actor: Actor,
    template: ChecklistTemplate,
    *,
    text: Annotated[str, Field("Item", max_length=300)],
    topic: Annotated[ChecklistTopic, Field("Topic")],
    mandatory: Annotated[
        bool, Field("Mandatory", help="The team owns no production release while it is open.")
    ] = True,
) -> TemplateItem:
    """Add an item to a template; checklists that teams have already got stay as they are."""
    if not text.strip():
        refuse("template_item.text", "Say what has to be settled.", field="text")
    last = template.items.order_by("-position").first()
    return TemplateItem.objects.create(
        template=template,
        position=last.position + 1 if last else 1,
        topic=topic,
        text=text.strip(),
        mandatory=mandatory,
    )


@action("checklist_template.retire", on=ChecklistTemplate, requires="trains.manage", danger=True)
def retire_template(actor: Actor, template: ChecklistTemplate) -> ChecklistTemplate:
    """Give the template to no further team; checklists that teams have got stay."""
    template.retired_at = now()
    template.save()
    return template


@action(
    "team_onboarding.start",
    creates=TeamOnboarding,
    requires="trains.manage",
    within="team",
    label="Give a checklist",
)
def start_onboarding(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    template: Annotated[
        ChecklistTemplate,
        Field("Template", rows=lambda actor, _: ChecklistTemplate.objects.filter(retired_at__isnull=True)),
    ],
) -> TeamOnboarding:
    """Give a team a checklist; teams that join a train get theirs by themselves."""
    if template.train_id and template.train_id != team.train_id:
        refuse(
            "checklist_template.elsewhere",
            f"{template} is for teams of {template.train}.",
            remedy=f"Choose a template for {team.train}.",
            field="template",
        )
    if TeamOnboarding.objects.filter(team=team, template=template, ended_at__isnull=True).exists():
        refuse("team_onboarding.exists", f"{team} has this checklist.", field="template")
    return _give(team, template)


def _give(team: Team, template: ChecklistTemplate) -> TeamOnboarding:
    """The checklist of a team, copied from its template, with the failure modes known today."""
    onboarding = TeamOnboarding.objects.create(
        team=team, train=team.train, template=template, joined_at=now()
    )
    items = [
        OnboardingItem(onboarding=onboarding, position=n, topic=i.topic, text=i.text, mandatory=i.mandatory)
        for n, i in enumerate(template.items.order_by("position"), 1)
    ]
    modes = failure_modes_of(team.train)[:_REVIEWS] if template.failure_modes else []
    items += [
        OnboardingItem(
            onboarding=onboarding,
            position=len(items) + n,
            topic=ChecklistTopic.FAILURE_MODE,
            text=f"Knows how to avoid: {mode.text}"[:300],
            source=mode.source[:120],
            mandatory=False,
        )
        for n, mode in enumerate(modes, 1)
    ]
    bulk_create_tracked(items)
    return onboarding


def _joined(actor: Actor, team: Any, params: dict[str, Any]) -> None:
    """A team that joined a train gets every checklist of that train, and of all trains."""
    if team is None:
        return
    templates = ChecklistTemplate.objects.filter(
        Q(train=team.train_id) | Q(train__isnull=True), retired_at__isnull=True
    )
    for template in templates.order_by("name"):
        _give(team, template)


@action("team.join", on=Team, requires="trains.manage", label="Move to another train", danger=True)
def join_train(
    actor: Actor,
    team: Team,
    *,
    train: Annotated[Train, Field("Train that it joins")],
    services: Annotated[bool, Field("Services", help="Its services move with it.")] = True,
) -> Team:
    """Let a team join another train; it gets the checklists of that train."""
    if team.train_id == train.pk:
        refuse("team.aboard", f"{team} rides on {train} already.", field="train")
    if train.archived_at:
        refuse("train.archived", f"{train} is archived.", field="train")
    for onboarding in TeamOnboarding.objects.filter(team=team, ended_at__isnull=True):
        onboarding.ended_at = now()
        onboarding.save()
    team.train = train
    team.save()
    for service in Service.objects.filter(team=team).order_by("pk"):
        if services:
            service.train = train
        else:
            service.team = None
        service.save()
    return team


register_effect("team.create", _joined)
register_effect("team.join", _joined)


@action("onboarding_item.settle", on=OnboardingItem, requires="planning.edit", label="Settled")
def settle_item(actor: Actor, item: OnboardingItem, *, evidence: Evidence) -> OnboardingItem:
    """Say that an item of the checklist is settled, and what shows it."""
    if not evidence.strip():
        refuse("onboarding_item.evidence", "Say what shows that it is settled.", field="evidence")
    item.evidence, item.done_at, item.done_by_id = evidence.strip(), now(), actor.user_id
    item.save()
    return item


@action("onboarding_item.reopen", on=OnboardingItem, requires="planning.edit")
def reopen_item(
    actor: Actor, item: OnboardingItem, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> OnboardingItem:
    """Say that an item is not settled after all."""
    item.done_at = item.done_by = None
    item.save()
    return item


def _open_only(actor: Actor, item: Any, params: dict[str, Any]) -> Refusal | None:
    if item is not None and item.done_at:
        return Refusal("onboarding_item.settled", "This item is settled.", remedy="Reopen it to change it.")
    return None


def _settled_only(actor: Actor, item: Any, params: dict[str, Any]) -> Refusal | None:
    if item is not None and not item.done_at:
        return Refusal("onboarding_item.open", "This item is open.")
    return None


register_guard("onboarding_item.settle", _open_only)
register_guard("onboarding_item.reopen", _settled_only)


# -- what an open checklist holds back --


@action("release.assign_owner", on=Release, requires="releases.manage", label="Name owning team")
def assign_owner(
    actor: Actor,
    release: Release,
    *,
    team: Annotated[
        Team,
        Field(
            "Owning team",
            rows=lambda actor, release: (
                Team.objects.filter(train=release.train_id) if release else Team.objects.all()
            ),
        ),
    ],
) -> Release:
    """Say which team owns a release; one with mandatory checklist items open cannot."""
    if team.train_id != release.train_id:
        refuse("team.elsewhere", f"{team} is not a team of {release.train}.", field="team")
    open_ = _mandatory([team.pk])
    if open_:
        refuse(
            "team.onboarding",
            f"{team} is not aboard yet: {_said(open_)}.",
            remedy="Settle its mandatory checklist items first.",
            blocked_by=Ref.of(open_[0].onboarding),
            field="team",
        )
    release.owner = team
    release.save()
    return release


def _mandatory(teams: list[Any]) -> list[OnboardingItem]:
    """Mandatory items that these teams have open."""
    return list(
        OnboardingItem.objects.filter(
            onboarding__team__in=teams,
            onboarding__ended_at__isnull=True,
            mandatory=True,
            done_at__isnull=True,
        )
        .select_related("onboarding__team", "onboarding__train")
        .order_by("onboarding__team__code", "position")
    )


def _said(items: list[OnboardingItem]) -> str:
    texts = "; ".join(f"“{item.text}”" for item in items[:3])
    return f"{texts} and {len(items) - 3} more are open" if len(items) > 3 else f"{texts} open"


def aboard_first(actor: Actor, release: Any, params: dict[str, Any]) -> Refusal | None:
    """A production release belongs to teams that are aboard: its owning team, and the teams of its builds."""
    if release is None:
        return None
    built = release.artifacts.values_list("service__team_id", flat=True)
    teams = [pk for pk in {release.owner_id, *built} if pk]
    open_ = _mandatory(teams) if teams else []
    if not open_:
        return None
    team = open_[0].onboarding.team
    return Refusal(
        "team.onboarding",
        f"{team} cannot own a production release yet: {_said([i for i in open_ if i.onboarding.team_id == team.pk])}.",
        remedy="Settle its mandatory checklist items, or take its builds out of the release.",
        blocked_by=Ref.of(open_[0].onboarding),
    )


for _verb in ("release.mark_ready", "release.mark_approved", "release.start_deploying"):
    register_guard(_verb, aboard_first)
