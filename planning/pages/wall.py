"""The wall screen: a link without a login that shows one train, and nothing else."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from planning.actions.wall_links import hash_of
from planning.models import WallLink
from planning.queries.wall import Wall, heat, load_wall
from planning.rules.burnup import Day
from releasetrain.interface.pages import conditional, page, wanted_fragment
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

_WIDTH, _HEIGHT = 1000, 380


@require_safe
def show(request: Any, org: str, secret: str) -> HttpResponse:
    """The screen of a living link, for whoever has its address. Everything else is 404."""
    organization = Organization.objects.filter(slug=org, suspended_at__isnull=True).first()
    if organization is None:
        raise Http404("There is no such screen.")
    visitor = Actor(
        organization.pk, None, "wall screen", kind="visitor", route="wall", request_id=request.request_id
    )
    with tenant_scope(organization.pk, visitor):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        link = WallLink.objects.filter(secret_hash=hash_of(secret)).select_related("train").first()
        if link is None or not link.lives(now()):
            raise Http404("There is no such screen.")
        response = _screen(request, organization, link)
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _screen(request: Any, organization: Organization, link: WallLink) -> HttpResponse:
    wall = load_wall(link.train, now())

    def render() -> HttpResponse:
        context = {
            "organization": organization,
            "link": link,
            "wall": wall,
            "chart": burn_up_picture(wall),
            "heats": [heat(rows, wall.board) for rows in wall.row_groups if wall.board],
            "panel_groups": [wall.panels[n : n + 3] for n in range(0, len(wall.panels), 3)],
            "address": request.path,
        }
        with timezone.override(wall.local.tzinfo):
            return page(request, "planning/wall.html", context)

    if wanted_fragment(request) == "wall":
        shown = repr((wall.board.edges, wall.board.cards, wall.board.shared) if wall.board else None)
        version = (
            f"{link.row_version}{wall.today}{wall.days}{wall.releases}{wall.panels}{wall.obstacles}{shown}"
        )
        return conditional(request, version, render)
    return render()


def burn_up_picture(wall: Wall) -> dict[str, Any] | None:
    """The burn-up as the coordinates of a picture of 1000 × 380: scope above, done below, the even pace between."""
    if not wall.iteration or not wall.days:
        return None
    length = (wall.iteration.ends - wall.iteration.starts).days
    top = max([day.scope for day in wall.days] + [1])
    last = wall.days[-1]

    def x(number: int) -> float:
        return round(_WIDTH * number / length, 1)

    def y(points: float) -> float:
        return round(_HEIGHT - (_HEIGHT - 20) * points / top, 1)

    def line(value: Any) -> str:
        return " ".join(f"{x(n + 1)},{y(value(day))}" for n, day in enumerate(wall.days))

    def scope(day: Day) -> int:
        return day.scope

    def done(day: Day) -> int:
        return day.done

    return {
        "scope": f"0,{y(wall.days[0].scope)} {line(scope)}",
        "done": f"0,{y(0)} {line(done)}",
        "area": f"0,{y(0)} {line(done)} {x(len(wall.days))},{y(0)}",
        "pace": (0, y(0), _WIDTH, y(last.scope)),
        "now": x(len(wall.days)),
        "last": last,
        "remaining": last.scope - last.done,
        "days_left": length - len(wall.days),
        "width": _WIDTH,
        "height": _HEIGHT,
    }
