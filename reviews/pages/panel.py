"""The panel of reviews in the release cockpit."""

from __future__ import annotations

from django.http import HttpRequest

from releasetrain.kernel.clock import now
from reviews.models import Review
from reviews.queries.pending import open_reviews
from trains.models import Release
from trains.ports import Panel, cockpit_panels


@cockpit_panels
def reviews_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The reviews of the release, and those of its services that are still open."""
    own = list(Review.objects.filter(release=release).select_related("service"))
    services = list(release.artifacts.values_list("service_id", flat=True))
    waiting = open_reviews(services, other_than=release.pk)
    if not own and not waiting:
        return None
    return "Reviews", "reviews/_panel.html", {"own": own, "waiting": waiting, "at": now()}, 150
