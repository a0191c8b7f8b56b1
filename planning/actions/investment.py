"""Investment buckets, their shares of a Program Increment, and demand that comes from a portfolio tool."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from planning.models import BucketShare, Demand, DemandState, Feature, FeatureKind, InvestmentBucket
from planning.queries.demand import DemandPlan, plan_demand
from planning.rules import demand_rows
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP, Field, Upload
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse
from trains.models import ImportRun, ProgramIncrement, Train

from .features import create_feature

explain_constraint("bucket_name_once", "The train has an investment bucket of this name.")
MOST_BYTES = 5 * 1024 * 1024
MOST_ERRORS_SHOWN = 100
STANDARD = (
    ("New features", [FeatureKind.FEATURE]),
    ("Enablers", [FeatureKind.ENABLER]),
    ("Maintenance", [FeatureKind.PROBLEM_FIX]),
    ("Technical debt", []),
    ("Compliance", [FeatureKind.COMPLIANCE]),
)


def _refuse_kinds_taken(train: Train, kinds: list[FeatureKind], but: InvestmentBucket | None = None) -> None:
    for other in InvestmentBucket.objects.filter(train=train):
        twice = sorted(set(map(str, kinds)) & set(other.kinds)) if but is None or other.pk != but.pk else []
        if twice:
            refuse(
                "bucket.kind_taken",
                f"Features of kind {twice[0].replace('_', ' ')} fall into {other} already.",
                remedy="A kind falls into one bucket; single features may be put elsewhere.",
                field="kinds",
            )


Kinds = Annotated[list[FeatureKind], Field("Kinds of feature", "What falls into it by itself.")]


@action(
    "investment_bucket.create",
    creates=InvestmentBucket,
    requires="planning.edit",
    within="train",
    label="New bucket",
)
def create_bucket(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    name: Annotated[str, Field("Name", max_length=80)],
    kinds: Kinds = [],  # noqa: B006 - read only
) -> InvestmentBucket:
    """Add an investment bucket to a train."""
    if not name.strip():
        refuse("bucket.name", "A bucket has a name.", field="name")
    _refuse_kinds_taken(train, kinds)
    position = InvestmentBucket.objects.filter(train=train).count() + 1
    return InvestmentBucket.objects.create(
        train=train, name=name.strip(), kinds=[str(kind) for kind in kinds], position=position
    )


@action(
    "investment_bucket.create_standard",
    creates=InvestmentBucket,
    requires="planning.edit",
    within="train",
    label="Standard buckets",
)
def create_standard_buckets(actor: Actor, *, train: Annotated[Train, Field("Train")]) -> dict[str, Any]:
    """Give a train the five usual buckets: new features, enablers, maintenance, technical debt, compliance."""
    if InvestmentBucket.objects.filter(train=train).exists():
        refuse("bucket.there", f"{train} has buckets already.", remedy="Add single ones, or rename them.")
    made = [create_bucket(actor, train=train, name=name, kinds=list(kinds)) for name, kinds in STANDARD]
    return {"created": [bucket.name for bucket in made]}


@action("investment_bucket.edit", on=InvestmentBucket, requires="planning.edit")
def edit_bucket(
    actor: Actor,
    bucket: InvestmentBucket,
    *,
    name: Annotated[str | None, Field("Name", max_length=80)] = None,
    kinds: Annotated[list[FeatureKind] | None, Field("Kinds of feature")] = KEEP,
) -> InvestmentBucket:
    """Rename a bucket, or say which kinds of feature fall into it."""
    bucket.name = (name or "").strip() or bucket.name
    if kinds is not KEEP:
        _refuse_kinds_taken(bucket.train, kinds or [], bucket)
        bucket.kinds = [str(kind) for kind in kinds or []]
    bucket.save()
    return bucket


@action(
    "pi.set_allocation",
    hidden=True,
    on=ProgramIncrement,
    requires="planning.commit",
    label="Set target shares",
)
def set_allocation(
    actor: Actor,
    pi: ProgramIncrement,
    *,
    shares: Annotated[
        dict[str, Any], Field("Shares", "Whole percents by the name of the bucket; together 100.")
    ],
) -> ProgramIncrement:
    """Set the target shares of the train's investment buckets in a Program Increment."""
    if pi.state == "closed":
        refuse("pi.closed", f"{pi} is closed.", blocked_by=Ref.of(pi))
    buckets = {b.name: b for b in InvestmentBucket.objects.filter(train=pi.train_id)}
    if not buckets:
        refuse(
            "allocation.empty", "The train has no investment buckets.", remedy="Add the standard ones first."
        )
    for name, percent in shares.items():
        if name not in buckets:
            refuse("allocation.bucket", f"The train has no bucket {name[:40]}.", field="shares")
        if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= 100:
            refuse("allocation.percent", f"{name}: give a whole number from 0 to 100.", field="shares")
    total = sum(shares.values())
    if total != 100:
        refuse(
            "allocation.total",
            f"The shares add up to {total} %, not to 100 %.",
            remedy=f"{'Take' if total > 100 else 'Add'} {abs(total - 100)} percentage points.",
            field="shares",
        )
    there = {share.bucket_id: share for share in BucketShare.objects.filter(pi=pi)}
    for name, bucket in buckets.items():
        share = there.get(bucket.pk) or BucketShare(pi=pi, bucket=bucket)
        if share.percent != shares.get(name, 0):
            share.percent = shares.get(name, 0)
            share.save()
    return pi


# -- demand -------------------------------------------------------------------------------------------------

Mapping = Annotated[
    dict[str, Any] | None, Field("Mapping", "Foreign names by field, where they do not say it themselves.")
]
DryRun = Annotated[bool, Field("Dry run", "Only say what would happen.")]


@action(
    "demand.import_csv",
    hidden=True,
    creates=Demand,
    requires="planning.edit",
    within="train",
    label="Import demand",
)
def import_demand_file(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    file: Annotated[Upload, Field("File", "CSV with a header; UTF-8.", max=MOST_BYTES)],
    mapping: Mapping = None,
    dry_run: DryRun = False,
) -> Any:
    """Take in demand from a portfolio tool's CSV file; one bad row and nothing is imported."""
    plan = plan_demand(train, demand_rows.read_csv(file.content, mapping))
    return _import(plan, file.name, file.content, dry_run)


@action("demand.import_rows", hidden=True, creates=Demand, requires="planning.edit", within="train")
def import_demand_rows(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    rows: Annotated[list, Field("Rows", "A list of objects, with the tool's own names.")],  # type: ignore[type-arg]
    mapping: Mapping = None,
    dry_run: DryRun = False,
) -> Any:
    """Take in demand that a portfolio tool sends; one bad row and nothing is imported."""
    plan = plan_demand(train, demand_rows.read_rows(rows, mapping))
    return _import(plan, "REST", repr(rows).encode(), dry_run)


def _import(plan: DemandPlan, source: str, content: bytes, dry_run: bool) -> Any:
    if dry_run:
        return plan.summary()
    if plan.errors:
        raise Refused(
            *[
                Refusal("import.row", str(e), remedy="Correct it and import again.", field="rows", status=422)
                for e in plan.errors[:MOST_ERRORS_SHOWN]
            ]
        )
    started = now()
    bulk_create_tracked(plan.created)
    bulk_update_tracked(plan.updated, plan.fields)
    run = ImportRun(
        kind="demand",
        source_name=source[:200],
        digest="sha256:" + hashlib.sha256(content).hexdigest(),
        rows=len(plan.created) + len(plan.updated) + plan.unchanged,
        created=len(plan.created),
        updated=len(plan.updated),
        unchanged=plan.unchanged,
        started_at=started,
        finished_at=now(),
    )
    run.save()
    return run


@action("demand.accept", on=Demand, requires="planning.edit")
def accept_demand(
    actor: Actor,
    demand: Demand,
    *,
    kind: Annotated[FeatureKind, Field("Kind of feature")] = FeatureKind.FEATURE,
) -> Demand:
    """Accept a demand: it becomes a feature in the funnel, linked to where it comes from."""
    feature = create_feature(
        actor,
        train=demand.train,
        title=demand.title,
        kind=kind,
        description=demand.description,
        points=demand.points,
        source_kind="demand",
        source_label=f"{demand.key} {demand.external_id}"[:200],
    )
    feature = Feature.objects.get(pk=feature.pk)
    feature.source_id, feature.bucket = demand.pk, demand.bucket
    feature.save()
    demand.state, demand.feature = DemandState.ACCEPTED, feature
    demand.decided_at, demand.decided_by_id = now(), actor.user_id
    demand.save()
    return demand


@action("demand.decline", on=Demand, requires="planning.edit", danger=True)
def decline_demand(
    actor: Actor, demand: Demand, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> Demand:
    """Decline a demand, with the reason that its requester reads."""
    if not reason.strip():
        refuse("demand.reason", "Say why it is declined.", field="reason")
    demand.state, demand.reason = DemandState.DECLINED, reason.strip()
    demand.decided_at, demand.decided_by_id = now(), actor.user_id
    demand.save()
    return demand


def undecided(actor: Actor, demand: Demand, params: dict[str, Any]) -> Refusal | None:
    """A demand is decided once."""
    if demand.state == DemandState.NEW:
        return None
    return Refusal(
        "demand.decided",
        f"{demand} is {demand.get_state_display().lower()}.",
        blocked_by=Ref.of(demand.feature) if demand.feature else None,
    )


for _verb in ("accept", "decline"):
    register_guard(f"demand.{_verb}", undecided)
