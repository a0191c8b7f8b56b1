"""Recording why a dependency came late or not at all."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import DependencyTrouble, FeatureDependency
from planning.queries.bottlenecks import days_late
from planning.states import TroubleCause
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Service


def _dependencies(actor: Actor, subject: Any) -> Any:
    return (
        FeatureDependency.objects.select_related("provider", "consumer")
        .exclude(state="withdrawn")
        .order_by("-created_at")
    )


def _loaded(dependency: FeatureDependency) -> FeatureDependency:
    """The dependency with both ends as they stand now."""
    ends = ("provider__pi", "provider__iteration", "consumer__pi", "consumer__iteration", "needed_in")
    return FeatureDependency.objects.select_related(*ends).get(pk=dependency.pk)


@action(
    "dependency_trouble.record",
    creates=DependencyTrouble,
    requires="planning.plan",
    within="dependency",
    label="Record trouble with a dependency",
)
def record_trouble(
    actor: Actor,
    *,
    dependency: Annotated[FeatureDependency, Field("Dependency", rows=_dependencies)],
    cause: Annotated[TroubleCause, Field("Cause")],
    service: Annotated[Service | None, Field("Service", "What was to be delivered or changed.")] = None,
    late_by: Annotated[
        int | None, Field("Days late", "From the board when left out.", min=0, max=999)
    ] = None,
    note: Annotated[str, Field("What happened", max_length=300)] = "",
) -> DependencyTrouble:
    """Say why a dependency came late or not at all; recurring causes become proposals. Again replaces the record."""
    dependency = _loaded(dependency)
    pi = dependency.consumer.pi or dependency.provider.pi
    if pi is None:
        refuse(
            "trouble.unplanned",
            f"Neither end of “{dependency}” stands in a Program Increment.",
            remedy="Plan one of them, or withdraw the dependency.",
            blocked_by=Ref.of(dependency),
            field="dependency",
        )
    trouble = DependencyTrouble.objects.filter(dependency=dependency).first() or DependencyTrouble(
        dependency=dependency
    )
    trouble.pi, trouble.cause, trouble.service = pi, cause, service
    trouble.days_late = late_by if late_by is not None else min(days_late(dependency), 999)
    trouble.note, trouble.recorded_by_id, trouble.recorded_at = note.strip(), actor.user_id, now()
    trouble.save()
    return trouble
