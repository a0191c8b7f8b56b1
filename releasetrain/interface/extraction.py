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

from . import composing, frame, listing, navigation, notices, values
from .charts.drawing import WORDS
from .parameters import choices_of
from .resources import Filter, resources
from .views import lists

FOLDERS = ("releasetrain", "trains", "planning", "governance", "problems", "reviews", "metrics")
Message = str | tuple[str, str]
_MARKED = re.compile(r"\b(ngettext|gettext|_)\(")
# What no page draws: commands, the demo organization's own texts, statements to the database, tools of their own.
_UNDRAWN = {
    "migrations",
    "management",
    "demo",
    "guards",
    "embedded",
    "cli",
    "verifier",
    "settings",
    "kernel",
    "tenancy",
}
_UNDRAWN_FILES = {"guards.py", "extraction.py", "composing.py", "apps.py", "celery.py", "contract.py"}
_WORD = re.compile(r"[A-Za-z]{2,}")
_STATEMENT = re.compile(
    r"\b(SELECT|INSERT|DELETE|ALTER|CREATE|DROP|GRANT|REVOKE|SET LOCAL|FROM|WHERE)\b|://|[<>][a-z/]|\n|%s"
)
# Arguments whose text people read, however short it is.
_SHOWN = {
    "title",
    "label",
    "heading",
    "unit",
    "sentence",
    "remedy",
    "reason",
    "finding",
    "help",
    "confirm",
    "word",
    "noun",
}
# Calls whose texts are told to developers and operators, not drawn.
_UNSAID = {"ValueError", "TypeError", "RuntimeError", "LookupError", "KeyError", "ImproperlyConfigured", "CommandError",
           "debug", "info", "warning", "error", "exception", "critical", "compile", "system", "execute"}  # fmt: skip


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
    for path in only or sorted((*folder.rglob("*.html"), *folder.rglob("*.txt"))):
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
    """Texts given to gettext, and the sentences that Python says, fixed ones and those made of the facts of a case."""
    for folder in FOLDERS:
        for path in sorted((settings.BASE_DIR / folder).rglob("*.py")):
            within = path.relative_to(settings.BASE_DIR)
            if "migrations" not in within.parts:
                drawn = not _UNDRAWN.intersection(within.parts) and path.name not in _UNDRAWN_FILES
                for message in of_source(ast.parse(path.read_bytes()), drawn=drawn):
                    yield message, str(within)


def of_source(tree: ast.AST, *, drawn: bool = True) -> Iterator[Message]:
    """The messages of one module."""
    left = {*_docstrings(tree), *_within_texts(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _said_by(node)
            if _called(node) in _UNSAID:
                left.update(part for each in (*node.args, *node.keywords) for part in ast.walk(each))
                continue
        if drawn and node not in left:
            if isinstance(node, ast.JoinedStr):
                yield from (m for m in composing.messages_of(node) if _is_sentence(m))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_sentence(node.value):
                yield node.value


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _within_texts(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from (part for part in node.values if isinstance(part, ast.Constant))


def _is_sentence(text: str) -> bool:
    """Whether a text of the source is prose for people: it begins like it, has words, and is no statement."""
    if _STATEMENT.search(text):
        return False
    bare = composing.PLACE.sub(" ", text)
    if "{" in bare or (bare != text and not composing.is_template(text)):
        return False
    words, begins = len(_WORD.findall(bare)), re.match(r"[A-Z“\"{]", text) is not None
    if " " not in text:
        return False
    if bare == text:
        return begins and words >= 2
    # Of the texts with places also parts of sentences are told, if they have words enough to be found again.
    return words >= 3 or (begins and (words >= 2 or text.endswith((".", "?"))))


def _said_by(call: ast.Call) -> Iterator[Message]:
    name = _called(call)
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if name == "ngettext" and len(texts) >= 2:
        yield (texts[0], texts[1])
    elif name in ("gettext", "gettext_lazy", "said") and texts:
        yield texts[0]
    elif name in ("refuse", "Refusal"):
        yield from texts[1:2]
        # However few words it has of its own: nothing else explains a refusal.
        told = [
            *call.args[1:2],
            *(each.value for each in call.keywords if each.arg in ("sentence", "remedy")),
        ]
        for made in (part for each in told for part in ast.walk(each) if isinstance(part, ast.JoinedStr)):
            yield from (m for m in composing.messages_of(made) if composing.is_template(m))
    shown = [each.value for each in call.keywords if each.arg in _SHOWN]
    for text in [v.value for v in shown if isinstance(v, ast.Constant) and isinstance(v.value, str)]:
        if _WORD.search(text) and not _STATEMENT.search(text):
            yield text


def declared() -> Iterator[tuple[str, str]]:
    """What pages draw from declarations."""
    for text, place in _declared():
        if text and re.search(r"[A-Za-z]{2}", str(text)):
            yield str(text), place


def _declared() -> Iterator[tuple[Any, str]]:
    yield from ((each.title, "releasetrain/interface/notices.py") for each in notices.declared())
    yield from ((word, "releasetrain/interface/charts/drawing.py") for word in WORDS)
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
    yield from _declared_by_verbs()


def _declared_by_verbs() -> Iterator[tuple[Any, str]]:
    # A refusal by the table of states names them as the table does.
    for action in actions().values():
        if action.machine is not None:
            states = {s for t in action.machine.transitions for s in (*t.sources, t.target)}
            yield from (
                (s.replace("_", " "), f"{action.body.__module__.replace('.', '/')}.py") for s in states if s
            )
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
