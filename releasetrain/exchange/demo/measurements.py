"""The demo's measurements: what services promise, what they measured, a canary that was judged, and own indicators."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from metrics.actions.kpis import create_kpi
from metrics.actions.slos import adjust_slo, create_slo
from metrics.models import KpiDirection, SloKind
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from trains.actions.canary import analyse, create_config
from trains.actions.series import post_values

if TYPE_CHECKING:
    from .bank import Bank

DAYS = 28
# Requests an hour and the share of them that fails: one service well within its promise, one nearly past it, one past it.
SERVICES = (
    ("merchant-portal", 42_000, 0.0004),
    ("ledger-core", 95_000, 0.0017),
    ("wallet-bff", 61_000, 0.0031),
)
CANARY = (
    {"name": "error_ratio", "direction": "increase", "critical": True, "groups": ["errors"]},
    {"name": "latency_p95_seconds", "direction": "increase", "groups": ["latency"], "allowed_increase": 1.1},
    {"name": "cpu_ratio", "method": "limit", "at_most": 0.85, "failures": 2, "groups": ["saturation"]},
)
KPIS = (
    (
        "Share of instant refunds",
        "series.instant_refunds_total.increase / series.refunds_total.increase * 100.0",
        "%",
        KpiDirection.UP,
        35.0,
        "Whether the next Program Increment funds instant refunds for all merchants",
    ),
    (
        "Failed deployments in a hundred",
        "counts.deployments > 0 ? double(counts.failed_deployments) / double(counts.deployments) * 100.0 : 0.0",
        "%",
        KpiDirection.DOWN,
        5.0,
        "Whether the tier 2 gates are relaxed",
    ),
    ("Portal page views", "series.page_views_total.increase", "views", KpiDirection.UP, 1_000_000.0, ""),
)


def build(bank: Bank) -> None:
    """Post, promise, judge, define."""
    at = now().replace(minute=0, second=0, microsecond=0)
    owner = bank.cast.one(Role.OWNER)
    source = random.Random(17)  # noqa: S311  # nosec B311 - the same numbers every time
    _post(bank, at, source)
    slos = [
        create_slo(
            owner,
            service=bank.services[name],
            environment=bank.environments["production"],
            name="Requests that succeed",
            kind=SloKind.BAD,
            series="http_errors_total",
            total_series="http_requests_total",
            objective=99.9 if name != "ledger-core" else 99.95,
            window_days=DAYS,
            owner=bank.cast.user(Role.RELEASE_MANAGER),
        )
        for name, _, _ in SERVICES
    ]
    adjust_slo(
        owner,
        slos[1],
        objective=99.8,
        reason="Review of 26.10.0: month-end batches never allowed more, and no customer noticed.",
    )
    create_slo(
        owner,
        service=bank.services["acq-settle"],
        name="Settlement file by seven",
        kind=SloKind.SLICES,
        series="settlement_delay_minutes",
        at_most=30.0,
        objective=95.0,
        window_days=DAYS,
        owner=bank.cast.user(Role.RELEASE_MANAGER),
    )
    for name, formula, unit, direction, target, decision in KPIS:
        create_kpi(
            owner,
            name=name,
            formula=formula,
            unit=unit,
            direction=direction,
            target=target,
            decision=decision,
            owner=bank.cast.user(Role.PRODUCT_MANAGER),
            review_on=(at + timedelta(days=45)).date(),
        )
    _canary(bank, at, source)


def _post(bank: Bank, at: datetime, source: random.Random) -> None:
    """Counters by the hour of four weeks; of the organization, what its indicators ask for."""
    moments = [at - timedelta(hours=hour) for hour in range(DAYS * 24, -1, -1)]
    rows = []
    for name, requests, failing in SERVICES:
        totals, errors = [0.0], [0.0]
        for moment in moments[1:]:
            busy = requests * (0.6 + 0.4 * math.sin(moment.hour / 24 * math.tau)) * source.uniform(0.9, 1.1)
            worse = 6.0 if name == "wallet-bff" and (at - moment) < timedelta(hours=9) else 1.0
            totals.append(totals[-1] + busy)
            errors.append(errors[-1] + busy * failing * worse * source.uniform(0.4, 1.6) / 2)
        for series, values in (("http_requests_total", totals), ("http_errors_total", errors)):
            rows.append(
                {
                    "name": series,
                    "service": name,
                    "environment": "production",
                    "points": _points(moments, values),
                }
            )
    for series, an_hour in (
        ("refunds_total", 820.0),
        ("instant_refunds_total", 270.0),
        ("page_views_total", 2_400.0),
    ):
        grown = [0.0]
        for _ in moments[1:]:
            grown.append(grown[-1] + an_hour * source.uniform(0.8, 1.2))
        rows.append({"name": series, "points": _points(moments, grown)})
    post_values(bank.cast.one(Role.RELEASE_MANAGER), series=rows)


def _points(moments: list[datetime], values: list[float]) -> list[list[object]]:
    return [[moment.isoformat(), round(value, 2)] for moment, value in zip(moments, values, strict=True)]


def _canary(bank: Bank, at: datetime, source: random.Random) -> None:
    """The canary of a front end that answers more slowly than what ran before."""
    manager = bank.cast.one(Role.RELEASE_MANAGER)
    service = bank.services["wallet-bff"]
    config = create_config(
        manager,
        name="Front ends",
        metrics=[*CANARY],
        group_weights={"errors": 50, "latency": 30, "saturation": 20},
    )
    moments = [at - timedelta(minutes=minute) for minute in range(60, 0, -1)]
    levels = {"error_ratio": (0.002, 0.002), "latency_p95_seconds": (0.31, 0.44), "cpu_ratio": (0.52, 0.55)}
    rows = [
        {
            "name": name,
            "environment": "production",
            "labels": {"track": track},
            "points": [
                [moment.isoformat(), round(level * source.uniform(0.85, 1.15), 5)] for moment in moments
            ],
        }
        for name, both in levels.items()
        for track, level in zip(("baseline", "canary"), both, strict=True)
    ]
    post_values(manager, series=rows, service=service)
    analyse(
        manager,
        config=config,
        service=service,
        environment=bank.environments["production"],
        canary_labels={"track": "canary"},
        baseline_labels={"track": "baseline"},
        start=moments[0],
        end=at,
    )
