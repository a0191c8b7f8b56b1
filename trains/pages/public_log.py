"""The public release log: a page and feeds that anybody may read without signing in."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed, SyndicationFeed
from django.views.decorators.http import require_safe

from releasetrain.interface.api import limits
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from trains.models import PublicLog
from trains.queries.public_log import Entry, entries_of, open_log

FRESH_SECONDS = 300
FORMS = {
    "html": "text/html; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


@require_safe
def show(request: HttpRequest, org: str, slug: str, form: str = "html") -> HttpResponseBase:
    """The log in one of its forms. A closed log and one that never was look alike."""
    organization = Organization.objects.filter(slug=org, suspended_at__isnull=True).first()
    if organization is None:
        return _absent()
    # Who asks is nobody of the organization: their address is only counted, never stored.
    who = hashlib.sha256(request.META.get("REMOTE_ADDR", "").encode()).hexdigest()[:24]
    allowance = limits.take(organization.pk, f"public:{who}")
    if allowance.spent:
        return allowance.mark(HttpResponse("Too many requests.", status=429, content_type="text/plain"))
    with tenant_scope(organization.pk, Actor.system(organization.pk, "reads the public log")):
        log = open_log(slug)
        if log is None:
            return _absent()
        entries = entries_of(log)
    return allowance.mark(_answer(request, log, entries, form, org))


def _absent() -> HttpResponse:
    return HttpResponse("There is no such log.", status=404, content_type="text/plain")


def _answer(
    request: HttpRequest, log: PublicLog, entries: list[Entry], form: str, org: str
) -> HttpResponseBase:
    addresses = {
        each: request.build_absolute_uri(reverse("public_log", args=[org, log.slug]))
        + ("" if each == "html" else f"log.{each}")
        for each in FORMS
    }
    body = _WRITERS[form](log, entries, addresses)
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    response = HttpResponse(
        body,
        content_type=FORMS[form],
        headers={
            "ETag": tag,
            "Cache-Control": f"public, max-age={FRESH_SECONDS}",
            "X-Robots-Tag": "noarchive",
        },
    )
    return get_conditional_response(request, etag=tag, last_modified=None, response=response)


def _html(log: PublicLog, entries: list[Entry], addresses: dict[str, str]) -> str:
    return render_to_string(
        "trains/public_log.html", {"product": log.product, "entries": entries, "addresses": addresses}
    )


def _feed(kind: type[SyndicationFeed]) -> Any:
    def write(log: PublicLog, entries: list[Entry], addresses: dict[str, str]) -> str:
        feed = kind(
            title=f"{log.product}: releases",
            link=addresses["html"],
            description=f"Released versions of {log.product}.",
            feed_url=addresses["atom" if kind is Atom1Feed else "rss"],
            language="en",
            author_name=log.product,
        )
        for entry in entries:
            feed.add_item(
                title=f"{log.product} {entry.version}",
                link=f"{addresses['html']}#{_anchor(entry)}",
                unique_id=f"{addresses['html']}#{_anchor(entry)}",
                description=entry.text,
                pubdate=entry.released_at,
                updateddate=entry.updated_at,
            )
        # Without an entry the library writes the present moment, and every answer would differ.
        if not entries:
            feed.latest_post_date = lambda: log.opened_at  # type: ignore[method-assign,assignment,return-value]
        return str(feed.writeString("utf-8"))

    return write


def _anchor(entry: Entry) -> str:
    return quote(f"v{entry.version}", safe="")


def _json(log: PublicLog, entries: list[Entry], addresses: dict[str, str]) -> str:
    """JSON Feed 1.1; resolved issues and limitations also as lists, in an extension."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"{log.product}: releases",
        "home_page_url": addresses["html"],
        "feed_url": addresses["json"],
        "language": "en",
        "items": [
            {
                "id": f"{addresses['html']}#{_anchor(entry)}",
                "url": f"{addresses['html']}#{_anchor(entry)}",
                "title": f"{log.product} {entry.version}",
                "content_text": entry.text,
                "date_published": _moment(entry.released_at),
                "date_modified": _moment(entry.updated_at),
                "_release": {
                    "version": entry.version,
                    "resolved_issues": list(entry.resolved),
                    "known_limitations": list(entry.limitations),
                },
            }
            for entry in entries
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1) + "\n"


def _moment(at: datetime) -> str:
    return at.replace(microsecond=0).isoformat()


_WRITERS = {"html": _html, "atom": _feed(Atom1Feed), "rss": _feed(Rss201rev2Feed), "json": _json}


def address_of(request: Any, log: PublicLog) -> dict[str, Any]:
    """Where the log stands, and what it tells; for its settings page."""
    return {
        "address": request.build_absolute_uri(
            reverse("public_log", args=[request.organization.slug, log.slug])
        ),
        "entries": entries_of(log),
    }
