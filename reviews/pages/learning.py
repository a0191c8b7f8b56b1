"""Pages of what reviews teach: the archive and its search, the quarterly report, predicted against actual risk."""

from __future__ import annotations

import csv

from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from governance.queries.risk import policy_in_force, questionnaire
from releasetrain.audit.doorway import actions
from releasetrain.interface.charts import Band, Chart, bar_chart, line_chart
from releasetrain.interface.links import page_root, verb_url
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from reviews.queries import calibration as calibrations
from reviews.queries.archive import START, STOP, readable_records, search_records, searchable_reviews
from reviews.queries.health import FIGURES, Health, Quarter, health, quarter_of, read_quarter
from reviews.rules.anonymity import K
from reviews.rules.calibration import FEW, FEW_IN_CLASS, Calibration

SHOWN = 50


def archive(request: HttpRequest) -> HttpResponse:
    """Search over recordings, transcripts and minutes, among those that the reader may read."""
    words = request.GET.get("q", "").replace("\0", "").strip()[:200]
    actor = request.actor  # type: ignore[attr-defined]
    hits = list(search_records(actor, words)[:SHOWN]) if words else []
    latest = [] if words else list(readable_records(actor).select_related("review__service")[:20])
    return page(
        request,
        "reviews/archive.html",
        {
            "section": "review_archive",
            "words": words,
            "hits": [{"record": row, "passage": marked(row.passage)} for row in hits],
            "reviews": list(searchable_reviews(actor, words).order_by("-created_at")[:10]) if words else [],
            "latest": latest,
        },
    )


def marked(passage: str) -> SafeString:
    """A passage with its hits as mark elements; everything else is text."""
    text = escape(passage).replace(START, "<mark>").replace(STOP, "</mark>")
    return mark_safe(text)  # noqa: S308 - escaped above; the marks are ours


def report(request: HttpRequest) -> HttpResponse:
    """The quarterly health report."""
    quarter = _asked(request)
    found = health(quarter)
    previous = health(quarter.before)
    charts: list[Chart] = []
    if found.kinds.groups:
        charts.append(bar_chart("Kinds of causes, in reviews", list(found.kinds.groups.items())))
    if found.handoff.groups:
        charts.append(
            bar_chart(
                "Gaps between deployment and operations, in reviews", list(found.handoff.groups.items())
            )
        )
    return page(
        request,
        "reviews/health.html",
        {
            "section": "review_health",
            "found": found,
            "k": K,
            "charts": charts,
            "figures": [
                {
                    "title": title,
                    "says": says,
                    "value": _percent(getattr(found, name)),
                    "before": _percent(getattr(previous, name)),
                }
                for name, title, says in FIGURES
            ],
            "quarters": _quarters(quarter),
            "csv_url": f"{page_root()}review-health/export.csv?quarter={quarter}",
        },
    )


def report_csv(request: HttpRequest) -> HttpResponse:
    """The same figures as a table."""
    found = health(_asked(request))
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="review-health-{found.quarter}.csv"'
    writer = csv.writer(response)
    writer.writerow(["figure", "value", "definition"])
    for row in _rows(found):
        writer.writerow(row)
    return response


def _rows(found: Health) -> list[tuple[str, object, str]]:
    rows: list[tuple[str, object, str]] = [
        (
            "Reviews closed",
            found.reviews if found.reviews is not None else "fewer than 5",
            str(found.quarter),
        ),
        (
            "Median days to close",
            found.days if found.days is not None else "too few",
            "From opening to decision.",
        ),
    ]
    rows += [(title, _percent(getattr(found, name)), says) for name, title, says in FIGURES]
    rows += [(f"Cause: {kind}", n, "Reviews with such a cause.") for kind, n in found.kinds.groups.items()]
    rows += [(f"Handoff: {gap}", n, "Reviews with such a gap.") for gap, n in found.handoff.groups.items()]
    return rows


def _asked(request: HttpRequest) -> Quarter:
    return read_quarter(request.GET.get("quarter", "")) or quarter_of(now().date())


def _quarters(chosen: Quarter) -> list[dict[str, object]]:
    found, each = [], quarter_of(now().date())
    for _ in range(6):
        found.append({"name": str(each), "chosen": each == chosen})
        each = each.before
    return found


def _percent(value: float | None) -> str:
    return f"{value:.0%}" if value is not None else "too few"


def calibration(request: HttpRequest) -> HttpResponse:
    """Predicted against actual risk of changes."""
    found, learned = calibrations.judged()
    policy = policy_in_force()
    taking = actions()["approval_policy.follow_record"]
    return page(
        request,
        "reviews/calibration.html",
        {
            "section": "risk_calibration",
            "found": found,
            "few": FEW,
            "chart": _plot("Failures predicted and observed, by risk", found) if found.classes else None,
            "rows": [
                {
                    "label": b.label,
                    "n": b.n,
                    "failures": b.failures,
                    "predicted": f"{100 * b.predicted:.1f}",
                    "observed": f"{100 * b.observed:.1f}",
                    "interval": f"{100 * b.interval[0]:.0f} to {100 * b.interval[1]:.0f} %",
                    "off": b.off,
                    "few": b.n < FEW_IN_CLASS,
                }
                for b in [*found.classes, *found.scores]
            ],
            "policy_url": f"{page_root()}approval-policies/",
            "learned": learned,
            "bands": questionnaire(policy)[1],
            "take_url": verb_url(taking, policy) if policy and learned.better else "",
            "may_take": taking.decide(request.actor, policy) if policy and learned.better else None,  # type: ignore[attr-defined]
        },
    )


def _plot(title: str, found: Calibration) -> Chart:
    """Predicted beside observed, with the interval of what was observed."""
    bins = found.classes
    return line_chart(
        title,
        [f"{b.label} (n={b.n})" for b in bins],
        {
            "Predicted": [round(100 * b.predicted, 1) for b in bins],
            "Observed": [round(100 * b.observed, 1) for b in bins],
        },
        unit="%",
        bands=[
            Band(
                "95 % interval",
                [round(100 * b.interval[0], 1) for b in bins],
                [round(100 * b.interval[1], 1) for b in bins],
            )
        ],
        dashed=["Predicted"],
    )
