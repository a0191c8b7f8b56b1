"""The tool catalogue of the demo: standards of two years, what the trains use, and one exception that runs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from governance.models import Result
from releasetrain.accounts.catalogue import Role
from releasetrain.exchange.actions import tools
from releasetrain.exchange.models import (
    ConnectorKind,
    EventSource,
    Stance,
    ToolCategory,
    ToolStandard,
    ToolUse,
    WebhookEndpoint,
)
from trains.models import SeriesSource, Train

_STANDARDS = (
    (ToolCategory.SOURCE, "GitHub", Stance.ADOPT, 700, "One place to read, review and sign code."),
    (
        ToolCategory.CI,
        "GitHub Actions",
        Stance.ADOPT,
        500,
        "Runs beside the code; posts by workload identity.",
    ),
    (ToolCategory.CI, "Jenkins", Stance.HOLD, 500, "Its controllers are patched by hand."),
    (ToolCategory.DEPLOYMENT, "Argo CD", Stance.ADOPT, 320, "What runs is what is written down."),
    (ToolCategory.MONITORING, "Prometheus", Stance.ADOPT, 600, "Every gate reads its series."),
    (ToolCategory.MONITORING, "Nagios", Stance.RETIRE, 200, "Its checks are not versioned."),
    (ToolCategory.INCIDENT, "PagerDuty", Stance.ADOPT, 640, "One rota for all trains."),
    (ToolCategory.SCANNER, "Trivy", Stance.ADOPT, 260, "One tool for images, packages and licences."),
    (ToolCategory.SECRETS, "Vault", Stance.ADOPT, 420, "Leases end by themselves."),
)


def build_tools(bank: Any) -> None:
    """What is standard since when, and what each train uses through which connector."""
    owner, engineer, today = bank.cast.one(Role.OWNER), bank.rte, bank.today
    for category, tool, stance, days, reason in _STANDARDS:
        tools.create_standard(
            owner,
            category=category,
            tool=tool,
            stance=stance,
            reason=reason,
            since=today - timedelta(days=days),
        )
    tools.restate(
        owner, ToolStandard.objects.get(tool="Jenkins"), stance=Stance.RETIRE,
        reason="The last controller is switched off next spring.", since=today - timedelta(days=120),
    )  # fmt: skip
    payments, lending = Train.objects.get(key="PAY"), Train.objects.get(key="LND")
    for train, category, tool, days, kind, connector in _uses(payments, lending):
        tools.record_use(
            engineer, train=train, category=category, tool=tool, since=today - timedelta(days=days),
            connector_kind=kind, connector=connector,
        )  # fmt: skip
    tools.grant_exception(
        owner, ToolUse.objects.get(train=lending, tool="Jenkins"), until=today + timedelta(days=90),
        reason="The nightly batch of the core system builds on a mainframe agent that only Jenkins has.",
    )  # fmt: skip
    _end(engineer, payments, today)


def _uses(payments: Train, lending: Train) -> list[tuple[Any, ...]]:
    none = (ConnectorKind.NONE, "")
    github = _named(ConnectorKind.SENDER, EventSource, kind="github")
    pager = _named(ConnectorKind.SENDER, EventSource, kind="pagerduty")
    platform = _named(ConnectorKind.ENDPOINT, WebhookEndpoint)
    series = _named(ConnectorKind.SERIES, SeriesSource)
    posted = (
        Result.objects.exclude(source="").order_by("-reported_at").values_list("source", flat=True).first()
    )
    reports = (ConnectorKind.REPORTS, posted) if posted else none
    return [
        (payments, ToolCategory.SOURCE, "GitHub", 720, *github),
        (payments, ToolCategory.CI, "GitHub Actions", 400, *reports),
        (payments, ToolCategory.CI, "Jenkins", 720, *none),
        (payments, ToolCategory.DEPLOYMENT, "Argo CD", 250, *platform),
        (payments, ToolCategory.MONITORING, "Prometheus", 560, *series),
        (payments, ToolCategory.INCIDENT, "PagerDuty", 600, *pager),
        (payments, ToolCategory.SCANNER, "Trivy", 200, *reports),
        (payments, ToolCategory.SECRETS, "Vault", 380, *none),
        (lending, ToolCategory.SOURCE, "GitHub", 640, *github),
        (lending, ToolCategory.CI, "Jenkins", 720, *none),
        (lending, ToolCategory.MONITORING, "Nagios", 720, *none),
        (lending, ToolCategory.INCIDENT, "PagerDuty", 300, *pager),
    ]


def _named(connector: ConnectorKind, model: Any, **condition: Any) -> tuple[ConnectorKind, str]:
    row = model.objects.filter(**condition).order_by("pk").first()
    return (connector, str(row.pk)) if row else (ConnectorKind.NONE, "")


def _end(engineer: Any, train: Train, today: date) -> None:
    """The payments train left Jenkins behind."""
    old = ToolUse.objects.get(train=train, tool="Jenkins")
    tools.end_use(engineer, old, on=today - timedelta(days=150))
