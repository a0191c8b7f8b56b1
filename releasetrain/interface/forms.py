"""Forms of verbs: widgets by Django, validation by the very fields that the API uses."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from rest_framework.serializers import ValidationError

from releasetrain.audit.doorway import Action, Parameter
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Upload

from .parameters import LONG_TEXT, choices_of, rows_for, serializer_for, validated
from .resources import resource_of
from .wording import said

MOST_OPTIONS = 300


class Input(forms.Field):
    """A field that only carries its widget: what the value means is decided by the verb's serializer."""

    def __init__(self, parameter: Parameter, widget: forms.Widget, **options: Any):
        self.parameter = parameter
        needed = parameter.required and parameter.kind is not bool
        super().__init__(
            widget=widget,
            required=needed,
            label=said(parameter.label),
            help_text=said(parameter.field.help),
            **options,
        )

    def validate(self, value: Any) -> None:
        """Left to the serializer, so that form and API say the same."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list | dict) and isinstance(self.widget, forms.Textarea):
            as_json = not self.parameter.many
            return json.dumps(value, indent=2, ensure_ascii=False) if as_json else "\n".join(map(str, value))
        return _shown(value)


class VerbForm(forms.Form):
    """The form of a verb for one actor and subject. After `is_valid`, `params` holds the typed parameters."""

    def __init__(self, action: Action, actor: Actor, subject: Any, *args: Any, **kwargs: Any):
        self.action, self.actor, self.subject = action, actor, subject
        self.params: dict[str, Any] = {}
        kwargs["auto_id"] = "f-%s"
        super().__init__(*args, **kwargs)
        for parameter in action.parameters:
            self.fields[parameter.name] = Input(parameter, widget_for(parameter, action, actor, subject))

    def clean(self) -> dict[str, Any]:
        try:
            self.params = validated(self.action, self._sent(), self.actor, self.subject, local_times=True)
        except ValidationError as error:
            for name, messages in error.detail.items():  # type: ignore[union-attr]
                self.add_error(name if name in self.fields else None, _texts(messages))
        return self.cleaned_data

    def _sent(self) -> dict[str, Any]:
        """What the browser sent, in the serializer's terms: an empty optional input was left to its default."""
        sent: dict[str, Any] = {}
        for parameter in self.action.parameters:
            value = self.cleaned_data.get(parameter.name)
            if parameter.kind is bool and not parameter.many:
                if parameter.nullable and value in (None, ""):
                    continue
                sent[parameter.name] = value in (True, "true", "on", "1")
            elif value in (None, "", []):
                if parameter.required:
                    sent[parameter.name] = [] if parameter.many else value or ""
                elif parameter.nullable:
                    sent[parameter.name] = None
                elif parameter.kind is str and not parameter.many:
                    sent[parameter.name] = ""
                elif parameter.many:
                    sent[parameter.name] = []
            elif parameter.many and isinstance(value, str):
                sent[parameter.name] = [
                    line.strip() for line in value.replace(",", "\n").splitlines() if line.strip()
                ]
            else:
                sent[parameter.name] = value
        return sent


def initial_for(action: Action, actor: Actor, subject: Any, query: Any) -> dict[str, Any]:
    """What the form starts with: the address, the declared initial value, the subject's own, the default."""
    found: dict[str, Any] = {}
    for parameter in action.parameters:
        name = parameter.name
        if name in query:
            found[name] = query.getlist(name) if parameter.many else query[name]
        elif parameter.field.initial is not None:
            found[name] = parameter.field.initial(actor, subject)
        elif subject is not None and _has_column(subject, name) and parameter.kind is not Upload:
            found[name] = getattr(subject, name)
        elif parameter.default is not None:
            found[name] = parameter.default
    return found


def widget_for(parameter: Parameter, action: Action, actor: Actor, subject: Any) -> forms.Widget:
    """The widget of a parameter, with its limits as attributes for the browser."""
    attrs: dict[str, Any] = {}
    declared = choices_of(parameter)
    choices = None if declared is None else [(value, said(label)) for value, label in declared]
    if choices is None and isinstance(parameter.kind, type) and issubclass(parameter.kind, models.Model):
        choices = _objects(parameter, actor, subject)
        if choices is None:
            attrs["placeholder"] = gettext("Key or id")
            return forms.TextInput(attrs)
    if choices is not None:
        if parameter.many:
            return forms.SelectMultiple(attrs | {"size": min(max(len(choices), 3), 10)}, choices=choices)
        return forms.Select(
            attrs, choices=choices if parameter.required and len(choices) == 1 else [("", "–"), *choices]
        )
    return _plain_widget(parameter, action, attrs)


def _objects(parameter: Parameter, actor: Actor, subject: Any) -> list[tuple[str, str]] | None:
    """The objects to choose from; None when they are too many for a select."""
    rows = list(rows_for(parameter, actor, subject)[: MOST_OPTIONS + 1])
    if len(rows) > MOST_OPTIONS:
        return None
    return [(str(row.pk), _option(row)) for row in rows]


def _option(row: Any) -> str:
    resource = resource_of(row)
    label = str(row)
    if isinstance(row, get_user_model()) or resource is None or not resource.lookup:
        return label
    title = next(
        (str(getattr(row, n)) for n in ("title", "name", "version", "summary") if getattr(row, n, None)), ""
    )
    return f"{label} {title}" if title and title not in label else label


def _plain_widget(parameter: Parameter, action: Action, attrs: dict[str, Any]) -> forms.Widget:
    kind = parameter.kind
    if kind is Upload:
        return forms.ClearableFileInput(attrs) if not parameter.many else _ManyFiles(attrs)
    if parameter.many or kind in (dict, list):
        return forms.Textarea(attrs | {"rows": 5, "spellcheck": "false"})
    if kind is bool:
        if parameter.nullable:
            return forms.Select(
                attrs, choices=[("", "–"), ("true", gettext("Yes")), ("false", gettext("No"))]
            )
        return forms.CheckboxInput(attrs)
    if kind is date:
        return forms.DateInput(attrs | {"type": "date"}, format="%Y-%m-%d")
    if kind is time:
        return forms.TimeInput(attrs | {"type": "time"}, format="%H:%M")
    if kind is datetime:
        return forms.DateTimeInput(attrs | {"type": "datetime-local", "step": 60}, format="%Y-%m-%dT%H:%M")
    if kind in (int, float, Decimal):
        limits = {"min": parameter.field.min, "max": parameter.field.max}
        step = {"step": 1 if kind is int else "any", "inputmode": "numeric" if kind is int else "decimal"}
        return forms.NumberInput(attrs | step | {n: f"{v:g}" for n, v in limits.items() if v is not None})
    longest = getattr(serializer_for(action)().fields[parameter.name], "max_length", None)
    if longest:
        attrs["maxlength"] = longest
    if parameter.field.long or (longest or 0) >= LONG_TEXT:
        return forms.Textarea(attrs | {"rows": 4})
    return forms.TextInput(attrs)


class _ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name)


def _shown(value: Any) -> Any:
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M") if timezone.is_aware(value) else value
    if isinstance(value, list | tuple):
        return [_shown(v) for v in value]
    return value


def _has_column(subject: Any, name: str) -> bool:
    return any(f.name == name for f in subject._meta.concrete_fields)


def _texts(messages: Any) -> list[str]:
    """All sentences of DRF's nested errors; those of list items say which item."""
    if isinstance(messages, dict):
        return [
            f"{int(k) + 1 if str(k).isdigit() else k}: {text}"
            for k, inner in messages.items()
            for text in _texts(inner)
        ]
    if isinstance(messages, list):
        return [text for inner in messages for text in _texts(inner)]
    return [str(messages)]
