"""The bank's pipelines and signals of production: six weeks of stage runs, alerts and tickets, some answered by the backlog."""

from __future__ import annotations

import hashlib
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from metrics.actions import feedback, stage_runs
from metrics.actions.stage_runs import StageRunRow
from metrics.models import FeedbackSignal
from planning.models import Feature, FeatureReport, ReportSource
from releasetrain.kernel.clock import now
from trains.models import Service

if TYPE_CHECKING:
    from .bank import Bank

DAYS = 42
# Stage, minutes, how often it fails, and why; the flaky ones pass when they are tried again.
STAGES = (
    ("build", 4, 0.03, (("build", 6), ("dependency", 3), ("infrastructure", 1))),
    ("unit tests", 6, 0.06, (("tests", 9), ("infrastructure", 1))),
    ("integration tests", 14, 0.14, (("tests", 6), ("environment", 5), ("timeout", 2))),
    ("security scan", 5, 0.04, (("security", 5), ("dependency", 3))),
    ("deploy to staging", 7, 0.05, (("configuration", 4), ("environment", 3))),
)
# Source, kind, words, severity, signals a week, and whether the tickets of this kind are answered by the backlog.
SIGNALS = (
    (
        ReportSource.MONITORING,
        "LedgerQueueDepth",
        "Posting queue grows past its limit",
        2,
        5,
        "alert/ledger-queue-depth",
    ),
    (ReportSource.SUPPORT_TICKET, "refund-status", "Where is my refund?", 3, 11, "SUP-20881"),
    (
        ReportSource.USER_REPORT,
        "chargeback-form",
        "Chargeback form forgets what was typed",
        4,
        2,
        "survey/2026-q4/17",
    ),
    (ReportSource.MONITORING, "WalletTokenTimeout", "Token service answers too late", 3, 4, ""),
    (ReportSource.SUPPORT_TICKET, "statement-pdf", "Statement cannot be opened", 4, 3, ""),
)


def lines_of(sha: str) -> tuple[int, int]:
    """A plausible size for a commit, always the same for the same one."""
    number = int(hashlib.sha256(sha.encode()).hexdigest()[:8], 16)
    added = 6 + int(1.0035 ** (number % 1400))
    return added, added * (number // 1400 % 60) // 100


def acknowledged_after(key: str) -> timedelta:
    """How long somebody took to take an incident on, always the same for the same one."""
    return timedelta(minutes=2 + int(hashlib.sha256(key.encode()).hexdigest()[:4], 16) % 14)


def build_flow(bank: Bank) -> None:
    """Runs of every service of the payments train, and what monitoring and support counted."""
    services = list(Service.objects.filter(train=bank.payments).order_by("name"))
    stage_runs.record_many(bank.pipeline, _runs(services, now()), source_name="six weeks of pipelines")
    _signals(bank, services)


def _runs(services: list[Service], moment: datetime) -> list[StageRunRow]:
    draw = random.Random(1914)  # noqa: S311 - sample data, nothing secret
    found: list[StageRunRow] = []
    for service in services:
        number = 0
        for back in range(DAYS, 0, -1):
            day = moment - timedelta(days=back)
            if day.weekday() >= 5:
                continue
            for _ in range(draw.choice((0, 1, 1, 2))):
                number += 1
                found += _run(
                    service.name,
                    number,
                    day.replace(hour=draw.randrange(7, 16), minute=draw.randrange(60)),
                    draw,
                )
    return found


def _run(service: str, number: int, at: datetime, draw: random.Random) -> list[StageRunRow]:
    """One commit through the stages until one fails for good."""
    commit = hashlib.sha1(f"{service} run {number}".encode(), usedforsecurity=False).hexdigest()
    found = []
    for stage, minutes, fails, causes in STAGES:
        for attempt in (1, 2):
            ends = at + timedelta(minutes=minutes * draw.lognormvariate(0, 0.25))
            failed = attempt == 1 and draw.random() < fails
            cause = draw.choices([c for c, _ in causes], [w for _, w in causes])[0] if failed else ""
            found.append(
                StageRunRow(
                    service, stage, f"{service}-{number}", "failed" if failed else "passed", at, ends, attempt=attempt,
                    commit=commit, cause=cause, source="demo-pipeline",
                )
            )  # fmt: skip
            at = ends + timedelta(minutes=1)
            if not failed:
                break
            if cause not in ("environment", "timeout", "infrastructure") or draw.random() < 0.3:
                return found  # a real failure: the next commit mends it
    return found


def _signals(bank: Bank, services: list[Service]) -> None:
    draw = random.Random(1915)  # noqa: S311 - sample data, nothing secret
    for place, (source, kind, title, severity, weekly, reference) in enumerate(SIGNALS):
        service = services[place % len(services)]
        counted = [
            {
                "source": source.value, "fingerprint": kind, "title": title, "severity": severity,
                "times": max(1, round(draw.gauss(weekly, weekly / 3))),
                "at": (now() - timedelta(days=7 * week + 1)).isoformat(), "external_id": f"{kind}-{week}",
            }
            for week in range(8)
        ]  # fmt: skip
        feedback.report_signals(bank.pipeline, service=service, signals=counted)
        answer = (
            Feature.objects.filter(
                pk__in=FeatureReport.objects.filter(reference=reference).values("feature")
            ).first()
            if reference
            else None
        )
        if answer is not None:
            signal = FeedbackSignal.objects.get(service=service, fingerprint=kind)
            feedback.answer_signal(bank.product, signal, feature=answer)
