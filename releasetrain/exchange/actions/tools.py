"""Verbs of the tool catalogue: what is standard, which train uses what, through what it is seen, what may differ."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.exchange.models import ConnectorKind, Stance, ToolCategory, ToolStandard, ToolUse
from releasetrain.exchange.queries import connectors
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Team, Train

explain_constraint("tool_standard_once", "There is a word on this tool already: change its stance.")
explain_constraint("tool_use_once", "The train has this tool on its list already.")
LONGEST_EXCEPTION = timedelta(days=365)

Tool = Annotated[str, Field("Tool", help="Its usual name, e.g. GitHub Actions.", max_length=60)]
Reason = Annotated[str, Field("Reason", long=True, max_length=2000)]
Connector = Annotated[
    str,
    Field(
        "Connected through",
        help="Name of the sender, endpoint, series or forge; for reports and imports the name they are posted under.",
        max_length=200,
    ),
]


def _past(day: date | None, field: str) -> date:
    today = now().date()
    if day is not None and day > today:
        refuse("tool.day", "The day lies ahead.", remedy="Say it when it has come.", field=field, status=422)
    return day or today


@action(
    "tool_standard.create", creates=ToolStandard, requires="organization.manage", label="Say what is standard"
)
def create_standard(
    actor: Actor,
    *,
    category: ToolCategory,
    tool: Tool,
    stance: Stance,
    reason: Reason,
    since: Annotated[date | None, Field("Since", help="Empty: today.")] = None,
) -> ToolStandard:
    """Say of a tool whether trains should adopt it, start no new use of it, or move away from it."""
    tool = tool.strip()
    if ToolStandard.objects.filter(category=category, tool__iexact=tool).exists():
        refuse(
            "tool_standard.exists",
            f"There is a word on {tool} already.",
            remedy="Change its stance.",
            field="tool",
        )
    return ToolStandard.objects.create(
        category=category, tool=tool, stance=stance, reason=reason, since=_past(since, "since")
    )


@action("tool_standard.restate", on=ToolStandard, requires="organization.manage", label="Change the stance")
def restate(
    actor: Actor,
    standard: ToolStandard,
    *,
    stance: Stance,
    reason: Reason,
    since: Annotated[date | None, Field("Since", help="Empty: today.")] = None,
) -> ToolStandard:
    """Say something else of the tool from a day on; what was said before stays on record."""
    day = _past(since, "since")
    if stance == standard.stance:
        refuse(
            "tool_standard.same", f"{standard} is on {standard.get_stance_display()} already.", field="stance"
        )
    if day < standard.since:
        refuse(
            "tool_standard.order", f"The present word counts since {standard.since:%d %B %Y}.",
            remedy="Name a later day.", field="since", status=422,
        )  # fmt: skip
    before = {"stance": standard.stance, "since": standard.since.isoformat(), "reason": standard.reason}
    standard.earlier = [*standard.earlier, before]
    standard.stance, standard.reason, standard.since = stance, reason, day
    standard.save()
    return standard


@action("tool_use.create", creates=ToolUse, requires="trains.manage", within="train", label="Record a tool")
def record_use(
    actor: Actor,
    *,
    train: Train,
    category: ToolCategory,
    tool: Tool,
    team: Annotated[Team | None, Field("Team", help="Where only one team of the train uses it.")] = None,
    connector_kind: Annotated[ConnectorKind, Field("Connector")] = ConnectorKind.NONE,
    connector: Connector = "",
    since: Annotated[date | None, Field("Used since", help="Empty: today.")] = None,
) -> ToolUse:
    """Put a tool that a train uses on its list, with the connector through which it is seen here."""
    if team is not None and team.train_id != train.pk:
        refuse("tool_use.team", f"{team} is no team of {train}.", field="team", status=422)
    use = ToolUse(train=train, team=team, category=category, tool=tool.strip(), since=_past(since, "since"))
    if ToolUse.objects.filter(
        train=train, team=team, category=category, tool__iexact=use.tool, ended_on=None
    ).exists():
        refuse("tool_use.exists", f"{train} has {use.tool} on its list already.", field="tool")
    _connect(use, connector_kind, connector)
    use.save()
    return use


@action("tool_use.connect", on=ToolUse, requires="trains.manage", label="Connect")
def connect_use(
    actor: Actor,
    use: ToolUse,
    *,
    connector_kind: Annotated[ConnectorKind, Field("Connector")],
    connector: Connector = "",
) -> ToolUse:
    """Name the connector through which the tool is seen here, or none."""
    _refuse_ended(use)
    _connect(use, connector_kind, connector)
    use.save()
    return use


@action("tool_use.grant_exception", on=ToolUse, requires="organization.manage", label="Grant an exception")
def grant_exception(
    actor: Actor,
    use: ToolUse,
    *,
    reason: Reason,
    until: Annotated[date, Field("Until", help="A year ahead at most.")],
) -> ToolUse:
    """Let the train use a tool that is no standard, for a reason and until a day."""
    _refuse_ended(use)
    today = now().date()
    if not today < until <= today + LONGEST_EXCEPTION:
        refuse(
            "tool_use.until", "An exception ends on a day to come, within a year.",
            remedy="Name an earlier day; it can be granted again.", field="until", status=422,
        )  # fmt: skip
    use.exception_reason, use.exception_until = reason, until
    use.save()
    return use


@action(
    "tool_use.end",
    on=ToolUse,
    requires="trains.manage",
    label="Used no more",
    confirm="It leaves the matrix.",
)
def end_use(
    actor: Actor, use: ToolUse, *, on: Annotated[date | None, Field("Since", help="Empty: today.")] = None
) -> ToolUse:
    """Say that the tool is used no more; it stays in the share of the months in which it was."""
    _refuse_ended(use)
    day = _past(on, "on")
    if day < use.since:
        refuse("tool_use.order", f"It is used since {use.since:%d %B %Y}.", field="on", status=422)
    use.ended_on = day
    use.save()
    return use


def _refuse_ended(use: ToolUse) -> None:
    if use.ended_on:
        refuse("tool_use.ended", f"{use} ended on {use.ended_on:%d %B %Y}.", remedy="Record it anew.")


def _connect(use: ToolUse, kind: ConnectorKind, name: str) -> None:
    name = name.strip()
    if bool(kind) != bool(name):
        refuse(
            "tool_use.connector", "A connector has a kind and a name.",
            remedy="Give both, or neither.", field="connector", status=422,
        )  # fmt: skip
    stored = connectors.found(kind, name)[0] if kind else ""
    if kind and not stored:
        refuse(
            "tool_use.connector", f"There is no {ConnectorKind(kind).label.lower()} called {name[:80]}.",
            remedy="Connect it under Integrations, or let it post once, and name it then.", field="connector", status=422,
        )  # fmt: skip
    use.connector_kind, use.connector = kind, stored
