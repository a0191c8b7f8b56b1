"""The way from a mail to one's own settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from releasetrain.exchange.actions.notifications import choose_settings
from releasetrain.exchange.queries.notifications import settings_of_actor
from releasetrain.interface.links import verb_url
from releasetrain.interface.pages import redirect_to


@require_safe
def settings(request: Any) -> HttpResponse:
    """The form of one's settings, filled with what stands."""
    chosen = settings_of_actor(request.actor).first()
    if chosen is None:
        return redirect_to(verb_url(choose_settings))
    present = {
        "mail": chosen.mail,
        "digest_at": f"{chosen.digest_at:%H:%M}",
        "digest_weekday": chosen.digest_weekday,
        "quiet_from": f"{chosen.quiet_from:%H:%M}" if chosen.quiet_from else "",
        "quiet_until": f"{chosen.quiet_until:%H:%M}" if chosen.quiet_until else "",
        "quiet_weekends": "true" if chosen.quiet_weekends else "",
        "time_zone": chosen.time_zone,
        "muted": chosen.muted,
    }
    return redirect_to(f"{verb_url(choose_settings)}?{urlencode(present, doseq=True)}")
