"""What there is to translate: texts of templates and of Python, and what resources, verbs and places declare."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.translation.template import templatize

from releasetrain.audit.doorway import actions

from . import frame, listing, navigation, values
from .parameters import choices_of
from .resources import Filter, resources
from .views import lists

FOLDERS = ("releasetrain", "trains", "planning", "governance", "problems", "reviews", "metrics")
Message = str | tuple[str, str]
_MARKED = re.compile(r"\b(ngettext|gettext|_)\(")


def catalogue() -> Catalog:
    """Every message with the files that say it."""
    found: dict[Message, set[str]] = defaultdict(set)
    for message, place in (*of_templates(), *of_python(), *declared()):
        found[message].add(place)
    made = Catalog(project="Release Train", charset="utf-8", domain="django", fuzzy=False)
    for message in sorted(found, key=lambda m: m if isinstance(m, str) else m[0]):
        made.add(message, locations=[(place, 0) for place in sorted(found[message])])
    return made


def of_templates(only: Iterable[Path] | None = None) -> Iterator[tuple[Message, str]]:
    """Marked texts of templates, read as Django's own extraction reads them."""
    folder = settings.BASE_DIR / "templates"
    for path in only or sorted(folder.rglob("*.html")):
        source = templatize(path.read_text(), origin=str(path))
        for found in _MARKED.finditer(source):
            message = _message(source, found)
            if message:
                yield message, str(path.relative_to(settings.BASE_DIR))


def _message(source: str, found: re.Match[str]) -> Message | None:
    """The literals after an opening bracket; what stands between marked texts is blotted out and is no Python."""
    texts, rest = [], source[found.end() :]
    for _ in range(2 if found[1] == "ngettext" else 1):
        literal = re.match(r"\s*u?('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\s*,?", rest, re.DOTALL)
        if literal is None:
            return None
        texts.append(ast.literal_eval(literal[1]))
        rest = rest[literal.end() :]
    return (texts[0], texts[1]) if len(texts) == 2 else texts[0]


def of_python() -> Iterator[tuple[Message, str]]:
    """Texts given to gettext, and the sentences of refusals that are the same in every case."""
    for folder in FOLDERS:
        for path in sorted((settings.BASE_DIR / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            place = str(path.relative_to(settings.BASE_DIR))
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Call):
                    for message in _said_by(node):
                        yield message, place


def _said_by(call: ast.Call) -> Iterator[Message]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if name == "ngettext" and len(texts) >= 2:
        yield (texts[0], texts[1])
    elif name in ("gettext", "gettext_lazy", "said") and texts:
        yield texts[0]
    elif name in ("refuse", "Refusal"):
        yield from texts[1:2]
        yield from (
            k.value.value
            for k in call.keywords
            if k.arg == "remedy" and isinstance(k.value, ast.Constant) and k.value.value
        )


def declared() -> Iterator[tuple[str, str]]:
    """What pages draw from declarations."""
    for text, place in _declared():
        if text and re.search(r"[A-Za-z]{2}", str(text)):
            yield str(text), place


def _declared() -> Iterator[tuple[Any, str]]:
    place = "releasetrain/interface/navigation.py"
    yield from ((group, place) for group in navigation.GROUPS)
    for each in navigation.registered():
        yield from ((text, place) for text in (each.label, each.title))
    for texts in frame.TEXTS.values():
        yield from ((text, "releasetrain/interface/frame.py") for text in texts)
    yield from ((end, "releasetrain/interface/views/lists.py") for end in lists.ENDS.values())
    for resource in resources():
        place = f"{resource.model.__module__.replace('.', '/')}.py"
        yield from ((t, place) for t in (resource.title, resource.noun, resource.nouns, resource.description))
        names = {*resource.columns, *resource.facts, *resource.computed, *(f.name for f in resource.fields)}
        yield from ((values.heading(resource, name), place) for name in names)
        yield from ((related.title, place) for related in resource.related)
        yield from ((resource.title_of(verb), place) for verb in (*resource.creators, *resource.verbs))
        yield from ((criterion.label, place) for criterion in listing.declared_criteria(resource))
        for criterion in resource.filters:
            if isinstance(criterion, Filter):
                yield from ((label, place) for _, label in criterion.choices)
    for model in apps.get_models():
        if model.__module__.split(".")[0] in FOLDERS:
            place = f"{model.__module__.replace('.', '/')}.py"
            for field in model._meta.concrete_fields:
                yield from ((label, place) for _, label in field.flatchoices)
    for action in actions().values():
        place = f"{action.body.__module__.replace('.', '/')}.py"
        yield from ((text, place) for text in (action.title, action.label, action.summary, action.confirm))
        for parameter in action.parameters:
            yield from ((text, place) for text in (parameter.label, parameter.field.help))
            listed = parameter.field.choices
            if isinstance(parameter.kind, type) and issubclass(parameter.kind, models.Choices):
                listed = parameter.kind.choices
            if listed and not callable(listed):
                yield from ((label, place) for _, label in choices_of(parameter) or ())
