"""Verbs of data migrations: their plan, and the run of their steps."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import DataMigration, Environment, MigrationStep, Release, Service, Train
from trains.queries.deployments import current_versions, version_running
from trains.rules.migration_steps import Step, hindrance
from trains.rules.version_ranges import parse_range
from trains.rules.versions import VersionError
from trains.states_releases import DATA_MIGRATION_STATES, MIGRATION_STEP_STATES

State, StepState, Kind = DataMigration.State, MigrationStep.State, MigrationStep.Kind
Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("migration_one_point_of_no_return", "The plan has its point of no return already.")
explain_constraint("migration_step_position", "Another step has this place.")
explain_constraint("migration_step_verified", "A verification is done only with the expected result.")
explain_constraint("data_migration_no_way_back", "The point of no return is passed.")


def _window(starts: datetime | None, ends: datetime | None) -> None:
    if (starts is None) != (ends is None):
        refuse(
            "data_migration.window",
            "A cut-over window has a beginning and an end.",
            field="cutover_ends" if ends is None else "cutover_starts",
        )
    if starts and ends and ends <= starts:
        refuse("data_migration.window", "The cut-over ends before it begins.", field="cutover_ends")


@action("data_migration.create", creates=DataMigration, requires="releases.manage", within="train")
def create_data_migration(
    actor: Actor,
    *,
    train: Train,
    title: Annotated[str, Field("Title", max_length=200)],
    source_system: Annotated[str, Field("From system", max_length=120)],
    target_system: Annotated[str, Field("To system", max_length=120)],
    fallback: Annotated[
        str,
        Field(
            "Fallback", help="How to go back before the point of no return, and how long it takes.", long=True
        ),
    ],
    kind: Annotated[DataMigration.Kind, Field("Kind")] = DataMigration.Kind.MIGRATION,
    release: Annotated[Release | None, Field("Release")] = None,
    cutover_starts: Annotated[datetime | None, Field("Cut-over from")] = None,
    cutover_ends: Annotated[datetime | None, Field("Cut-over until")] = None,
    after_no_return: Annotated[str, Field("After the point of no return", long=True)] = "",
    owner: Annotated[User | None, Field("Owner")] = None,
) -> DataMigration:
    """Plan how data gets from one system to another."""
    if release is not None and release.train_id != train.pk:
        refuse("release.elsewhere", f"{release} is not a release of {train}.", field="release")
    _window(cutover_starts, cutover_ends)
    if not fallback.strip():
        refuse("data_migration.fallback", "Say how to go back.", field="fallback")
    return DataMigration.objects.create(
        train=train,
        title=title,
        source_system=source_system,
        target_system=target_system,
        fallback=fallback,
        kind=kind,
        release=release,
        cutover_starts=cutover_starts,
        cutover_ends=cutover_ends,
        after_no_return=after_no_return,
        owner=owner,
    )


@action("data_migration.edit", on=DataMigration, requires="releases.manage", machine=DATA_MIGRATION_STATES)
def edit_data_migration(
    actor: Actor,
    migration: DataMigration,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    release: Annotated[Release | None, Field("Release")] = None,
    cutover_starts: Annotated[datetime | None, Field("Cut-over from")] = None,
    cutover_ends: Annotated[datetime | None, Field("Cut-over until")] = None,
    fallback: Annotated[str | None, Field("Fallback", long=True)] = None,
    after_no_return: Annotated[str | None, Field("After the point of no return", long=True)] = None,
    owner: Annotated[User | None, Field("Owner")] = None,
) -> DataMigration:
    """Change the plan; what is left empty stays."""
    if release is not None and release.train_id != migration.train_id:
        refuse("release.elsewhere", f"{release} is not a release of {migration.train}.", field="release")
    if fallback is not None and not fallback.strip():
        refuse("data_migration.fallback", "Say how to go back.", field="fallback")
    news = {
        "title": title,
        "release": release,
        "cutover_starts": cutover_starts,
        "cutover_ends": cutover_ends,
        "fallback": fallback,
        "after_no_return": after_no_return,
        "owner": owner,
    }
    for field, value in news.items():
        if value is not None:
            setattr(migration, field, value)
    _window(migration.cutover_starts, migration.cutover_ends)
    migration.save()
    return migration


@action(
    "data_migration.add_step", on=DataMigration, requires="releases.manage", machine=DATA_MIGRATION_STATES
)
def add_migration_step(
    actor: Actor,
    migration: DataMigration,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    kind: Annotated[Kind, Field("Kind")] = Kind.COPY,
    position: Annotated[int | None, Field("Place", help="Empty: last.", min=1, max=1000)] = None,
    owner: Annotated[User | None, Field("Owner")] = None,
    minutes: Annotated[int, Field("Estimate in minutes", min=0, max=100_000)] = 30,
    waits_for_service: Annotated[Service | None, Field("Waits for the deployment of")] = None,
    waits_for_version: Annotated[
        str, Field("In version", help="A SemVer range; empty: any.", max_length=200)
    ] = "",
    waits_in: Annotated[Environment | None, Field("In environment")] = None,
    verification_query: Annotated[str, Field("Verification query", long=True)] = "",
    expected: Annotated[str, Field("Expected result", max_length=300)] = "",
    point_of_no_return: Annotated[bool, Field("Point of no return")] = False,
) -> MigrationStep:
    """Add a step. A verification says what is asked and which answer is right."""
    if kind == Kind.VERIFY and not (verification_query.strip() and expected.strip()):
        refuse(
            "migration_step.query",
            "A verification needs its query and the expected result.",
            field="expected" if verification_query.strip() else "verification_query",
        )
    if (waits_for_service is None) != (waits_in is None):
        refuse(
            "migration_step.waits",
            "Say both: which service, and in which environment.",
            field="waits_in" if waits_in is None else "waits_for_service",
        )
    if waits_for_version:
        try:
            parse_range(waits_for_version)
        except VersionError as error:
            refuse("range.invalid", str(error), field="waits_for_version")
    last = migration.steps.order_by("-position").values_list("position", flat=True).first() or 0
    return MigrationStep.objects.create(
        migration=migration,
        position=position or last + 1,
        kind=kind,
        title=title,
        owner=owner,
        minutes=minutes,
        waits_for_service=waits_for_service,
        waits_for_version=waits_for_version,
        waits_in=waits_in,
        verification_query=verification_query,
        expected=expected.strip(),
        point_of_no_return=point_of_no_return,
    )


@action(
    "migration_step.drop",
    on=MigrationStep,
    requires="releases.manage",
    machine=MIGRATION_STEP_STATES,
    danger=True,
)
def drop_migration_step(actor: Actor, step: MigrationStep) -> MigrationStep:
    """Take a step out of a plan that has not begun; its place stays empty."""
    migration: DataMigration = step.migration
    if migration.state != State.PLANNED:
        refuse("data_migration.begun", f"{migration} has begun.", blocked_by=Ref.of(migration))
    step.point_of_no_return = False
    return step


@action("data_migration.start", on=DataMigration, requires="releases.manage", machine=DATA_MIGRATION_STATES)
def start_data_migration(actor: Actor, migration: DataMigration) -> DataMigration:
    """Begin. Preparing steps may run at once; what switches over runs inside the cut-over window."""
    steps = list(migration.steps.exclude(state=StepState.DROPPED))
    if not steps:
        refuse("data_migration.empty", f"{migration} has no steps.", remedy="Add its steps first.")
    if not any(s.kind == Kind.VERIFY for s in steps):
        refuse(
            "data_migration.unverified",
            f"No step of {migration} verifies the data.",
            remedy="Add a step of the kind Verify with its query and the expected result.",
        )
    if migration.cutover_starts is None:
        refuse(
            "data_migration.window",
            f"{migration} has no cut-over window.",
            remedy="Set the window first.",
            field="cutover_starts",
            status=409,
        )
    return migration


@action("migration_step.start", on=MigrationStep, requires="releases.manage", machine=MIGRATION_STEP_STATES)
def start_migration_step(actor: Actor, step: MigrationStep) -> MigrationStep:
    """Begin a step whose predecessors are done and whose deployment has arrived."""
    migration = _running(step)
    steps = [
        Step(s.position, s.title, s.kind, s.state, s.point_of_no_return)
        for s in migration.steps.exclude(state=StepState.DROPPED)
    ]
    hindered = hindrance(steps, step.position)
    if hindered:
        refuse(
            "migration_step.order", hindered, remedy="Finish what comes first.", blocked_by=Ref.of(migration)
        )
    _deployed(step)
    if step.kind == Kind.SWITCH or step.point_of_no_return:
        _in_window(migration, step)
    step.started_at, step.finished_at, step.result = now(), None, ""
    if step.point_of_no_return:
        migration.no_return_at = now()
        migration.save()
    return step


def _running(step: MigrationStep) -> DataMigration:
    migration: DataMigration = DataMigration.objects.select_for_update(of=("self",)).get(pk=step.migration_id)
    if migration.state != State.RUNNING:
        refuse(
            "data_migration.not_running",
            f"{migration} is {migration.get_state_display().lower()}.",
            remedy="Start the migration first." if migration.state == State.PLANNED else "",
            blocked_by=Ref.of(migration),
        )
    return migration


def _deployed(step: MigrationStep) -> None:
    if step.waits_for_service_id is None:
        return
    service, environment = step.waits_for_service, step.waits_in
    running = current_versions(services=[service.pk]).get(service.pk, {}).get(environment.pk)
    version = version_running(running) if running else ""
    wanted = f"{service} {step.waits_for_version}".strip()
    if running is None:
        refuse(
            "migration_step.deployment",
            f"{step} waits for {wanted}, which does not run in {environment}.",
            remedy=f"Deploy {wanted} to {environment} first.",
        )
    if step.waits_for_version:
        try:
            fits = parse_range(step.waits_for_version).allows(version)
        except VersionError:
            fits = False
        if not fits:
            refuse(
                "migration_step.deployment",
                f"{step} waits for {wanted}, but {version or 'an unknown version'} runs in {environment}.",
                remedy=f"Deploy {wanted} to {environment} first.",
                blocked_by=Ref.of(running),
            )


def _in_window(migration: DataMigration, step: MigrationStep) -> None:
    starts, ends = migration.cutover_starts, migration.cutover_ends
    if starts is None or ends is None or not starts <= now() < ends:
        window = f"{starts:%d %b %H:%M} to {ends:%d %b %H:%M} UTC" if starts and ends else "not set"
        refuse(
            "migration_step.window",
            f"{step} runs only inside the cut-over window ({window}).",
            remedy="Wait for the window, or agree another one.",
            blocked_by=Ref.of(migration),
        )


@action("migration_step.finish", on=MigrationStep, requires="releases.manage", machine=MIGRATION_STEP_STATES)
def finish_migration_step(
    actor: Actor,
    step: MigrationStep,
    *,
    result: Annotated[
        str, Field("Result", help="Of a verification: the answer that came.", max_length=300)
    ] = "",
) -> MigrationStep:
    """Finish a step. A verification with another answer than the expected one has failed."""
    _running(step)
    if step.kind == Kind.VERIFY and not result.strip():
        refuse("migration_step.result", "Say what the verification query answered.", field="result")
    step.result, step.finished_at = result.strip(), now()
    right = step.kind != Kind.VERIFY or step.result == step.expected
    step.state = StepState.DONE if right else StepState.FAILED
    step.save()
    return step


@action("migration_step.fail", on=MigrationStep, requires="releases.manage", machine=MIGRATION_STEP_STATES)
def fail_migration_step(actor: Actor, step: MigrationStep, *, reason: Reason) -> MigrationStep:
    """Say that a step did not work; it may be started again, or the migration falls back."""
    _running(step)
    step.result, step.finished_at = reason[:300], now()
    return step


@action(
    "data_migration.complete", on=DataMigration, requires="releases.manage", machine=DATA_MIGRATION_STATES
)
def complete_data_migration(actor: Actor, migration: DataMigration) -> DataMigration:
    """Every step is done, and every verification gave its expected result."""
    left = migration.steps.exclude(state__in=[StepState.DONE, StepState.DROPPED]).first()
    if left:
        refuse(
            "data_migration.steps",
            f"{left} is {left.get_state_display().lower()}.",
            remedy="Finish every step first.",
            blocked_by=Ref.of(left),
        )
    return migration


@action(
    "data_migration.fall_back",
    on=DataMigration,
    requires="releases.manage",
    machine=DATA_MIGRATION_STATES,
    danger=True,
    confirm="The fallback of the plan is carried out and the migration ends.",
)
def fall_back(actor: Actor, migration: DataMigration, *, reason: Reason) -> DataMigration:
    """Go back to the source system, before the point of no return."""
    if migration.no_return_at:
        refuse(
            "data_migration.no_return",
            f"{migration} passed its point of no return on {migration.no_return_at:%d %b %Y %H:%M} UTC.",
            remedy=migration.after_no_return or "Correct the data in the target system.",
        )
    return migration


@action(
    "data_migration.cancel",
    on=DataMigration,
    requires="releases.manage",
    machine=DATA_MIGRATION_STATES,
    danger=True,
)
def cancel_data_migration(actor: Actor, migration: DataMigration, *, reason: Reason) -> DataMigration:
    """Give a plan up that has not begun."""
    return migration
