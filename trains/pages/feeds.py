"""Subscribing to the calendar: one's own secret addresses, and the feed itself."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseNotModified
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from releasetrain.accounts.models import Membership
from releasetrain.accounts.tokens import secret_hash
from releasetrain.interface.api import limits
from releasetrain.interface.pages import page
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.feeds import revoke_feed, subscribe_feed
from trains.models import CalendarFeed, Train
from trains.queries.feed import calendar_of


@require_http_methods(["GET", "HEAD", "POST"])
def subscriptions(request: Any) -> HttpResponse:
    """The page of a person's subscriptions; a new address is shown in the answer that makes it, and never again."""
    issued, refusals = None, []
    trains = list(Train.objects.filter(archived_at__isnull=True).order_by("name"))
    if request.method == "POST":
        name = request.POST.get("name", "").strip()[:80] or "My calendar"
        train = next((t for t in trains if t.key == request.POST.get("train", "")), None)
        try:
            issued = subscribe_feed(request.actor, name=name, train=train)
        except Refused as refused:
            refusals = refused.refusals
    mine = CalendarFeed.objects.filter(user_id=request.actor.user_id).select_related("train")
    context = {
        "title": "Subscribe to the calendar",
        "section": "calendar",
        "crumbs": [
            ("Calendar", reverse("trains:calendar", args=[request.organization.slug])),
            ("Subscribe", ""),
        ],
        "issued": request.build_absolute_uri(issued["address"]) if issued else "",
        "feeds": [(feed, revoke_feed.decide(request.actor, feed)) for feed in mine],
        "trains": trains,
        "refusals": refusals,
    }
    return page(
        request, "trains/calendar_subscribe.html", context, status=refusals[0].status if refusals else 200
    )


@require_safe
def feed(request: Any, slug: str, secret: str) -> HttpResponse:
    """The calendar for whoever knows the address: what its person may see now; 404 for any other address."""
    organization = Organization.objects.filter(slug=slug, suspended_at__isnull=True).first()
    if organization is None:
        raise Http404
    reader = Actor.system(organization.pk, "calendar feed", route="feed")
    with tenant_scope(organization.pk, reader):
        found = _living(secret, organization)
        if limits.take(organization.pk, f"feed:{found.pk}").spent:
            return HttpResponse("Too many requests.", status=429, content_type="text/plain")
        actor = Actor(organization.pk, found.user_id, str(found.user), route="feed")
        name = f"{organization.name} releases" + (f": {found.train.name}" if found.train else "")
        root = request.build_absolute_uri("/")
        content = calendar_of(actor, found.train, name=name, root=root)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if tag in {t.strip().removeprefix("W/") for t in request.headers.get("If-None-Match", "").split(",")}:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = 'inline; filename="releases.ics"'
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _living(secret: str, organization: Organization) -> CalendarFeed:
    wanted = secret_hash(secret)
    row = (
        CalendarFeed.objects.filter(secret_hash=wanted, revoked_at__isnull=True, user__is_active=True)
        .select_related("user", "train")
        .first()
    )
    if row is None or not hmac.compare_digest(bytes(row.secret_hash), wanted):
        raise Http404
    member = Membership.objects.filter(
        user_id=row.user_id, organization_id=organization.pk, suspended_at__isnull=True
    )
    if not member.exists():
        raise Http404
    return row
