"""The doorway: every change of state is an action, declared once with its permission and subject.

``@action`` opens the transaction, locks the subject, checks the permission, the state table and the registered
guards, calls the body, and appends one ledger entry. Pages, API, tasks and commands only call actions; their forms,
routes, schema and documentation are derived from the declaration kept here.
"""

from __future__ import annotations

import functools
import inspect
import re
import typing
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Union

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import Decision, Ref, Refusal, Refused
from releasetrain.kernel.states import StateMachine
from releasetrain.tenancy.scope import require_scope
from releasetrain.tenancy.tasks import enqueue

from . import ledger, tasks
from .subscriptions import followed_verbs

Guard = Callable[[Actor, Any, dict[str, Any]], Refusal | None]
Effect = Callable[[Actor, Any, dict[str, Any]], None]
Observer = Callable[[Actor, str, Any, dict[str, Any], Refused], None]
Rider = Callable[[Any], ledger.Statement | None]


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action. `kind` is the bare type; `many` for list[kind]."""

    name: str
    kind: Any
    many: bool
    required: bool
    nullable: bool
    default: Any
    field: Field

    @property
    def label(self) -> str:
        return self.field.label or self.name.replace("_", " ").capitalize()


@dataclass
class Action:
    """The declaration of one verb; calling it performs the act."""

    # Templates call whatever is callable; a page that names an action must not perform it.
    do_not_call_in_templates = True

    verb: str
    body: Callable[..., Any]
    requires: str
    on: type[models.Model] | None = None
    creates: type[models.Model] | None = None
    within: str | None = None
    machine: StateMachine | None = None
    confirm: str = ""
    danger: bool = False
    step_up: bool = False
    hidden: bool = False
    label: str = ""
    quiet: tuple[str, ...] = ()
    lock: bool = True
    guards: list[Guard] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    riders: list[Rider] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.body) or "").split("\n", 1)[0].strip()

    @property
    def description(self) -> str:
        return inspect.getdoc(self.body) or ""

    @property
    def tail(self) -> str:
        return self.verb.split(".", 1)[1]

    @property
    def title(self) -> str:
        """What the button says."""
        return self.label or self.tail.replace("_", " ").replace("-", " ").capitalize()

    @functools.cached_property
    def parameters(self) -> list[Parameter]:
        """Keyword parameters of the body, with their types resolved."""
        hints = typing.get_type_hints(self.body, include_extras=True)
        found = []
        for name, parameter in inspect.signature(self.body).parameters.items():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                found.append(_parameter(name, hints[name], parameter.default))
        return found

    def decide(self, actor: Actor, subject: Any = None, params: dict[str, Any] | None = None) -> Decision:
        """May the actor do this now? Reads only; the act asks again under the lock."""
        return Decision(self.verb, list(self._refusals(actor, subject, params)))

    def _refusals(self, actor: Actor, subject: Any, params: dict[str, Any] | None) -> Iterator[Refusal]:
        target = (params or {}).get(self.within, subject) if self.within else subject
        undecided = self.within and target is None
        if not (actor.may_somewhere(self.requires) if undecided else actor.may(self.requires, target)):
            yield Refusal(
                code="permission.missing",
                sentence=f"You need the permission {self.requires} for this.",
                remedy="An organization owner can grant you a role that carries it.",
                status=403,
            )
            return
        if self.machine is not None and subject is not None:
            illegal = self.machine.refusal(self.verb, subject)
            if illegal:
                yield illegal
                return
        for guard in self.guards:
            refusal = guard(actor, subject, params or {})
            if refusal:
                yield refusal

    def __call__(self, actor: Actor, subject: Any = None, /, **params: Any) -> Any:
        return self._perform(actor, subject, params, savepoint=True)

    def alone(self, actor: Actor, subject: Any = None, /, **params: Any) -> Any:
        """Perform the act where it is all that the transaction is for: a refusal ends the transaction with it.

        Spares the savepoint, which costs two round trips; afterwards the refused transaction can only be rolled back.
        """
        return self._perform(actor, subject, params, savepoint=False)

    def _perform(self, actor: Actor, subject: Any, params: dict[str, Any], *, savepoint: bool) -> Any:
        try:
            return self._act(actor, subject, params, savepoint=savepoint)
        except Refused as refused:
            for observe in _observers:
                observe(actor, self.verb, subject, params, refused)
            raise

    def _act(self, actor: Actor, subject: Any, params: dict[str, Any], *, savepoint: bool) -> Any:
        if require_scope().organization_id != actor.organization_id:
            raise Refused(Refusal("scope.other", "This belongs to another organization.", status=404))
        missing = [p for p in self.parameters if p.required and p.name not in params]
        if missing:
            raise Refused(
                *[Refusal("required", f"{p.label} is required.", field=p.name, status=422) for p in missing]
            )
        with transaction.atomic(savepoint=savepoint):
            if self.on is not None:
                subject = self._locked(subject)
            self._check(actor, subject, params)
            self._check_freshness(actor)
            before = _snapshot(subject)
            try:
                result = (
                    self.body(actor, subject, **params) if self.on is not None else self.body(actor, **params)
                )
            except ValidationError as error:
                raise Refused(*_from_validation(error)) from error
            except IntegrityError as error:
                raise Refused(explained(error)) from error
            self._move(subject)
            about = subject if self.on is not None else result if isinstance(result, models.Model) else None
            payload = {
                "params": {
                    n: loggable(v) for n, v in params.items() if n not in self.quiet and v is not None
                },
                "changes": _changes(before, subject) if self.on is not None else {},
            }
            riders = [statement for rider in self.riders if (statement := rider(about))]
            ledger.append(
                actor, self.verb, about, payload, reason=str(params.get("reason") or ""), riders=riders
            )
            if self.verb in followed_verbs():
                enqueue(tasks.consume, actor.organization_id)
            for effect in self.effects:
                effect(actor, about, params)
            return result

    def _locked(self, subject: Any) -> Any:
        assert self.on is not None
        if not self.lock:
            return subject
        manager = self.on._default_manager.select_for_update(of=("self",))
        try:
            return manager.get(pk=subject.pk)
        except self.on.DoesNotExist:
            raise Refused(Refusal("absent", f"No such {self.on._meta.verbose_name}.", status=404)) from None

    def _check(self, actor: Actor, subject: Any, params: dict[str, Any]) -> None:
        refusals = list(self._refusals(actor, subject, params))
        if refusals:
            raise Refused(*refusals)

    def _check_freshness(self, actor: Actor) -> None:
        """Acts that weigh much ask people for a proof of the last minutes, whichever way they come."""
        if self.step_up and not actor.fresh:
            raise Refused(
                Refusal(
                    "step_up.required",
                    "This act needs a sign-in within the last minutes.",
                    "Sign in again under /accounts/reauthenticate/, then repeat it; a person's token has to be a new one.",
                    status=403,
                )
            )

    def _move(self, subject: Any) -> None:
        """Set the state the table leads to, unless the body already chose it, and save the subject."""
        if self.machine is None or subject is None:
            return
        transition = self.machine.transition(self.verb, getattr(subject, self.machine.field))
        if transition and transition.target:
            setattr(subject, self.machine.field, transition.target)
            subject.save()


_actions: dict[str, Action] = {}
_observers: list[Observer] = []
_late_guards: dict[str, list[Guard]] = {}
_late_effects: dict[str, list[Effect]] = {}
_late_riders: dict[str, list[Rider]] = {}


def action(
    verb: str,
    *,
    requires: str,
    on: type[models.Model] | None = None,
    creates: type[models.Model] | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], Action]:
    """Declare a use case. `verb` is "<noun>.<verb>"; see the module and CONTRIBUTING for the options."""
    if not re.fullmatch(r"[a-z_]+\.[a-z_]+", verb):
        raise ValueError(f"{verb!r} is not of the form noun.verb")
    if verb in _actions:
        raise ValueError(f"{verb} is declared twice")

    def declare(body: Callable[..., Any]) -> Action:
        declared = Action(verb=verb, body=body, requires=requires, on=on, creates=creates, **options)
        declared.guards.extend(_late_guards.pop(verb, []))
        declared.effects.extend(_late_effects.pop(verb, []))
        declared.riders.extend(_late_riders.pop(verb, []))
        functools.update_wrapper(declared, body)
        _actions[verb] = declared
        return declared

    return declare


def register_guard(verb: str, guard: Guard) -> None:
    """Let another app refuse a verb. The verb may be declared later."""
    if verb in _actions:
        _actions[verb].guards.append(guard)
    else:
        _late_guards.setdefault(verb, []).append(guard)


def register_effect(verb: str, effect: Effect) -> None:
    """Let a higher app act in the same transaction after a verb of a lower one (an approval falls with its scope)."""
    if verb in _actions:
        _actions[verb].effects.append(effect)
    else:
        _late_effects.setdefault(verb, []).append(effect)


def observe_refusals(observer: Observer) -> Observer:
    """Tell an app of every act that was tried and refused; what it notes has to outlive the rollback (`scope.afterwards`)."""
    _observers.append(observer)
    return observer


def register_rider(verb: str, rider: Rider) -> None:
    """Send a statement along with the ledger entry of a verb: an effect that is one write and reads nothing back."""
    if verb in _actions:
        _actions[verb].riders.append(rider)
    else:
        _late_riders.setdefault(verb, []).append(rider)


def actions() -> dict[str, Action]:
    """All declared actions by verb: the product's table of contents."""
    return dict(_actions)


def unclaimed_plugs() -> list[str]:
    """Verbs that somebody guards or follows but nobody declares; a system check refuses to start with any."""
    return sorted({*_late_guards, *_late_effects, *_late_riders})


def actions_on(model: type[models.Model]) -> list[Action]:
    """The verbs whose subject is this kind of object."""
    return [a for a in _actions.values() if a.on is model]


def creators_of(model: type[models.Model]) -> list[Action]:
    """The verbs that bring this kind of object into being, without a subject."""
    return [a for a in _actions.values() if a.creates is model and a.on is None]


def allowed_verbs(actor: Actor, subject: models.Model) -> dict[str, Decision]:
    """Every verb of the subject with the decision for this actor now."""
    return {a.verb: a.decide(actor, subject) for a in actions_on(type(subject))}


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    marks = Field()
    if typing.get_origin(hint) is Annotated:
        hint, *extras = typing.get_args(hint)
        marks = next((e for e in extras if isinstance(e, Field)), marks)
    nullable = False
    if typing.get_origin(hint) in (Union, UnionType):
        alternatives = [a for a in typing.get_args(hint) if a is not NoneType]
        nullable = len(alternatives) < len(typing.get_args(hint))
        hint = alternatives[0]
        if typing.get_origin(hint) is Annotated:
            hint, *extras = typing.get_args(hint)
            marks = next((e for e in extras if isinstance(e, Field)), marks)
    many = typing.get_origin(hint) is list and bool(typing.get_args(hint))
    kind = typing.get_args(hint)[0] if many else typing.get_origin(hint) or hint
    required = default is inspect.Parameter.empty
    return Parameter(name, kind, many, required, nullable, None if required else default, marks)


def _snapshot(subject: Any) -> dict[str, Any]:
    if subject is None:
        return {}
    return {f.attname: getattr(subject, f.attname) for f in subject._meta.concrete_fields}


def _changes(before: dict[str, Any], subject: Any) -> dict[str, list[Any]]:
    after = _snapshot(subject)
    # A model's own secrets, sealed or not, never stand in what is kept for good.
    kept_back = ("row_version", *getattr(subject, "never_logged", ()))
    return {
        name: [loggable(old), loggable(after[name])]
        for name, old in before.items()
        if after.get(name) != old and name not in kept_back
    }


def loggable(value: Any) -> Any:
    """A value of a parameter as an entry of the ledger says it."""
    if isinstance(value, models.Model):
        return {"kind": value._meta.model_name, "id": str(value.pk), "label": str(value)}
    if isinstance(value, Upload):
        return {"file": value.name, "bytes": len(value.content)}
    if isinstance(value, bytes | memoryview):
        return f"{len(value)} bytes"
    if isinstance(value, list | tuple | set):
        return [loggable(v) for v in value]
    if isinstance(value, dict):
        return {str(k): loggable(v) for k, v in value.items()}
    if isinstance(value, str | int | float | bool | NoneType | Decimal | date | datetime | uuid.UUID):
        return plain(value)
    return str(value)


def _from_validation(error: ValidationError) -> list[Refusal]:
    if hasattr(error, "error_dict"):
        return [
            Refusal("invalid", message, field=None if name == "__all__" else name, status=422)
            for name, messages in error.message_dict.items()
            for message in messages
        ]
    return [Refusal("invalid", message, status=422) for message in error.messages]


def explained(error: IntegrityError) -> Refusal:
    """The database refused: name its constraint, so that the reason is never lost."""
    diag = getattr(error.__cause__, "diag", None)
    constraint = getattr(diag, "constraint_name", None) or ""
    known = _constraint_sentences.get(constraint)
    if known:
        return Refusal(f"database.{constraint}", known, status=409)
    detail = (getattr(diag, "message_primary", None) or str(error)).strip()
    return Refusal(
        f"database.{constraint or 'constraint'}", f"The database refuses this: {detail}.", status=409
    )


_constraint_sentences: dict[str, str] = {}


def explain_constraint(name: str, sentence: str) -> None:
    """Say in words what a database constraint means when it refuses."""
    _constraint_sentences[name] = sentence


__all__ = [
    "Action",
    "Actor",
    "Decision",
    "Field",
    "Parameter",
    "Ref",
    "Refusal",
    "Refused",
    "action",
    "actions",
    "actions_on",
    "allowed_verbs",
    "creators_of",
    "explain_constraint",
    "explained",
    "loggable",
    "observe_refusals",
    "register_effect",
    "register_guard",
    "register_rider",
    "unclaimed_plugs",
]
