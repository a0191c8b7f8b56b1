"""Resources: one declaration per model, from which its list, page, filters and API endpoints follow."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models import Q, QuerySet

from releasetrain.audit.doorway import Action, actions, actions_on, creators_of
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import KeyedModel, Organization

_ADDRESSABLE = re.compile(r"[^/\\?#%\x00-\x1f]{1,100}")
_RESERVED = {"new", "do", "export.csv", ".", ".."}
_NEVER_SHOWN = {"organization", "password", "secret", "secret_hash", "token_hash"}


@dataclass(frozen=True)
class Filter:
    """A filter of a list that is more than "this field equals": its choices, and what it does to the rows.

    apply    (queryset, value) -> queryset; `value` is one of the choices, or free text when there are none
    """

    name: str
    label: str
    apply: Callable[[QuerySet, str], QuerySet]
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Related:
    """A further panel of neighbours on a page: `rows(actor, obj)` gives objects of registered models."""

    title: str
    rows: Callable[[Actor, Any], Iterable[Any]]


@dataclass(eq=False)
class Resource:
    """How one model is shown.

    plural         its word in addresses, e.g. ``releases``
    section        the place in the navigation that its pages mark as current
    columns        of the list: fields, properties or methods without arguments
    filters        shown above the list: field names (``train``, ``train__portfolio``) or `Filter`
    search         fields (paths allowed) that the search box looks into
    search_waits   search takes a row in when it is first changed, not when it is made: for rows that always are, moments later
    order          of the list, e.g. ``("-target", "key")``
    lookup         a unique field that addresses may use instead of the id (``key`` where there is one)
    template       an own page; its variables are those of the generic page plus `context(request, obj)`
    list_template  an own page for the list, likewise with `list_context(request)`
    facts          fields of the page, in order (default: all)
    computed       further attributes that page and API show
    hidden         fields that neither face shows, nor history
    only_now       fields whose former values history does not tell
    select         further paths to load with the rows (e.g. what ``__str__`` of a neighbour reads)
    requires       the permission to read it
    rows           (actor) -> queryset of what this actor may see (default: everything in the organization)
    related        further neighbour panels
    part_of        (obj) -> the object on whose page it is shown: whoever made or changed it is led there
    """

    model: type[models.Model]
    plural: str
    section: str = ""
    icon: str = "list"
    columns: tuple[str, ...] = ()
    filters: tuple[str | Filter, ...] = ()
    search: tuple[str, ...] = ()
    search_waits: bool = False
    order: tuple[str, ...] = ()
    lookup: str | None = None
    template: str | None = None
    context: Callable[[Any, Any], dict[str, Any]] | None = None
    list_template: str | None = None
    list_context: Callable[[Any], dict[str, Any]] | None = None
    facts: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    only_now: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    requires: str = "organization.view"
    rows: Callable[[Actor], QuerySet] | None = None
    related: tuple[Related, ...] = ()
    part_of: Callable[[Any], Any] | None = None
    label: str = ""
    description: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        meta = self.model._meta
        self.label = self.label or str(meta.verbose_name)
        if self.lookup is None and issubclass(self.model, KeyedModel):
            self.lookup = "key"
        if not self.order:
            self.order = tuple(str(o) for o in meta.ordering or ()) or (
                "-created_at" if self.has("created_at") else "-pk",
            )
        if not self.columns:
            shown = [f.name for f in self.fields if not isinstance(f, models.JSONField | models.TextField)]
            self.columns = tuple(n for n in shown if n not in ("id", "row_version"))[:6]

    @property
    def kind(self) -> str:
        """The model's name, as in references and in the ledger."""
        return str(self.model._meta.model_name)

    @property
    def title(self) -> str:
        """The plural as a heading."""
        words = str(self.model._meta.verbose_name_plural)
        return words[:1].upper() + words[1:]

    @property
    def nouns(self) -> str:
        """The plural in a sentence."""
        return str(self.model._meta.verbose_name_plural)

    @property
    def noun(self) -> str:
        return self.label[:1].upper() + self.label[1:]

    def has(self, name: str) -> bool:
        try:
            self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        return True

    @functools.cached_property
    def fields(self) -> list[models.Field]:
        """The concrete fields that may be shown."""
        return [
            f
            for f in self.model._meta.concrete_fields
            if f.name not in _NEVER_SHOWN
            and f.name not in self.hidden
            and not isinstance(f, models.BinaryField)
        ]

    @functools.cached_property
    def references(self) -> list[models.ForeignKey]:
        """Fields that name another row."""
        return [
            f
            for f in self.fields
            if isinstance(f, models.ForeignKey) and f.remote_field.model is not Organization
        ]

    @functools.cached_property
    def joins(self) -> tuple[str, ...]:
        """What is loaded with each row, so that showing it costs no further query."""
        return tuple(dict.fromkeys([*(f.name for f in self.references), *self.select]))

    def visible(self, actor: Actor) -> QuerySet:
        """The rows this actor may see; none without the permission to read."""
        rows = self.rows(actor) if self.rows else self.model._default_manager.all()
        return rows if actor.may_somewhere(self.requires) else rows.none()

    def loaded(self, actor: Actor) -> QuerySet:
        """The visible rows with what showing them needs."""
        rows = self.visible(actor)
        return rows.select_related(*self.joins) if self.joins else rows

    @functools.cached_property
    def lookup_is_unique(self) -> bool:
        """Whether the lookup field names one object of the organization; if not, it cannot stand for the id."""
        if self.lookup is None:
            return False
        field = self.model._meta.get_field(self.lookup)
        return bool(getattr(field, "unique", False)) or any(
            isinstance(c, models.UniqueConstraint)
            and c.condition is None
            and set(c.fields) == {"organization", self.lookup}
            for c in self.model._meta.constraints
        )

    def reference_of(self, obj: Any) -> str:
        """How addresses name the object: its key where that can stand in an address, or else its id."""
        value = str(getattr(obj, self.lookup, "") or "") if self.lookup_is_unique and self.lookup else ""
        return value if _ADDRESSABLE.fullmatch(value) and value not in _RESERVED else str(obj.pk)

    def condition(self, reference: str) -> Q | None:
        """The condition that finds an object by key or id; None when the text can be neither."""
        found: Q | None = None
        try:
            found = Q(pk=self.model._meta.pk.to_python(reference))
        except (ValidationError, ValueError, TypeError, OverflowError):
            found = None
        if self.lookup and self.lookup_is_unique and 0 < len(reference) <= 200 and "\0" not in reference:
            by_key = Q(**{self.lookup: reference})
            found = by_key if found is None else found | by_key
        return found

    def find(self, actor: Actor, reference: str) -> Any | None:
        """The visible object with this key or id, or None: absent and forbidden look the same."""
        condition = self.condition(reference)
        return self.loaded(actor).filter(condition).first() if condition is not None else None

    @property
    def verbs(self) -> list[Action]:
        """The verbs on one object."""
        return actions_on(self.model)

    @property
    def creators(self) -> list[Action]:
        """The verbs that make one, the plain one first."""
        return sorted(creators_of(self.model), key=lambda a: a.tail != "create")

    def title_of(self, action: Action) -> str:
        """What the button of a verb says; "Create" alone would not say what."""
        return action.label or (f"New {self.label}" if action.tail == "create" else action.title)

    def segment(self, action: Action) -> str:
        """The verb's word in addresses: what follows the dot, or all of it where two verbs would share that."""
        same = self.verbs if action.on is not None else self.creators
        clash = sum(1 for other in same if other.tail == action.tail) > 1
        return action.verb if clash else action.tail


_resources: dict[type[models.Model], Resource] = {}
_by_plural: dict[str, Resource] = {}


def register(resource: Resource) -> Resource:
    """Give a model its faces."""
    if resource.model in _resources:
        raise ValueError(f"{resource.model.__name__} is registered twice")
    if resource.plural in _by_plural:
        raise ValueError(
            f"The word {resource.plural!r} is taken by {_by_plural[resource.plural].model.__name__}"
        )
    _resources[resource.model] = resource
    _by_plural[resource.plural] = resource
    return resource


def resources() -> list[Resource]:
    """All resources, in the order of registration."""
    return list(_resources.values())


def resource_of(model: Any) -> Resource | None:
    """The resource of a model or of an instance, or None."""
    cls = model if isinstance(model, type) else type(model)
    return _resources.get(getattr(cls._meta, "concrete_model", cls)) if hasattr(cls, "_meta") else None


def by_plural(plural: str) -> Resource | None:
    return _by_plural.get(plural)


def by_kind(kind: str) -> Resource | None:
    """The resource of a kind, as references and the ledger write it."""
    return next((r for r in _resources.values() if r.kind == kind), None)


def loose_actions() -> list[Action]:
    """Verbs of the organization as a whole: they act on it, or on nothing that has an address."""
    return [
        a
        for a in actions().values()
        if a.on is Organization or (a.on is None and resource_of(a.creates) is None)
    ]
