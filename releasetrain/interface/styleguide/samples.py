"""Invented content for the style guide. Nothing here is read by the product."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from django import forms
from django.conf import settings
from django.core.paginator import Paginator

from releasetrain.interface import charts
from releasetrain.interface.tones import TONES
from releasetrain.kernel.refusals import Decision, Refusal

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


class SampleForm(forms.Form):
    """One of each kind of field."""

    title = forms.CharField(label="Title", help_text="What changes, in the words of those who feel it.")
    kind = forms.ChoiceField(
        label="Kind", choices=[("standard", "Standard"), ("normal", "Normal"), ("emergency", "Emergency")]
    )
    risk = forms.ChoiceField(
        label="Impact",
        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
        widget=forms.RadioSelect,
        required=False,
    )
    services = forms.MultipleChoiceField(
        label="Services",
        choices=[("ledger", "ledger-core"), ("sepa", "sepa-gw"), ("wallet", "wallet-bff")],
        required=False,
    )
    opens_at = forms.DateTimeField(
        label="Window opens", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}), required=False
    )
    minutes = forms.IntegerField(
        label="Minutes", min_value=5, help_text="How long the change takes, backout included."
    )
    plan = forms.CharField(label="Backout plan", widget=forms.Textarea(attrs={"rows": 3}))
    attachment = forms.FileField(
        label="Rehearsal report", required=False, help_text="PDF or text, up to 25 MB."
    )
    rehearsed = forms.BooleanField(label="The backout was rehearsed on this build", required=False)


def _wave(count: int, middle: float, swing: float, phase: float = 0.0) -> list[float]:
    """Values that look measured and are the same on every call."""
    return [
        middle + swing * (math.sin(i * 1.7 + phase) + 0.6 * math.sin(i * 0.61 + 2 * phase)) / 1.6
        for i in range(count)
    ]


def _charts() -> list[tuple[charts.Chart, str]]:
    weeks = [f"W{n}" for n in range(14, 48)]
    lead = _wave(34, 4.9, 1.4)
    lead[24:] = [value - 1.6 for value in lead[24:]]
    lead[30] = 8.4
    failures = [
        (week, round(3 + 2 * math.sin(i)) + (6 if i == 27 else 0), 30 + 5 * (i % 4))
        for i, week in enumerate(weeks)
    ]
    months = ["Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
    teams = ["Acquiring", "Ledger Core", "Risk & Fraud", "Mobile Wallet", "Platform & IAM"]
    heat = [[round(abs(11 * math.sin(i * 2 + j)) + i) for j in range(12)] for i in range(len(teams))]
    days = [f"{n} Nov" for n in range(1, 21)]
    done = [round(60 * (i / 19) ** 1.2) for i in range(20)]
    doing = [12 + round(4 * math.sin(i)) for i in range(20)]
    waiting = [max(0, 70 - d) for d in done]
    scope: list[float | None] = [90 + (8 if i > 11 else 0) for i in range(20)]
    burnt: list[float | None] = [float(value) if i < 14 else None for i, value in enumerate(done)]
    forecast = charts.Band(
        "expected range",
        [None] * 13 + [float(done[13] + 2 * i) for i in range(7)],
        [None] * 13 + [float(done[13] + 6 * i) for i in range(7)],
    )
    spans = [
        charts.Span(
            "ledger-core",
            START,
            START + timedelta(hours=5),
            "ok",
            "succeeded",
            (START, START + timedelta(hours=4)),
        ),
        charts.Span("sepa-gw", START + timedelta(hours=2), START + timedelta(hours=9), "bad", "rolled back"),
        charts.Span("wallet-bff", START + timedelta(hours=6), None, "info", "running"),
    ]
    return [
        (
            charts.control_chart(
                "Change lead time",
                list(zip(weeks, lead, strict=True)),
                unit="days",
                events=[(24, "contract tests")],
            ),
            "days, weekly median",
        ),
        (charts.p_chart("Change fail rate", failures, events=[(27, "CHG-2207")]), "% of deployments"),
        (charts.heat_map("Change fail rate by team and month", teams, months, heat, unit="%"), "%"),
        (
            charts.cumulative_flow(
                "Cumulative flow", days, [("Released", done), ("In work", doing), ("Ready", waiting)]
            ),
            "features",
        ),
        (charts.burn_up("Burn-up of PI 26.4", days, scope, burnt, forecast=forecast), "points"),
        (
            charts.line_chart(
                "Recovery time",
                weeks,
                {"median": _wave(34, 3, 0.8, 1)},
                unit="hours",
                bands=[charts.Band("15th to 85th percentile", _wave(34, 2, 0.5, 1), _wave(34, 5, 1.2, 1))],
                target=("agreed 6", 6),
            ),
            "hours, with the 15th to 85th percentile",
        ),
        (
            charts.bar_chart(
                "Objectives by team",
                [(team, [3 + i % 3, i % 2 + 1]) for i, team in enumerate(teams)],
                parts=["met", "missed"],
                tones=["ok", "bad"],
            ),
            "objectives",
        ),
        (
            charts.bar_chart(
                "Days of delay caused", [(team, 14 - 3 * i) for i, team in enumerate(teams)], unit="d"
            ),
            "last three increments",
        ),
        (
            charts.histogram(
                "Time to restore",
                [abs(v) ** 1.4 for v in _wave(160, 3, 3.2)],
                unit="h",
                markers=[("p50", 5.1), ("p85", 8.2)],
            ),
            "hours",
        ),
        (
            charts.timeline_chart(
                "Rollout of 26.12",
                spans,
                now=START + timedelta(hours=11),
                markers=[charts.Marker("incident INC-31", START + timedelta(hours=7))],
            ),
            "UTC",
        ),
    ]


def _icons() -> list[str]:
    file = Path(settings.BASE_DIR) / "static" / "icons" / "icons.svg"
    root = ElementTree.fromstring(file.read_text())  # noqa: S314 - our own sprite
    return [symbol.attrib["id"] for symbol in root if "id" in symbol.attrib]


def context() -> dict[str, Any]:
    """Everything the style guide shows."""
    bound = SampleForm({"title": "", "kind": "normal", "minutes": "3", "plan": "Restore the snapshot."})
    bound.is_valid()
    locked = Decision(
        "release.promote",
        [
            Refusal(
                "gate.failed",
                "The problem gate has failed: PRB-28 has no signed root cause.",
                "A problem manager signs PRB-28.",
            ),
            Refusal("duties.segregated", "You built this release.", "Somebody else promotes it."),
        ],
    )
    return {
        "title": "Style guide",
        "crumbs": [("Style guide", "")],
        "tones": TONES,
        "words": ["approved", "at_risk", "rolled_back", "frozen", "in_progress", "draft"],
        "icons": _icons(),
        "form": SampleForm(auto_id="ok_%s"),
        "bound": bound,
        "locked": locked,
        "open": Decision("release.freeze"),
        "refusals": locked.refusals,
        "moment": START,
        "charts": _charts(),
        "spark": charts.sparkline("Deployments a week", _wave(20, 12, 3), unit="a week"),
        "stops": [
            {"kind": "Goal", "label": "Instant payments in the EU", "url": "#chain", "state": "on_track"},
            {
                "kind": "Feature",
                "key": "FEAT-230",
                "label": "SEPA posting rules",
                "url": "#chain",
                "state": "in_progress",
            },
            {
                "kind": "Release",
                "key": "REL-12",
                "label": "26.12",
                "url": "#chain",
                "here": True,
                "state": "at_risk",
            },
            {
                "kind": "Change",
                "key": "CHG-2304",
                "label": "SEPA Instant",
                "url": "#chain",
                "count": 3,
                "state": "submitted",
            },
            {"kind": "Gates", "label": "1 failed", "url": "#chain", "count": 7, "state": "failed"},
            {"kind": "Deployment", "label": ""},
            {"kind": "Incident", "label": ""},
            {"kind": "Review", "label": ""},
        ],
        "steps": [
            {"label": "Scope", "note": "frozen 17 Nov", "state": "done"},
            {"label": "Build", "note": "4471, signed", "state": "done"},
            {"label": "Test", "note": "2 318 passed", "state": "done"},
            {"label": "Staging", "note": "4 of 5 services", "state": "cur"},
            {"label": "Gates", "note": "1 failed", "state": "stop"},
            {"label": "Production", "note": "10 Dec 02:00", "state": ""},
            {"label": "Review", "note": "within 5 days", "state": ""},
        ],
        "tabs": [
            {"label": "Gates", "url": "#tabs", "current": True, "count": 7},
            {"label": "Scope", "url": "#tabs", "current": False, "count": 14},
            {"label": "Activity", "url": "#tabs", "current": False, "count": None},
        ],
        "filters": [
            {
                "name": "train",
                "label": "Train",
                "choices": [("mp", "Meridian Payments"), ("id", "Identity")],
                "value": "mp",
            },
            {"name": "state", "label": "State", "choices": [("open", "Open"), ("done", "Done")], "value": ""},
        ],
        "active": [{"label": "Train: Meridian Payments", "url": "#lists"}],
        "pages": Paginator(range(212), 50).page(2),
        "rows": [
            {
                "key": "PAY-433",
                "title": "Settlement file v3 for SEPA Instant",
                "risk": "High",
                "state": "blocked",
                "points": 13,
                "load": (22, 20),
            },
            {
                "key": "LED-230",
                "title": "SEPA Instant posting rules",
                "risk": "High",
                "state": "at_risk",
                "points": 8,
                "load": (19, 20),
            },
            {
                "key": "MOB-562",
                "title": "Push token leak",
                "risk": "Low",
                "state": "done",
                "points": 3,
                "load": (12, 20),
            },
        ],
        "before": {
            "state": "submitted",
            "window": {"opens": "2026-12-01T02:00Z", "minutes": 90},
            "owner": "Tomás Ribeiro",
        },
        "after": {
            "state": "approved",
            "window": {"opens": "2026-12-01T04:00Z", "minutes": 90},
            "owner": "Tomás Ribeiro",
            "conditions": 2,
        },
        "text_before": "Stop the queue\nApply migration 0147\nStart the queue",
        "text_after": "Stop the queue\nTake a snapshot\nApply migration 0148\nStart the queue",
        "job": {
            "title": "Sealing evidence for 26.12",
            "state": "hashing",
            "step": "Hashing files",
            "done": 212,
            "total": 640,
            "started_at": START,
            "error": "",
        },
        "digest": "sha256:29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
        "people": ["Priya Shah", "Tomás Ribeiro", "Mei Tanaka", "Lena Okafor", "Jonas Weber"],
        "scale": [1, 2, 3, 5, 8, 13, 20],
    }
