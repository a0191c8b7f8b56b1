"""The page of a verb: a form that says what will happen, runs the action, and shows refusals with remedies."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import DataError, models, transaction
from django.http import Http404, HttpResponse
from django.utils.translation import gettext

from releasetrain.audit.doorway import Action
from releasetrain.interface import links, step_up
from releasetrain.interface.api.representation import loose
from releasetrain.interface.forms import VerbForm, initial_for
from releasetrain.interface.pages import page, redirect_to
from releasetrain.interface.resources import Resource, resource_of
from releasetrain.interface.wording import said
from releasetrain.kernel.refusals import Refusal, Refused
from releasetrain.tenancy.models import Organization

from .objects import find


def show(request: Any, action: Action, resource: Resource | None, ref: str = "") -> HttpResponse:
    """GET shows the form, POST performs the act."""
    subject = _subject(request, action, resource, ref)
    if step_up.needed(request, action):
        return step_up.asked_first(request, request.get_full_path())
    if request.method != "POST":
        start = initial_for(action, request.actor, subject, request.GET)
        before = step_up.kept(request)
        if before is not None:
            names = {p.name: p.many for p in action.parameters}
            start |= {n: before.getlist(n) if names[n] else before[n] for n in names if n in before}
        form = VerbForm(action, request.actor, subject, initial=start)
        decision = action.decide(request.actor, subject)
        return _form(request, action, resource, subject, form, decision.refusals)
    form = VerbForm(action, request.actor, subject, request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, action, resource, subject, form, [], 422)
    try:
        with transaction.atomic():
            result = (
                action(request.actor, subject, **form.params)
                if subject is not None
                else action(request.actor, **form.params)
            )
    except Refused as refused:
        general = [r for r in refused.refusals if r.field not in form.fields]
        for refusal in refused.refusals:
            if refusal.field in form.fields:
                form.add_error(refusal.field, " ".join(filter(None, (refusal.sentence, refusal.remedy))))
        return _form(request, action, resource, subject, form, general, refused.status)
    except DataError as error:
        out_of_range = Refusal("value.out_of_range", str(error).strip().split("\n", 1)[0], status=422)
        return _form(request, action, resource, subject, form, [out_of_range], 422)
    return _done(request, action, resource, subject, result)


def _subject(request: Any, action: Action, resource: Resource | None, ref: str) -> Any:
    if action.on is Organization:
        return request.organization
    if action.on is None:
        return None
    if resource is None:
        raise Http404
    return find(request, resource, ref)


def _form(
    request: Any,
    action: Action,
    resource: Resource | None,
    subject: Any,
    form: VerbForm,
    refusals: list[Refusal],
    status: int = 200,
) -> HttpResponse:
    crumbs = [(said(resource.title), links.list_url(resource))] if resource else []
    back = links.page_root()
    if resource:
        back = links.list_url(resource)
    if subject is not None and resource_of(subject):
        back = links.url_for(subject)
        crumbs.append((str(subject), back))
    act = _title(action, resource)
    context = {
        "title": f"{act}: {subject}" if subject is not None else act,
        "act": act,
        "section": (resource.section or resource.plural) if resource else "",
        "crumbs": [*crumbs, (act, "")],
        "action": action,
        "resource": resource,
        "subject": subject,
        "form": form,
        "refusals": refusals,
        "blocked": bool(refusals) and request.method != "POST",
        "uploads": any(f.widget.needs_multipart_form for f in form.fields.values()),
        "address": request.path,
        "back": back,
    }
    return page(request, "generic/do.html", context, status=status)


def _done(request: Any, action: Action, resource: Resource | None, subject: Any, result: Any) -> HttpResponse:
    target = result if isinstance(result, models.Model) and resource_of(result) else subject
    act = _title(action, resource)
    shown_once = result is not None and not isinstance(result, models.Model)
    if shown_once:
        context = {
            "title": f"{act}: {gettext('done')}",
            "act": act,
            "section": (resource.section or resource.plural) if resource else "",
            "crumbs": [(act, "")],
            "action": action,
            "result": loose(result),
            "back": links.url_for(target)
            if target is not None
            else links.list_url(resource)
            if resource
            else links.page_root(),
        }
        return page(request, "generic/done.html", context)
    messages.success(request, f"{act}: {target}" if target is not None else f"{act}: {gettext('done')}")
    shown = resource_of(target) if target is not None else None
    if shown is not None and shown.part_of is not None:
        target = shown.part_of(target)
    url = links.url_for(target) if target is not None else ""
    return _go(request, url or (links.list_url(resource) if resource else links.page_root()))


def _title(action: Action, resource: Resource | None) -> str:
    return said(resource.title_of(action) if resource else action.title)


def _go(request: Any, url: str) -> HttpResponse:
    """303 to the address; a dialog is told by header, because it cannot see redirects."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return redirect_to(url)
