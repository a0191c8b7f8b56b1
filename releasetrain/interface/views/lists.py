"""The list of a resource: search, filters, order, pages, saved views, and the same as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext

from releasetrain.audit.doorway import Action, actions
from releasetrain.interface import links, listing, values
from releasetrain.interface.models import SavedView
from releasetrain.interface.pages import page
from releasetrain.interface.resources import Resource
from releasetrain.interface.wording import said
from releasetrain.kernel.refusals import Decision, Refusal, Refused

PER_PAGE = 50
COUNTED = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Pages:
    """Where in the list we are. `total` is exact up to the number that is worth counting."""

    number: int
    total: int
    more_than_counted: bool
    first: int
    last: int
    before: str
    after: str


def show(request: Any, resource: Resource) -> HttpResponse:
    """The list, whole or only its results."""
    refuse_without_permission(request, resource)
    query = {name: request.GET.getlist(name) for name in request.GET}
    refusals: list[Refusal] = []
    try:
        rows = listing.filtered(resource, resource.loaded(request.actor), query, request.actor)
        keys = listing.sort_keys(resource, request.GET.get("sort", ""))
    except Refused as refused:
        refusals, rows, keys = (
            refused.refusals,
            resource.visible(request.actor).none(),
            listing.sort_keys(resource),
        )
    objects, pages = _page_of(request, listing.ordered(rows, keys))
    columns = values.columns_of(resource)
    filters, active = _filters(resource, request)
    context: dict[str, Any] = {
        "title": said(resource.title),
        "section": resource.section or resource.plural,
        "crumbs": [(said(resource.title), "")],
        "resource": resource,
        "columns": columns,
        "rows": values.rows_of(columns, objects, links.url_for),
        "objects": objects,
        "pages": pages,
        "filters": filters,
        "active": active,
        "search": request.GET.get("q", ""),
        "placeholder": ", ".join(
            dict.fromkeys(_in_passing(values.heading(resource, name)) for name in resource.search[:3])
        )
        or gettext("search"),
        "sort": request.GET.get("sort", ""),
        "refusals": refusals,
        "narrowed": bool(request.GET.get("q") or active),
        "creators": creators_of(request, resource),
        "views": _saved_views(request, resource),
        "save_view": _save_view_address(request, resource),
        "csv": f"{links.list_url(resource)}export.csv?{request.GET.urlencode()}",
        "list_url": links.list_url(resource),
    }
    if resource.list_context:
        context |= resource.list_context(request)
    return page(
        request, resource.list_template or "generic/list.html", context, status=422 if refusals else 200
    )


def refuse_without_permission(request: Any, resource: Resource) -> None:
    """A member who may not read this kind of object is told so, and who can change it."""
    if not request.actor.may_somewhere(resource.requires):
        raise Refused(
            Refusal(
                "permission.missing",
                f"You need the permission {resource.requires} to read {resource.nouns}.",
                remedy="An organization owner can grant you a role that carries it.",
                status=403,
            )
        )


def _page_of(request: HttpRequest, rows: Any) -> tuple[list[Any], Pages]:
    asked = request.GET.get("page", "1")
    number = (
        int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 6 and int(asked) > 0 else 1
    )
    start = (number - 1) * PER_PAGE
    found = list(rows[start : start + PER_PAGE + 1])
    more = len(found) > PER_PAGE
    objects = found[:PER_PAGE]
    if not more and (objects or number == 1):
        total, uncounted = start + len(objects), False
    else:
        total = rows.order_by().values("pk")[: COUNTED + 1].count()
        total, uncounted = min(total, COUNTED), total > COUNTED
    return objects, Pages(
        number,
        total,
        uncounted,
        start + 1 if objects else 0,
        start + len(objects),
        _address(request, number - 1) if number > 1 else "",
        _address(request, number + 1) if more else "",
    )


def _address(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    query.pop("fragment", None)
    return f"?{query.urlencode()}"


def creators_of(request: Any, resource: Resource) -> list[dict[str, Any]]:
    """The verbs that make one, as buttons; the first that is allowed is the page's main act."""
    found: list[dict[str, Any]] = [
        {
            "title": resource.title_of(a),
            "decision": a.decide(request.actor),
            "url": links.verb_url(a),
            "css": "",
        }
        for a in resource.creators
        if not a.hidden
    ]
    for each in found:
        if each["decision"].allowed:
            each["css"] = "primary"
            break
    return found


def _filters(resource: Resource, request: Any) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The inputs above the list, and the active filters as chips that take themselves away.

    A filter of the address that the list does not declare (a neighbour's list uses one) is shown while active.
    """
    declared = {criterion.name for criterion in listing.declared_criteria(resource)}
    inputs: list[dict[str, Any]] = []
    active: list[dict[str, str]] = []
    for criterion in listing.criteria(resource):
        for name in criterion.parameters:
            value = request.GET.get(name, "")
            if value or (criterion.name in declared and _drawn(criterion, name)):
                suffix = name.removeprefix(criterion.name)
                label = f"{said(criterion.label)} {said(ENDS[suffix])}".strip()
                options = _worded(criterion, criterion.options(request.actor)) if not suffix else None
                if options == [] and not value:  # nothing to choose from yet
                    continue
                inputs.append({"name": name, "label": label, "choices": options, "value": value})
                if value:
                    word = dict(options or []).get(value, value)
                    active.append({"label": f"{label}: {word}", "url": _without(request, name)})
    return inputs, active


def _in_passing(heading: str) -> str:
    """A heading within a sentence: small in English; other languages keep the capitals of their nouns."""
    words = said(heading)
    return words.lower() if words == heading else words


def _worded(criterion: listing.Criterion, options: Any) -> Any:
    """Declared choices in the language of the page; objects to choose from keep their names."""
    if options is None or criterion.kind == "object":
        return options
    return [(value, said(label)) for value, label in options]


# What a filter of a range says behind its label.
ENDS = {
    "": "",
    "_from": "from",
    "_before": "before",
    "_min": "at least",
    "_max": "at most",
    "_missing": "missing",
}


def _drawn(criterion: listing.Criterion, name: str) -> bool:
    """Dates are drawn as from and before, everything else as one input."""
    return (
        name.endswith(("_from", "_before")) if criterion.kind in ("day", "moment") else name == criterion.name
    )


def _without(request: HttpRequest, name: str) -> str:
    rest = request.GET.copy()
    for dropped in (name, "page", "fragment"):
        rest.pop(dropped, None)
    return f"?{rest.urlencode()}"


def _saved_views(request: Any, resource: Resource) -> list[SavedView]:
    mine = SavedView.objects.filter(listed=resource.plural).select_related("owner")
    return [view for view in mine if view.shared or view.owner_id == request.actor.user_id]


def _save_view_address(request: Any, resource: Resource) -> tuple[Decision, str] | None:
    action: Action | None = actions().get("saved_view.create")
    query = request.GET.copy()
    query.pop("page", None)
    query.pop("fragment", None)
    if action is None or not query:
        return None
    filled = urlencode({"listed": resource.plural, "query": query.urlencode()})
    return action.decide(request.actor), f"{links.verb_url(action)}?{filled}"


def export(request: Any, resource: Resource) -> HttpResponseBase:
    """The whole list as CSV (RFC 4180), streamed; cells that a spreadsheet would run are neutralised."""
    refuse_without_permission(request, resource)
    query = {name: request.GET.getlist(name) for name in request.GET}
    rows = listing.filtered(resource, resource.loaded(request.actor), query, request.actor)
    ordered = listing.ordered(rows, listing.sort_keys(resource, request.GET.get("sort", "")))
    names = ["id", *resource.columns]
    response = StreamingHttpResponse(_lines(resource, ordered, names), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{resource.plural}.csv"'
    return response


class _Line:
    """A file that hands each line on instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def _lines(resource: Resource, rows: Any, names: list[str]) -> Iterator[bytes]:
    writer = csv.writer(_Line())
    yield ("\ufeff" + writer.writerow([values.heading(resource, n) for n in names])).encode()
    for obj in rows.iterator(chunk_size=1000):
        yield writer.writerow([neutral(values.value_of(obj, n)) for n in names]).encode()


def neutral(value: values.Value) -> str:
    """The text of a cell; a leading formula character is disarmed, numbers stay numbers."""
    text = values.text_of(value)
    return f"'{text}" if value.kind != "number" and text.startswith(_FORMULA) else text
