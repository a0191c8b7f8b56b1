"""The API explorer: every endpoint with a call to copy, and the page behind each problem code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from releasetrain.audit.doorway import Action, Parameter
from releasetrain.interface.pages import page
from releasetrain.interface.parameters import choices_of
from releasetrain.interface.resources import Resource, loose_actions, resources
from releasetrain.kernel.fields import Upload

from .problem_catalogue import catalogue


@dataclass(frozen=True)
class Endpoint:
    """One endpoint as the explorer shows it."""

    method: str
    path: str
    name: str
    summary: str
    requires: str
    parameters: tuple[tuple[str, str, bool, str], ...] = ()
    curl: str = ""


@dataclass(frozen=True)
class Group:
    """The endpoints of one resource."""

    title: str
    anchor: str
    endpoints: tuple[Endpoint, ...]


_ROOT = "/api/v1/orgs/{org}"


@lru_cache(maxsize=1)
def groups() -> list[Group]:
    """All endpoints, by resource."""
    found = [
        Group(r.title, r.plural, tuple(_of_resource(r))) for r in sorted(resources(), key=lambda r: r.plural)
    ]
    loose = tuple(_verb(action, f"{_ROOT}/do/{action.verb}") for action in loose_actions())
    return [*found, *([Group("The organization", "organization", loose)] if loose else [])]


def _of_resource(resource: Resource) -> list[Endpoint]:
    base = f"{_ROOT}/{resource.plural}"
    nouns = resource.model._meta.verbose_name_plural
    found = [
        Endpoint(
            "GET",
            base,
            f"{resource.plural}.list",
            f"List {nouns}",
            resource.requires,
            (),
            _curl("GET", base + "?limit=20"),
        ),
        Endpoint(
            "GET", f"{base}/{{id}}", f"{resource.plural}.get", f"Read one {resource.label}", resource.requires
        ),
        Endpoint(
            "GET", f"{base}/{{id}}/history", f"{resource.plural}.history", "Its history", resource.requires
        ),
        Endpoint(
            "GET",
            f"{base}/{{id}}/neighbours",
            f"{resource.plural}.neighbours",
            "What it is connected with",
            resource.requires,
        ),
    ]
    for action in resource.creators:
        segment = resource.segment(action)
        found.append(_verb(action, base if segment == "create" else f"{base}/{segment}"))
    found.extend(_verb(action, f"{base}/{{id}}/{resource.segment(action)}") for action in resource.verbs)
    return found


def _verb(action: Action, path: str) -> Endpoint:
    parameters = tuple((p.name, kind_word(p), p.required, p.field.help or p.label) for p in action.parameters)
    return Endpoint(
        "POST", path, action.verb, action.summary, action.requires, parameters, _curl("POST", path, action)
    )


def kind_word(parameter: Parameter) -> str:
    """The type of a parameter in words."""
    kind = parameter.kind
    if isinstance(kind, type) and issubclass(kind, models.Model):
        word = f"id or key of a {kind._meta.verbose_name}"
    elif choices_of(parameter) is not None:
        word = "one of " + ", ".join(value for value, _ in (choices_of(parameter) or [])[:12])
    else:
        word = _WORDS.get(getattr(kind, "__name__", ""), getattr(kind, "__name__", str(kind)))
    return f"list of {word}" if parameter.many else word


_WORDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "Decimal": "decimal",
    "bool": "true or false",
    "date": "date",
    "datetime": "time with offset",
    "UUID": "UUID",
    "dict": "JSON object",
    "list": "JSON list",
    "Upload": "file",
}


def _curl(method: str, path: str, action: Action | None = None) -> str:
    lines = [
        f'curl -X {method} "$HOST{path.replace("{org}", "$ORG").replace("{id}", "$ID")}"',
        '-H "Authorization: Bearer $TOKEN"',
    ]
    if action is not None and any(p.kind is Upload for p in action.parameters):
        lines += [
            f"-F {p.name}={'@file' if p.kind is Upload else _example(p)}"
            for p in action.parameters
            if p.required
        ]
    elif action is not None:
        body = {p.name: _example(p) for p in action.parameters if p.required}
        lines += [
            '-H "Content-Type: application/json"',
            '-H "Idempotency-Key: $(uuidgen)"',
            f"-d '{json.dumps(body)}'",
        ]
    return " \\\n  ".join(lines)


def _example(parameter: Parameter) -> Any:
    choices = choices_of(parameter)
    one: Any = (
        choices[0][0] if choices else _EXAMPLES.get(getattr(parameter.kind, "__name__", ""), "ID-OR-KEY")
    )
    return [one] if parameter.many else one


_EXAMPLES: dict[str, Any] = {
    "str": "text",
    "int": 1,
    "float": 1.0,
    "Decimal": "1.0",
    "bool": True,
    "date": "2026-11-21",
    "datetime": "2026-11-21T10:00:00Z",
    "UUID": "0192f0c1-7d3a-7b6e-8b1a-2f6a4c1d9e10",
    "dict": {},
    "list": [],
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The explorer."""
    return page(request, "generic/api.html", {"title": "API", "groups": groups(), "crumbs": [("API", "")]})


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """All problem codes."""
    context = {
        "title": "Problems",
        "problems": catalogue().values(),
        "crumbs": [("API", "/api/"), ("Problems", "")],
    }
    return page(request, "generic/problems.html", context)


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """What one problem code means."""
    found = catalogue().get(code)
    if found is None and not code.startswith("database."):
        raise Http404
    context = {
        "title": code,
        "code": code,
        "problem": found,
        "crumbs": [("API", "/api/"), ("Problems", "/api/problems/"), (code, "")],
    }
    return page(request, "generic/problem.html", context)
