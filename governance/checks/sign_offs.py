"""The check of people's own words: as many as the gate wants have signed off these very builds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.queries.sign_offs import barred_from_signing, holders_among, standing_sign_offs
from governance.queries.waivers import builds_digest
from releasetrain.accounts.catalogue import Role

from .context import CheckContext
from .parameters import Parameter, one_of
from .registry import Outcome, check, failed, passed, pending


@check(
    "sign-off",
    title="Manual sign-off",
    parameters={
        "topic": Parameter(str, "Topic", "release", "What is signed, e.g. privacy or load test.", longest=80),
        "role": one_of(
            "By whom",
            Role.CHANGE_MANAGER.value,
            tuple((r.value, r.label) for r in Role if r != Role.SERVICE_ACCOUNT),
            "Only people who hold this role now count.",
        ),
        "people": Parameter(int, "How many people", 1, "Each counts once.", min=1, max=20),
    },
    words=lambda topic, role, people: (
        f"{people} {'person has' if people == 1 else 'people have'} signed off {topic} as {Role(role).label}"
        " for these builds, none of whom wrote the change or deployed it."
    ),
    max_age_hours=24 * 14,
)
def signed_off(ctx: CheckContext, *, topic: str, role: str, people: int) -> Outcome:
    """Sign-offs on the topic that stand: for exactly these builds, not withdrawn, by others than authors and deployers."""
    subject: Any = ctx.release or (ctx.artifacts[0] if ctx.artifacts else None)
    if subject is None:
        return pending("There is nothing to sign off.", "Attach the release's artifacts.")
    digest = builds_digest(ctx.artifacts)
    rows = standing_sign_offs(subject, topic)
    withdrawn = [r for r in rows if r.choice == r.Choice.WITHDRAWN]
    given = [r for r in rows if r.choice == r.Choice.GIVEN and r.signed_at <= ctx.at]
    barred = barred_from_signing(ctx.release, ctx.artifacts)
    present = [r for r in given if r.builds == digest and r.signed_by_id not in barred]
    holders = holders_among({r.signed_by_id for r in present}, role, subject, ctx.at)
    present = [r for r in present if r.signed_by_id in holders]
    facts = {
        "builds": digest,
        "signed": sorted([str(r.pk), r.choice, r.builds] for r in rows),
        "count": len(present),
    }
    whom = f"{people} {'person' if people == 1 else 'people'} as {Role(role).label}"
    if len(present) >= people:
        named = ", ".join(str(r.signed_by) for r in present[:5])
        return passed(
            f"{topic} is signed off by {named}.",
            evidence=present,
            facts=facts,
            as_of=sorted(r.signed_at for r in present)[-people],
            # Roles end without any fact of the release changing.
            valid_until=ctx.at + timedelta(hours=1),
        )
    if withdrawn:
        last = withdrawn[0]
        return failed(
            f"{last.signed_by} has withdrawn the sign-off of {topic}: {last.statement}",
            "Settle what was found, and have it signed off again.",
            evidence=withdrawn,
            facts=facts,
        )
    if any(r.builds != digest for r in given):
        return pending(
            f"{topic} was signed off for other builds than {ctx.subject_label} carries now.",
            f"Have {whom} look at the present builds and sign off.",
            evidence=given,
            facts=facts,
        )
    return pending(
        f"{topic} is signed off by {len(present)} of {people}.",
        f"Have {whom} sign off {topic}; authors and deployers do not count.",
        evidence=present,
        facts=facts,
    )
