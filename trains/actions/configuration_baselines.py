"""Verbs of baselines, and of differences that somebody accepts for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from releasetrain.audit.doorway import (
    Actor,
    Field,
    action,
    explain_constraint,
    register_effect,
    register_guard,
)
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import (
    ConfigurationBaseline,
    ConfigurationItem,
    ConfigurationRelation,
    Deployment,
    Environment,
    Release,
    ToleratedDifference,
)
from trains.queries.drift import Found, discrepancies_of, drift_of, items_in, latest_baseline
from trains.queries.impact import items_of, rests_on

LONGEST = timedelta(days=180)
_MOST_ITEMS = 20_000

Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("configuration_baseline_holds_items", "A baseline freezes at least one item.")


@action(
    "configuration_baseline.freeze",
    creates=ConfigurationBaseline,
    requires="releases.manage",
    within="release",
    label="Freeze a baseline",
)
def freeze_baseline(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=200)] = "",
    release: Annotated[
        Release | None, Field("Release", help="Its deployment units, their items and all that those rest on.")
    ] = None,
    environment: Annotated[
        Environment | None, Field("Environment", help="Without a release: all items there.")
    ] = None,
    items: Annotated[
        list[ConfigurationItem] | None, Field("Items", help="Without a release: these items.")
    ] = None,
    reason: Reason = "",
) -> ConfigurationBaseline:
    """Freeze a set of items as they should be. Freezing what the last baseline of the release holds makes none."""
    if release is not None:
        chosen = rests_on(items_of(release), most=_MOST_ITEMS)
        if not chosen:
            refuse(
                "configuration_baseline.empty",
                f"No configuration item stands for what {release} carries.",
                remedy="Attach its artifacts, and add items for their services.",
                field="release",
            )
    else:
        chosen = list(items or items_in(environment).order_by("key")[: _MOST_ITEMS + 1])
        if not chosen or len(chosen) > _MOST_ITEMS:
            refuse(
                "configuration_baseline.empty",
                f"A baseline freezes 1 to {_MOST_ITEMS} items; there are {len(chosen)}.",
                field="items",
            )
    content = _content(chosen, release)
    if release is not None:
        last = latest_baseline(release)
        if last is not None and last.content_digest == digest(content):
            return last
    moment = now()
    return ConfigurationBaseline.objects.create(
        name=name.strip()[:200] or str(release or environment or "Configuration"),
        release=release,
        environment=environment,
        content=content,
        content_digest=digest(content),
        units=[unit["digest"] for unit in content["units"]],
        items=len(chosen),
        frozen_at=moment,
        frozen_by=actor.name[:200],
        reason=reason,
    )


def _content(items: list[ConfigurationItem], release: Release | None) -> dict[str, Any]:
    """What is frozen, in a stable order."""
    own = [item.pk for item in items]
    relations = ConfigurationRelation.objects.filter(source__in=own, target__in=own, ended_at__isnull=True)
    names = {item.pk: item.key for item in items}
    units = []
    if release is not None:
        for each in release.artifacts.select_related("artifact", "service").order_by("service__name"):
            units.append(
                {
                    "service": each.service.name,
                    "version": each.artifact.version,
                    "digest": each.artifact.digest,
                    "items": sorted(item.key for item in items if item.service_id == each.service_id),
                }
            )
    return {
        "items": [
            {
                "id": str(item.pk),
                "key": item.key,
                "name": item.name,
                "kind": item.kind,
                "state": item.state,
                "version": item.version,
                "criticality": item.criticality,
                "regulated": item.regulated,
                "owner": str(item.owner_id or ""),
                "should_be": item.should_be(),
                "digest": item.expected_digest,
            }
            for item in items
        ],
        "relations": sorted([names[r.source_id], r.kind, names[r.target_id]] for r in relations.order_by()),
        "units": units,
    }


@action(
    "configuration_item.tolerate",
    on=ConfigurationItem,
    requires="waivers.grant",
    label="Tolerate a drift",
    lock=False,
)
def tolerate_drift(
    actor: Actor,
    item: ConfigurationItem,
    *,
    fingerprint: Annotated[str, Field("Difference", help="Its fingerprint.", max_length=71)],
    until: Annotated[datetime, Field("Tolerated until")],
    reason: Reason,
) -> ToleratedDifference:
    """Accept one exact difference of an item for a while. Whoever answers for the item does not accept its drift."""
    found = {f.difference.fingerprint: f for f in drift_of([item], now()).found}
    if item.owner_id and item.owner_id == actor.user_id:
        refuse(
            "tolerated_difference.owner",
            f"You answer for {item}; somebody else accepts how it differs.",
            remedy="Ask another person who may grant waivers.",
            status=403,
        )
    return _accept(actor, found.get(fingerprint), item=item, release=None, until=until, reason=reason)


@action(
    "configuration_observation.tolerate",
    requires="waivers.grant",
    creates=ToleratedDifference,
    label="Tolerate something unknown",
)
def tolerate_stranger(
    actor: Actor,
    *,
    fingerprint: Annotated[str, Field("Difference", help="Its fingerprint.", max_length=71)],
    until: Annotated[datetime, Field("Tolerated until")],
    reason: Reason,
) -> ToleratedDifference:
    """Accept for a while that something runs which no item stands for."""
    found = {f.difference.fingerprint: f for f in drift_of([], now(), strangers=True).found}
    return _accept(actor, found.get(fingerprint), item=None, release=None, until=until, reason=reason)


@action(
    "release.accept_discrepancy",
    on=Release,
    requires="waivers.grant",
    label="Accept a discrepancy",
    lock=False,
)
def accept_discrepancy(
    actor: Actor,
    release: Release,
    *,
    fingerprint: Annotated[str, Field("Discrepancy", help="Its fingerprint.", max_length=71)],
    until: Annotated[datetime, Field("Accepted until")],
    reason: Reason,
) -> ToleratedDifference:
    """Accept that the release and the CMDB disagree in one exact point. The item's owner does not."""
    found = {f.difference.fingerprint: f for f in discrepancies_of(release, now())}
    chosen = found.get(fingerprint)
    item = chosen.item if chosen else None
    if item is not None and item.owner_id and item.owner_id == actor.user_id:
        refuse(
            "tolerated_difference.owner",
            f"You answer for {item}; somebody else accepts the discrepancy.",
            remedy="Ask another person who may grant waivers.",
            status=403,
        )
    return _accept(actor, chosen, item=item, release=release, until=until, reason=reason)


def _accept(
    actor: Actor,
    found: Found | None,
    *,
    item: ConfigurationItem | None,
    release: Release | None,
    until: datetime,
    reason: str,
) -> ToleratedDifference:
    moment = now()
    if found is None:
        refuse(
            "tolerated_difference.gone",
            "There is no such difference now.",
            remedy="Look at the differences again; a changed value is a new difference.",
            field="fingerprint",
        )
    if found.tolerated:
        refuse(
            "tolerated_difference.stands",
            f"It is tolerated until {found.tolerated.expires_at:%Y-%m-%d}.",
            blocked_by=Ref.of(found.tolerated),
        )
    if not reason.strip():
        refuse("tolerated_difference.reason", "Say why it may stay for a while.", field="reason")
    if not moment < until <= moment + LONGEST:
        refuse(
            "tolerated_difference.until",
            f"A difference is tolerated for at most {LONGEST.days} days from now.",
            field="until",
        )
    if actor.user_id is None:
        refuse("tolerated_difference.person", "A person accepts a difference.", status=403)
    return ToleratedDifference.objects.create(
        item=item,
        release=release,
        fingerprint=found.difference.fingerprint,
        sentence=found.sentence,
        reason=reason.strip(),
        accepted_by_id=actor.user_id,
        accepted_at=moment,
        expires_at=until,
    )


@action("tolerated_difference.end", on=ToleratedDifference, requires="waivers.grant", danger=True)
def end_tolerance(actor: Actor, row: ToleratedDifference, *, reason: Reason) -> ToleratedDifference:
    """No longer tolerate a difference."""
    if not row.in_force(now()):
        refuse("tolerated_difference.over", "It is not tolerated any more.")
    row.ended_at = now()
    row.save()
    return row


def start_needs_settled_configuration(actor: Actor, _: Any, params: dict[str, Any]) -> Refusal | None:
    """A deployment of a release to production starts only when release and CMDB agree, where the service has an item.

    What has ended is a fact and is recorded; an emergency does not wait.
    """
    environment, release, service = (params.get(n) for n in ("environment", "release", "service"))
    if (
        params.get("status") != Deployment.State.RUNNING
        or params.get("emergency")
        or release is None
        or service is None
        or environment is None
        or not environment.is_production
        or not ConfigurationItem.objects.filter(service=service).exists()
    ):
        return None
    found = [f for f in discrepancies_of(release, now()) if f.is_open and f.difference.field == service.name]
    if not found:
        return None
    first = found[0]
    more = f" And {len(found) - 1} more." if len(found) > 1 else ""
    return Refusal(
        "deployment.configuration",
        f"{release} and the CMDB disagree: {first.sentence}{more}",
        remedy=f"{first.difference.remedy} Or have the discrepancy accepted with a reason.",
        blocked_by=Ref.of(first.item or release),
    )


def deployed_version_is_expected(actor: Actor, deployment: Any, params: dict[str, Any]) -> None:
    """What was deployed is from now on what should run there."""
    if not isinstance(deployment, Deployment) or not deployment.version:
        return
    if deployment.state != Deployment.State.SUCCEEDED or not deployment.environment.is_production:
        return
    rows = ConfigurationItem.objects.select_for_update(of=("self",)).filter(service=deployment.service_id)
    latest = (
        Deployment.objects.filter(
            service=deployment.service_id,
            environment=deployment.environment_id,
            outcome=Deployment.State.SUCCEEDED,
        )
        .order_by("-started_at", "-id")
        .first()
    )
    for item in rows.exclude(state=ConfigurationItem.State.RETIRED).order_by("pk"):
        there = item.environment_id in (None, deployment.environment_id)
        if there and latest is not None and latest.pk == deployment.pk and item.version != deployment.version:
            item.version = deployment.version
            item.save()


register_guard("deployment.record", start_needs_settled_configuration)
for _verb in ("record", "finish"):
    register_effect(f"deployment.{_verb}", deployed_version_is_expected)
