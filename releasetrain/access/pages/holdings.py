"""Who can do what: the report as a page and as a file."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from releasetrain.access.queries import holdings, reviews
from releasetrain.audit.doorway import actions
from releasetrain.interface.links import verb_url
from releasetrain.interface.pages import page
from releasetrain.interface.views.lists import _FORMULA
from releasetrain.kernel.refusals import refuse

_HEAD = (
    "kind",
    "holder",
    "address",
    "role",
    "on",
    "since_utc",
    "until_utc",
    "granted_by",
    "used_utc",
    "seen_utc",
    "may",
)


def require_reader(actor: Any) -> None:
    if not reviews.reads_all(actor):
        refuse(
            "permission.missing",
            "You need the permission members.manage or audit.read for this.",
            remedy="An organization owner can grant you a role that carries one of them.",
            status=403,
        )


def chosen(query: Any) -> dict[str, Any]:
    """What was asked for: one kind, or what stands idle."""
    kind = query.get("kind", "")
    return {
        "kind": kind if kind in holdings.KINDS else "",
        "unused": query.get("unused", "") in ("yes", "true", "1"),
    }


@require_safe
def show(request: Any) -> HttpResponse:
    """Everybody's rights, since when, from whom, when last used."""
    require_reader(request.actor)
    asked = chosen(request.GET)
    rows = holdings.report(**asked)
    opening = actions()["access_review.open"]
    context = {
        "section": "settings",
        "title": "Access",
        "crumbs": [("Settings", f"/o/{request.organization.slug}/settings/"), ("Access", "")],
        "rows": rows,
        "asked": asked,
        "kinds": list(holdings.KINDS.items()),
        "idle": sum(1 for row in rows if row.unused),
        "reviews": reviews.under_way(),
        "cycle": reviews.cycle(),
        "opening": (opening.decide(request.actor), verb_url(opening)),
    }
    return page(request, "access/report.html", context)


@require_safe
def export(request: Any) -> HttpResponse:
    """The same rows as a file."""
    require_reader(request.actor)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    for row in holdings.report(**chosen(request.GET)):
        line = (
            row.kind, str(row.holder), row.holder.email, row.role, row.on, _iso(row.since), _iso(row.until),
            row.granted_by, _iso(row.used_at), _iso(row.seen_at), "; ".join(row.may),
        )  # fmt: skip
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in line])
    response = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="access-{request.organization.slug}.csv"'
    return response


def _iso(moment: Any) -> str:
    return moment.isoformat() if moment else ""
