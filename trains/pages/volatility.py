"""How much the scope of releases still moved: by week, and by release."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from releasetrain.interface import formats, links
from releasetrain.interface.charts import Chart, bar_chart
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.models import Train
from trains.queries.volatility import Series, series_of

WEEKS = 12


@require_safe
def show(request: Any) -> HttpResponse:
    """The series of one train or of all, each number with the way to its rows."""
    train = Train.objects.filter(key=request.GET.get("train", "")[:40].replace("\0", "")).first()
    series = series_of(train, timezone.localtime(now()).date(), WEEKS)
    root = links.page_root()
    context = {
        "title": "Scope volatility",
        "section": "releases",
        "crumbs": [("Releases", f"{root}releases/"), ("Scope volatility", "")],
        "trains": list(Train.objects.filter(archived_at__isnull=True).order_by("name")),
        "train": train,
        "series": series,
        "chart": _chart(series),
        "root": root,
        "rows_url": f"{root}scope-changes/?" + (f"release__train={train.key}" if train else ""),
    }
    return page(request, "trains/volatility.html", context)


def _chart(series: Series) -> Chart:
    return bar_chart(
        "Changes of scope by week",
        [(formats.short_day(week), (before, after)) for week, before, after in series.weeks],
        parts=("Before the baseline", "After the baseline"),
        tones=("info", "warn"),
    )
