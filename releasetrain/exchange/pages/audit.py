"""The audit trail explorer: who did what, when, from what to what, with the proof beside it."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from releasetrain.accounts.models import User
from releasetrain.audit import explorer
from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange.ledger import require_reader
from releasetrain.interface.links import url_for
from releasetrain.interface.pages import page
from releasetrain.interface.resources import by_kind
from releasetrain.interface.search import named
from releasetrain.kernel.refusals import Ref


def _query(request: Any) -> explorer.Query:
    get = request.GET

    def moment(name: str) -> datetime | None:
        try:
            day = parse_date(get.get(name, ""))
        except ValueError:
            return None
        return timezone.make_aware(datetime.combine(day, time.min)) if day else None

    before, text = get.get("before", ""), get.get("q", "").replace("\0", "").strip()[:100]
    return explorer.Query(
        text=text,
        objects=tuple(named(request.actor, text)) if text else (),
        verb=get.get("verb", "")[:80],
        actor=get.get("actor", "")[:60],
        kind=get.get("kind", "")[:60],
        subject=get.get("subject", "")[:60],
        since=moment("since"),
        until=moment("until"),
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
    )


def _people(entries: list[LedgerEntry]) -> dict[Any, User]:
    return User.objects.in_bulk({e.actor_id for e in entries if e.actor_id})


def _noun(kind: str) -> str:
    """What a kind of object is called."""
    resource = by_kind(kind)
    return resource.label if resource else kind


def _subject_url(entry: LedgerEntry) -> str:
    return url_for(Ref(entry.subject_kind, entry.subject_id, entry.subject_label))


@require_safe
def trail(request: Any) -> HttpResponse:
    """The list, newest first."""
    require_reader(request.actor)
    query = _query(request)
    found = explorer.search(query)
    people = _people(found.entries)
    rows = [
        {
            "entry": e,
            "who": people.get(e.actor_id) or e.actor_name,
            "url": _subject_url(e),
            "noun": _noun(e.subject_kind),
        }
        for e in found.entries
    ]
    members = User.objects.filter(memberships__organization=request.organization).order_by("name")
    context = {
        "section": "audit",
        "title": "Audit trail",
        "rows": rows,
        "found": found,
        "query": query,
        "verbs": explorer.verbs(),
        "members": members,
        "state": explorer.state(),
        "filtered": any(
            (query.text, query.verb, query.actor, query.kind, query.subject, query.since, query.until)
        ),
    }
    return page(request, "audit/trail.html", context)


@require_safe
def entry(request: Any, number: int) -> HttpResponse:
    """One entry: what changed, its canonical body, its leaf and its proof."""
    require_reader(request.actor)
    found = LedgerEntry.objects.filter(pk=number).first()
    if found is None:
        raise Http404("No such entry.")
    body = explorer.document(found)
    changes = [
        {"field": k, "old": v[0], "new": v[1]} for k, v in sorted(body["payload"].get("changes", {}).items())
    ]
    context = {
        "section": "audit",
        "title": f"Entry {found.pk}",
        "crumbs": [("Audit", f"/o/{request.organization.slug}/audit/"), (f"Entry {found.pk}", "")],
        "entry": found,
        "body": body,
        "changes": changes,
        "params": sorted(body["payload"].get("params", {}).items()),
        "who": _people([found]).get(found.actor_id) or found.actor_name,
        "url": _subject_url(found),
        "leaf": bytes(found.leaf_hash).hex(),
        "proof": explorer.proof(found),
    }
    return page(request, "audit/entry.html", context)


@require_safe
def export(request: Any) -> StreamingHttpResponse:
    """The filtered trail as CSV, streamed; ids, not names, so that the file matches the ledger."""
    require_reader(request.actor)
    query = _query(request)

    def lines() -> Any:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(
            [
                "entry",
                "at_utc",
                "verb",
                "actor_id",
                "actor",
                "route",
                "kind",
                "subject_id",
                "subject",
                "request_id",
                "leaf_hash",
            ]
        )
        before = query.before
        while True:
            chosen = explorer.Query(**{**query.__dict__, "before": before})
            found = explorer.search(chosen, limit=1_000)
            before = found.more
            for e in found.entries:
                writer.writerow(_line(e))
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
            if before is None:
                return

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{request.organization.slug}.csv"'
    return response


def _line(entry: LedgerEntry) -> list[object]:
    leaf = bytes(entry.leaf_hash).hex()
    who = [entry.actor_id or "", entry.actor_name, entry.route]
    what = [entry.subject_kind, entry.subject_id, neutral(entry.subject_label)]
    return [entry.pk, entry.at.isoformat(), entry.verb, *who, *what, entry.request_id, leaf]


def neutral(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
