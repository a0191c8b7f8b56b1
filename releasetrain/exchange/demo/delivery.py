"""The bank's delivery: one rollout under way, one taken back by its analysis, a rollback plan, flags and drills."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from trains import delivering
from trains.actions import failure_drills, feature_flags, rollback_plans, rollouts, staged_paths
from trains.actions.canary import create_config
from trains.actions.deployments import record_deployment
from trains.actions.series import post_values
from trains.models import (
    CanaryConfig,
    FailureDrill,
    FeatureFlag,
    Release,
    Rollout,
    RolloutCommand,
    Service,
    StagedPath,
)
from trains.ports import blockers_of
from trains.queries.deployments import current_versions, version_running

if TYPE_CHECKING:
    from .bank import Bank

METRICS = [
    {"name": "http_error_ratio", "direction": "increase", "critical": True, "groups": ["errors"]},
    {"name": "latency_p95_ms", "direction": "increase", "groups": ["latency"], "allowed_increase": 1.1},
    {"name": "saturation_ratio", "direction": "increase", "groups": ["saturation"], "allowed_increase": 1.2},
]
USUAL = {"http_error_ratio": 0.012, "latency_p95_ms": 180.0, "saturation_ratio": 0.55}
STEPS = "5 % for 20 min\n25 % for 40 min\n50 % for 60 min\n100 % for 30 min: nothing judged"
# (service, key, purpose, what for, removal in days, production, staging, requires)
FLAGS: tuple[tuple[str, str, str, str, int | None, float | None, float | None, list[str]], ...] = (
    ("ledger-core", "instant-refunds", "release", "Refunds over SEPA Instant.", 40, 0, 100, []),
    ("ledger-core", "posting-rules-v3", "release", "New posting rules.", 25, 10, 100, []),
    ("ledger-core", "ledger-read-only", "operations", "Stops postings in an emergency.", None, 0, 0, []),
    ("wallet-bff", "wallet-limits", "permission", "Limits by customer class.", None, 100, 100, []),
    (
        "wallet-bff",
        "refund-timeline",
        "release",
        "Customers see how far a refund is.",
        60,
        100,
        100,
        ["instant-refunds"],
    ),
    ("risk-rules", "fraud-model-v7", "experiment", "Model v7 beside v6.", -12, 50, 100, []),
)
DRILLS = (
    (
        "ledger-core",
        "errors",
        "Database fails over",
        "Postings answer with errors for three minutes.",
        "LedgerErrorRateHigh",
        4,
        150,
    ),
    ("ledger-core", "latency", "Slow disk", "Fill the journal's disk to 95 %.", "LedgerLatencyHigh", 5, None),
    (
        "wallet-bff",
        "dependency",
        "Identity provider away",
        "Block the identity provider.",
        "WalletLoginFailing",
        5,
        200,
    ),
)


def build_delivery(bank: Bank) -> None:
    """Path, rollouts, plan, flags, drills."""
    config = create_config(
        bank.manager,
        name="Errors, latency, saturation",
        metrics=METRICS,
        group_weights={"errors": 50, "latency": 30, "saturation": 20},
    )
    path = staged_paths.create_path(
        bank.manager, name="Careful: 5, 25, 50, 100 %", steps=STEPS, config=config
    )
    staged_paths.authorise_path(bank.manager, path)
    _rollouts(bank, config, path)
    _plan(bank)
    _flags(bank)
    _drills(bank)


def _rollouts(bank: Bank, config: CanaryConfig, path: StagedPath) -> None:
    """One that is judged well so far, one whose errors rose."""
    found = []
    for service in sorted(bank.services.values(), key=lambda s: (s.tier, s.name)):
        rollout = Rollout(service=service, environment=bank.environments["production"], path=path, version="")
        if not blockers_of(rollout):
            found.append(service)
    for service, worse, minutes in zip(found[1:3], (False, True), (16, 9), strict=False):
        _roll(bank, service, path, worse, minutes)


def _roll(bank: Bank, service: Service, path: StagedPath, worse: bool, minutes: int) -> None:
    production = bank.environments["production"]
    running = current_versions(services=[service.pk]).get(service.pk, {}).get(production.pk)
    version = _next(version_running(running) if running else "1.0.0")
    rollout = rollouts.plan_rollout(
        bank.manager, service=service, environment=production, path=path, version=version
    )
    rollouts.start_rollout(bank.manager, rollout)
    record_deployment(
        bank.pipeline, service=service, environment=production, version=version, status="succeeded",
        source="argo-cd", external_id=f"{service.name}-{version}",
    )  # fmt: skip
    rollouts.confirm_command(bank.pipeline, rollout.commands.get(), note="Route has weight 5.")
    _measure(bank, service, minutes, worse)
    rollout = _as_long_ago(Rollout.objects.get(pk=rollout.pk), timedelta(minutes=minutes), service.name)
    system = Actor.system(rollout.organization_id, "rollout round")
    delivering.lead_on(system, rollout)
    command = rollout.commands.filter(state="awaiting", act="roll_back").first()
    if command:
        rollouts.confirm_command(bank.pipeline, command, note="Route has weight 0.")
        _answered_after(RolloutCommand.objects.get(pk=command.pk), timedelta(seconds=7))


def _as_long_ago(rollout: Rollout, back: timedelta, name: str) -> Rollout:
    """The rollout as if it had begun so long ago: its platform took a while to shift the first traffic."""
    confirmed = now() - back
    first = rollout.commands.get()
    first.issued_at = rollout.started_at = confirmed - _delay(name)
    first.due_at = first.issued_at + timedelta(minutes=rollout.confirm_minutes)
    first.answered_at = rollout.step_began_at = confirmed
    first.save()
    rollout.save()
    return rollout


def _answered_after(command: RolloutCommand, span: timedelta) -> None:
    """The answer comes at this moment; the command was sent a while before."""
    command.issued_at = (command.answered_at or now()) - span
    command.due_at = command.issued_at + timedelta(minutes=command.rollout.confirm_minutes)
    command.save()


def _delay(name: str) -> timedelta:
    """What a platform takes to shift traffic: half a minute to a minute and a half."""
    return timedelta(seconds=random.Random(name).randint(31, 92))  # noqa: S311 - the same demo every time


def _next(version: str) -> str:
    head, _, last = version.rpartition(".")
    return f"{head}.{int(last) + 1}" if head and last.isdigit() else f"{version}.1"


def _measure(bank: Bank, service: Service, minutes: int, worse: bool) -> None:
    dice = random.Random(service.name)  # noqa: S311 - the same demo every time
    start = now() - timedelta(minutes=minutes)
    series = []
    for name, usual in USUAL.items():
        for track in ("baseline", "canary"):
            factor = 2.4 if worse and track == "canary" and name == "http_error_ratio" else 1
            points = [
                [(start + timedelta(seconds=15 * n)).isoformat(), usual * factor * dice.uniform(0.85, 1.15)]
                for n in range(4 * minutes)
            ]
            series.append({"name": name, "labels": {"track": track}, "points": points})
    post_values(bank.pipeline, service=service, environment=bank.environments["production"], series=series)


def _plan(bank: Bank) -> None:
    """The release that goes before the board next can be taken back together."""
    release = (
        Release.objects.filter(
            train=bank.payments, state__in=["planning", "scoped", "frozen", "ready", "approved"]
        )
        .order_by("target_at")
        .first()
    )
    if release is None:
        return
    plan = rollback_plans.create_plan(
        bank.manager,
        release=release,
        environment=bank.environments["production"],
        fallback="Serve from the standby region; the on-call lead decides.",
        restore_minutes=30,
        triggers="ledger-core: http_error_ratio > 0.05 for 5 min",
        copy_services=False,
    )
    for service, place, before, after, data in (
        (
            "wallet-bff",
            1,
            "Banner is up",
            "Login works\nhttp_error_ratio < 0.03 for 3 min",
            "Keeps no data of its own.",
        ),
        (
            "ledger-core",
            2,
            "Postings are drained",
            "Trial balance agrees",
            "Postings since stay; the old version reads them.",
        ),
    ):
        rollback_plans.add_step(
            bank.manager,
            plan,
            service=bank.services[service],
            position=place,
            before=before,
            after=after,
            data=data,
        )


def _flags(bank: Bank) -> None:
    for name, key, purpose, what, days, production, staging, requires in FLAGS:
        service = bank.services[name]
        feature_flags.register_flag(
            bank.manager,
            name=key,
            service=service,
            team=service.team,
            purpose=FeatureFlag.Purpose(purpose),
            description=what,
            requires=requires,
            remove_by=bank.today + timedelta(days=days) if days is not None else None,
        )
        for environment, share in (("staging", staging), ("production", production)):
            if share is not None:
                feature_flags.report_flag(
                    bank.pipeline, name=key, service=service, environment=bank.environments[environment],
                    on=share > 0, share=share or 100, source="unleash",
                )  # fmt: skip


def _drills(bank: Bank) -> None:
    for name, signal, title, scenario, alert, within, after in DRILLS:
        service, staging = bank.services[name], bank.environments["staging"]
        drill = failure_drills.plan_drill(
            bank.manager, service=service, environment=staging, title=title, scenario=scenario, signal=signal,
            expected=f"{alert} within {within} min, severity=page",
        )  # fmt: skip
        drill = failure_drills.start_drill(bank.manager, drill)
        began = now() - timedelta(minutes=15)
        drill = FailureDrill.objects.get(pk=drill.pk)
        drill.started_at = began
        drill.save()
        if after is not None:
            failure_drills.record_alert(
                bank.pipeline, name=alert, starts_at=began + timedelta(seconds=after), service=service,
                environment=staging, labels={"severity": "page"}, source="alertmanager",
            )  # fmt: skip
        failure_drills.conclude_drill(
            bank.manager, drill, findings="" if after else "The alert looks at the wrong disk."
        )
