"""The verb of replays: what would this gate, or a changed one, have said of past releases?"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from governance.models import Gate, Replay
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from releasetrain.tenancy.tasks import enqueue

from .gates import clean_checks

MOST_AT_WORK = 5


@action("gate.replay", on=Gate, requires="gates.manage", label="Replay")
def replay_gate(
    actor: Actor,
    gate: Gate,
    *,
    checks: Annotated[
        list | None, Field("Checks", help="As for a version; empty: the version in force.")
    ] = None,
    days: Annotated[
        int, Field("Days back", help="How far back releases are looked at.", min=1, max=1096)
    ] = 180,
    most: Annotated[int, Field("Releases at most", help="The latest ones.", min=1, max=500)] = 50,
) -> Replay:
    """Ask a set of checks about past releases, and show what flips and how those releases turned out.

    Nothing is published and nothing is held up; a worker does it.
    """
    version = gate.current_version
    if checks:
        clean = clean_checks(checks)
    elif version is not None:
        clean = version.checks
    else:
        refuse(
            "replay.checks", f"{gate} has no published version.", remedy="Give the checks.", field="checks"
        )
    at_work = Replay.objects.filter(state__in=[Replay.State.QUEUED, Replay.State.RUNNING])
    if at_work.count() >= MOST_AT_WORK:
        refuse(
            "replay.busy",
            f"{MOST_AT_WORK} replays are under way.",
            remedy="Wait for one of them.",
            blocked_by=Ref.of(at_work.order_by("requested_at")[0]),
            status=429,
        )
    ends = now()
    replay = Replay.objects.create(
        gate=gate,
        checks=clean,
        checks_digest=digest(clean),
        starts=ends - timedelta(days=days),
        ends=ends,
        most=most,
        requested_by=actor.user_id,
    )
    from governance.tasks.replays import replay as task

    enqueue(task, replay.organization_id, replay.pk)
    return replay
