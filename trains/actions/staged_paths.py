"""Verbs of staged paths: how traffic is moved to a new version, and who lets a failed analysis go back by itself."""

from __future__ import annotations

from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import CanaryConfig, Service, StagedPath
from trains.queries.canary import config_rule
from trains.rules import staged_paths as rules

MOST_LABELS = 20
VERSION, BASELINE_VERSION = "{version}", "{baseline_version}"

explain_constraint("staged_path_name_once", "There is a staged path of this name.")

Steps = Annotated[
    str,
    Field(
        "Steps",
        help=f"One a line, like: {rules.EXAMPLE}. The last takes 100 %. A step may be judged by other configurations,"
        " “25 % for 60 min: CAN-2”, or not at all, “1 % for 5 min: nothing judged”.",
        long=True,
        max_length=4_000,
    ),
]
CanaryLabels = Annotated[
    dict,
    Field(
        "Labels of the canary",
        help='What tells its series apart, e.g. {"track": "canary"} or {"version": "{version}"}.',
    ),
]
BaselineLabels = Annotated[
    dict,
    Field("Labels of the baseline", help='E.g. {"track": "baseline"} or {"version": "{baseline_version}"}.'),
]
Confirm = Annotated[
    int,
    Field("Platform confirms within minutes", help="Later than that it is held.", min=1, max=24 * 60),
]


def _steps(text: str) -> list[dict[str, Any]]:
    known = CanaryConfig.objects.filter(retired_at__isnull=True).values_list("key", flat=True)
    try:
        return [step.as_json() for step in rules.read_steps(text, known)]
    except rules.StepError as error:
        refuse("staged_path.steps", str(error), field="steps")


def _labels(labels: dict[str, Any], field: str) -> dict[str, str]:
    if len(labels) > MOST_LABELS:
        refuse("staged_path.labels", f"At most {MOST_LABELS} labels.", field=field)
    for key, value in labels.items():
        if not isinstance(value, str) or not 0 < len(str(key)) <= 60 or len(value) > 100 or "\x00" in value:
            refuse("staged_path.labels", "Labels are short texts.", field=field)
    return {str(key): value for key, value in labels.items()}


def _comparable(path: StagedPath) -> None:
    """A canary that cannot be told from its baseline would always pass."""
    if path.config.retired_at:
        refuse(
            "staged_path.config",
            f"{path.config} was retired.",
            blocked_by=Ref.of(path.config),
            field="config",
        )
    if path.config.service_id and path.config.service_id != path.service_id:
        refuse(
            "staged_path.config",
            f"{path.config} judges {path.config.service} only.",
            remedy="Take another configuration, or make the path one of this service.",
            field="config",
        )
    compared = any(metric.method != "limit" for metric in config_rule(path.config).metrics)
    if compared and path.canary_labels == path.baseline_labels:
        refuse(
            "staged_path.same_labels",
            "The canary and its baseline carry the same labels: they could not be told apart.",
            field="baseline_labels",
        )


@action(
    "staged_path.create",
    creates=StagedPath,
    requires="releases.manage",
    within="service",
    label="Add a staged path",
)
def create_path(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    steps: Steps,
    config: Annotated[
        CanaryConfig,
        Field("Judged by", rows=lambda actor, _: CanaryConfig.objects.filter(retired_at__isnull=True)),
    ],
    service: Annotated[Service | None, Field("Service", help="Empty: any service.")] = None,
    canary_labels: CanaryLabels = {"track": "canary"},  # noqa: B006 - read only
    baseline_labels: BaselineLabels = {"track": "baseline"},  # noqa: B006 - read only
    auto_advance: Annotated[
        bool, Field("Advances by itself", help="Else a person leads on after each step.")
    ] = True,
    confirm_minutes: Confirm = 10,
) -> StagedPath:
    """Lay out a path: the steps in which traffic moves to a new version, and what judges each."""
    if not name.strip():
        refuse("staged_path.name", "A path has a name.", field="name")
    path = StagedPath(
        name=name.strip(),
        steps=_steps(steps),
        config=config,
        service=service,
        canary_labels=_labels(canary_labels, "canary_labels"),
        baseline_labels=_labels(baseline_labels, "baseline_labels"),
        auto_advance=auto_advance,
        confirm_minutes=confirm_minutes,
    )
    _comparable(path)
    path.save()
    return path


def _in_use(path: StagedPath) -> None:
    if path.retired_at:
        refuse("staged_path.retired", f"{path} was retired on {path.retired_at:%d %b %Y}.")


@action("staged_path.edit", on=StagedPath, requires="releases.manage")
def edit_path(
    actor: Actor,
    path: StagedPath,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    steps: Annotated[
        str | None, Field("Steps", help="All are replaced.", long=True, max_length=4_000)
    ] = None,
    config: Annotated[
        CanaryConfig | None,
        Field("Judged by", rows=lambda actor, _: CanaryConfig.objects.filter(retired_at__isnull=True)),
    ] = None,
    canary_labels: Annotated[dict | None, Field("Labels of the canary")] = None,
    baseline_labels: Annotated[dict | None, Field("Labels of the baseline")] = None,
    auto_advance: Annotated[bool | None, Field("Advances by itself")] = None,
    confirm_minutes: Annotated[
        int | None, Field("Platform confirms within minutes", min=1, max=24 * 60)
    ] = None,
) -> StagedPath:
    """Change a path; what is left empty stays. Rollouts under way keep the path they began on.

    Going back by itself has to be authorised anew.
    """
    _in_use(path)
    news = {
        "name": (name or "").strip() or None,
        "steps": _steps(steps) if steps else None,
        "config": config,
        "canary_labels": None if canary_labels is None else _labels(canary_labels, "canary_labels"),
        "baseline_labels": None if baseline_labels is None else _labels(baseline_labels, "baseline_labels"),
        "auto_advance": auto_advance,
        "confirm_minutes": confirm_minutes,
    }
    for field, value in news.items():
        if value is not None:
            setattr(path, field, value)
    _comparable(path)
    path.authorised_by, path.authorised_at = None, None
    path.save()
    return path


@action(
    "staged_path.authorise",
    on=StagedPath,
    requires="deployments.rollback",
    label="Authorise rollback",
    confirm="From now on a failed analysis takes the new version back without anybody being asked.",
    step_up=True,
)
def authorise_path(actor: Actor, path: StagedPath) -> StagedPath:
    """Authorise beforehand that a failed analysis on this path goes back by itself."""
    _in_use(path)
    if actor.user_id is None:
        refuse("staged_path.somebody", "A person authorises it.", status=403)
    path.authorised_by_id, path.authorised_at = actor.user_id, now()
    path.save()
    return path


@action("staged_path.withdraw_authority", on=StagedPath, requires="deployments.rollback", danger=True)
def withdraw_authority(
    actor: Actor, path: StagedPath, *, reason: Annotated[str, Field("Reason", long=True)]
) -> StagedPath:
    """Take the authorisation back: rollouts planned from now on are held where their analysis fails."""
    if path.authorised_by_id is None:
        refuse("staged_path.unauthorised", f"Nobody authorised {path} to go back by itself.")
    path.authorised_by, path.authorised_at = None, None
    path.save()
    return path


@action("staged_path.retire", on=StagedPath, requires="releases.manage", danger=True)
def retire_path(
    actor: Actor, path: StagedPath, *, reason: Annotated[str, Field("Reason", long=True)]
) -> StagedPath:
    """Use a path no more. Rollouts on it keep it to their end."""
    _in_use(path)
    path.retired_at = now()
    path.save()
    return path
